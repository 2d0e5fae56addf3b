"""The shipped catalogue holds what is known of each teacher; a user's file has the same form."""

from pathlib import Path

import pytest
import yaml

from shazam.errors import ConfigError, ExitCode
from shazam.teachers.catalogue import Catalogue, shipped_catalogue
from shazam.teachers.entry import Hub, Interpolation, Loader, Pooling, Taps

ENTRIES = shipped_catalogue().entries

# key: hub id, dims of low, mid, high, pooling, (blocks, patch, registers), taps
FACTS = {
    "uni_v1": ("MahmoodLab/UNI", (1024, 1024, 1024), "cls", (24, 16, 0), (7, 15)),
    "uni_v2": ("MahmoodLab/UNI2-h", (1536, 1536, 1536), "cls", (24, 14, 8), (7, 15)),
    "virchow": ("paige-ai/Virchow", (1280, 1280, 2560), "cls+mean", (32, 14, 0), (10, 20)),
    "virchow2": ("paige-ai/Virchow2", (1280, 1280, 2560), "cls+mean", (32, 14, 4), (10, 20)),
    "gigapath": (
        "prov-gigapath/prov-gigapath",
        (1536, 1536, 1536),
        "cls",
        (40, 16, 0),
        (13, 26),
    ),
    "hoptimus0": ("bioptimus/H-optimus-0", (1536, 1536, 1536), "cls", (40, 14, 4), (13, 26)),
    "hoptimus1": ("bioptimus/H-optimus-1", (1536, 1536, 1536), "cls", (40, 14, 4), (13, 26)),
    "h0_mini": ("bioptimus/H0-mini", (768, 768, 768), "cls", (None, 14, 4), None),
    "phikon_v2": ("owkin/phikon-v2", (1024, 1024, 1024), "cls", (24, 16, 0), (7, 15)),
    "gpfm": ("majiabo/GPFM", (1024, 1024, 1024), "cls", (24, 14, 0), (7, 15)),
    "hibou_l": ("histai/hibou-L", (1024, 1024, 1024), "pooler", (None, 14, 4), None),
}
GATED = {"uni_v1", "uni_v2", "virchow", "virchow2", "gigapath", "hoptimus1", "h0_mini", "hibou_l"}
OPEN_LICENCE = {"virchow", "hoptimus0", "hibou_l"}
OWN = """
teachers:
  mine:
    revision: "3"
    source: {kind: local, path: weights/mine.pth, sha256: SHA}
    network: {architecture: resnet18, pooling: average}
    transform: {mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}
    dims: {low: 64, mid: 256, high: 512}
    licence: MIT
""".replace("SHA", "a" * 64)


def own_file(folder: Path, text: str = OWN) -> Path:
    path = folder / "own.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", FACTS)
def test_the_published_teachers_are_there(name):
    hub_id, dims, pooling, (blocks, patch_px, registers), taps = FACTS[name]
    entry = ENTRIES[name]
    assert isinstance(entry.source, Hub)
    assert entry.source.hub_id == hub_id
    assert (entry.dims.low, entry.dims.mid, entry.dims.high) == dims
    network = entry.network
    assert (network.blocks, network.patch_px, network.registers) == (blocks, patch_px, registers)
    assert network.pooling is Pooling(pooling)
    assert network.taps == (Taps(*taps) if taps else None)
    assert entry.gated == (name in GATED)
    assert (entry.licence == "Apache-2.0") == (name in OPEN_LICENCE)
    assert entry.transform.input_px == 224


def test_only_one_teacher_needs_code_of_the_hub():
    remote = [n for n, e in ENTRIES.items() if e.network and e.network.loader is Loader.REMOTE_CODE]
    assert remote == ["hibou_l"]


def test_normalisation_and_resizing_are_each_teachers_own():
    assert ENTRIES["hoptimus0"].transform.mean == (0.707223, 0.578729, 0.703617)
    assert ENTRIES["hoptimus1"].transform.std == (0.211883, 0.230117, 0.177517)
    assert ENTRIES["h0_mini"].transform == ENTRIES["hoptimus0"].transform
    assert ENTRIES["hibou_l"].transform.mean == (0.7068, 0.5755, 0.722)
    assert ENTRIES["hibou_l"].transform.std == (0.195, 0.2316, 0.1816)
    assert ENTRIES["gigapath"].transform.resize_px == 256
    assert ENTRIES["virchow"].transform.interpolation is Interpolation.BICUBIC
    imagenet = {"uni_v1", "uni_v2", "virchow", "virchow2", "gigapath", "phikon_v2", "gpfm"}
    for name in imagenet:
        assert ENTRIES[name].transform.mean == (0.485, 0.456, 0.406)
        assert ENTRIES[name].transform.std == (0.229, 0.224, 0.225)


def test_convolutional_networks_are_run_in_float32():
    names = ("efficientnet_lite0", "efficientnet_lite1", "uni_v2")
    assert [ENTRIES[name].network.bfloat16 for name in names] == [False, False, True]


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ConfigError, match="colour_statistics"):
        shipped_catalogue().entry("uni_v9")


def test_a_users_file_adds_teachers_with_paths_beside_it(tmp_path):
    catalogue = Catalogue.load(own_file(tmp_path))
    assert list(catalogue.entries) == [*ENTRIES, "mine"]
    assert catalogue.entry("mine").source.path == tmp_path / "weights" / "mine.pth"


def test_numbers_as_model_cards_write_them_are_numbers(tmp_path):
    text = OWN.replace("pooling: average", "pooling: average, kwargs: {init_values: 1e-5}")
    network = Catalogue.load(own_file(tmp_path, text)).entry("mine").network
    assert network.kwargs == {"init_values": 1e-5}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mine:", "uni_v1:", "uni_v1: the shipped catalogue has an entry of that name"),
        ("mine:", "../mine:", r"teachers\.\.\./mine"),
        ("licence: MIT", "licence: MIT\n    licens: MIT", r"teachers\.mine\.licens.*Extra inputs"),
        ("licence: MIT", "licence: MIT\n    licence: BSD", "'licence' is there twice"),
        ("    licence: MIT\n", "", r"teachers\.mine\.licence.*required"),
        ("average}", "average, taps: {low: 3, mid: 3}}", "low .3. must come before mid"),
        ("average}", "average, taps: {low: -1, mid: 3}}", r"mine\.network\.taps\.low"),
        (
            "average}",
            "average, blocks: 4, taps: {low: 1, mid: 4}}",
            r"mid .4. is impossible with 4 blocks",
        ),
        ("average}", "max}", r"teachers\.mine\.network\.pooling"),
        ("average}", "pooler}", "timm networks have no pooler"),
        ("average}", "average, loader: jax}", r"teachers\.mine\.network\.loader"),
        ("average}", "average, loader: remote_code}", "leave it null"),
        ("average}", "average, kwargs: {pretrained: true}}", r"kwargs\.pretrained: may not be set"),
        (
            "average}",
            "average, kwargs: {act_layer: os.system}}",
            r"kwargs\.act_layer: 'os\.system'",
        ),
        ("architecture: resnet18", "architecture: null", "only the hub's config.json can say it"),
        ("std: [0.5, 0.5, 0.5]", "std: [0.5, 0, 0.5]", r"mine\.transform\.std\.1"),
        ("std: [0.5, 0.5, 0.5]", "std: [0.5, 0.5]", r"mine\.transform\.std"),
        ("std: [0.5, 0.5, 0.5]", "std: [.5, .5, .5], resize_px: 100", "resize_px: 100 is below"),
        (
            "std: [0.5, 0.5, 0.5]",
            "std: [.5, .5, .5], interpolation: x",
            r"transform\.interpolation",
        ),
        ("low: 64", "low: 0", r"mine\.dims\.low"),
        ("a" * 64, "A" * 64, r"mine\.source\.local\.sha256"),
        ("kind: local", "kind: ftp", r"mine\.source"),
        ('    revision: "3"\n', "", "revision: missing"),
        ("teachers:", "teachers: [", "not valid YAML"),
        (OWN, "- a", "own.yaml: 1 problem"),
        (OWN, "teachers: {mine: 3}", r"teachers\.mine"),
    ],
)
def test_what_is_wrong_in_a_users_file_is_named(tmp_path, old, new, message):
    assert old in OWN
    with pytest.raises(ConfigError, match=message) as caught:
        Catalogue.load(own_file(tmp_path, OWN.replace(old, new)))
    assert "own.yaml" in str(caught.value)
    assert caught.value.exit_code is ExitCode.CONFIGURATION


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"revision": "1"}, "the lock file holds the revision"),
        ({"network": None}, "network and transform are needed"),
        (
            {"source": {"kind": "hub", "hub_id": "a/b", "weights": ["w"], "code": ["c.py"]}},
            "goes with the loader remote_code",
        ),
        ({"source": {"kind": "hub", "hub_id": "a/../b", "weights": ["w"]}}, "hub_id"),
        ({"source": {"kind": "hub", "hub_id": "a/b", "weights": ["../w"]}}, "weights"),
        ({"source": {"kind": "hub", "hub_id": "a/b", "weights": []}}, "weights"),
    ],
)
def test_hub_entries_are_checked_too(tmp_path, change, message):
    part = yaml.safe_load(OWN)["teachers"]["mine"]
    del part["revision"]
    part["source"] = {"kind": "hub", "hub_id": "a/b", "weights": ["w.safetensors"]}
    text = yaml.safe_dump({"teachers": {"mine": {**part, **change}}})
    with pytest.raises(ConfigError, match=message):
        Catalogue.load(own_file(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read"):
        Catalogue.load(tmp_path / "absent.yaml")
