"""Real slides of scanners, and real bad ones, through `shazam run`."""

import csv
import re
import shutil
from pathlib import Path

import h5py
import pytest

from shazam.stages import SOURCE_ROOT
from tests.command import Outcome, settings, shazam
from tests.real_data import shared_data, write_table

pytestmark = [pytest.mark.integration]

WITHOUT_RESOLUTION = {"TCGA-CR-7395-01A-01-TS1"}
UNREADABLE = {"broken", "unreadable", "CMU-1-Small-Region_truncated"}
QUICK = settings(
    [
        "cohort.name=sections",
        "splits.n_folds=2",
        "max_quarantine_fraction=0.5",
        "training.max_epochs=3",
        "student.n_blocks=1",
        "student.dim=16",
        "arms.canary_permutations=10",
        "evaluation.bootstrap=100",
        "extraction.teachers=[efficientnet_lite0]",
    ]
)


def section_rows(monuseg: Path) -> list[dict[str, str]]:
    with (monuseg / "manifest.csv").open() as file:
        return [
            {
                "case_id": row["case_id"],
                "slide_id": row["slide_id"],
                "slide_path": row["file"],
                "label": row["section"],
            }
            for row in csv.DictReader(file)
            if (monuseg / row["file"]).is_file()
        ]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    """29 real fields of frozen and fixed sections, 3 scanner files, and all the bad ones."""
    folder = tmp_path_factory.mktemp("sections")
    data = shared_data()
    rows = section_rows(data / "wsi_monuseg")
    slides = folder / "slides"
    slides.mkdir()
    for row in rows:
        shutil.copy(data / "wsi_monuseg" / row["slide_path"], slides)
    others = [*sorted((data / "wsi").iterdir()), *sorted((data / "wsi_bad").iterdir())]
    for path in others:
        if path.suffix == ".md":
            continue
        shutil.copy(path, slides)
        label = "frozen" if "TS1" in path.stem else rows[0]["label"]
        rows.append(
            {
                "case_id": f"case-{path.stem}",
                "slide_id": path.stem,
                "slide_path": path.name,
                "label": label,
            }
        )
    write_table(folder / "cohort.csv", rows)
    return folder


def run(cohort: Path, *more: str) -> Outcome:
    sources = settings(
        [f"cohort.table={cohort / 'cohort.csv'}", f"cohort.slides_dir={cohort / 'slides'}"]
    )
    config = SOURCE_ROOT / "configs" / "classification.yaml"
    workspace = cohort / "workspace"
    return shazam("run", "-c", config, "--workspace", workspace, *sources, *QUICK, *more)


def reasons(outcome: Outcome) -> dict[str, str]:
    found = re.findall(r"^  quarantined (\S+) at \w+: (\w+): ", outcome.out, re.MULTILINE)
    return dict(found)


@pytest.fixture(scope="module")
def first(cohort) -> Outcome:
    outcome = run(cohort)
    assert outcome.code in (0, 5), outcome.text
    return outcome


def test_each_bad_slide_is_quarantined_for_its_own_reason(first):
    found = reasons(first)
    assert {name: found.get(name) for name in UNREADABLE} == dict.fromkeys(UNREADABLE, "unreadable")
    assert {name: found.get(name) for name in WITHOUT_RESOLUTION} == dict.fromkeys(
        WITHOUT_RESOLUTION, "no_resolution"
    )
    assert found["fluorescence_TRITC"] == "not_brightfield"
    assert found["boxes"] == "implausible_resolution"
    assert found.pop("small") in {"no_tissue", "no_resolution"}
    assert set(found) == {*UNREADABLE, *WITHOUT_RESOLUTION, "fluorescence_TRITC", "boxes"}


def test_all_readable_brightfield_slides_get_features(cohort, first):
    features = {p.stem for p in (cohort / "workspace" / "features").rglob("*.h5")}
    expected = {row["slide_id"] for row in section_rows(shared_data() / "wsi_monuseg")}
    assert features == {*expected, "CMU-1-Small-Region"}


def test_a_forty_times_field_is_read_at_the_same_physical_size(cohort, first):
    (grid,) = (cohort / "workspace" / "tiles").rglob("TCGA-18-5592-01Z-00-DX1.h5")
    with h5py.File(grid) as file:
        assert file.attrs["tile_um"] == 112.0
        assert file.attrs["tile_px"] == 224
        assert file.attrs["mpp"] == pytest.approx(0.25, rel=1e-3)
        assert len(file["coords"]) == 4


def test_a_user_can_supply_the_missing_resolution(cohort, first):
    outcome = run(cohort, "--assume-mpp", "0.5")
    assert outcome.code in (0, 5), outcome.text
    found = reasons(outcome)
    assert not {"no_resolution", "implausible_resolution"} & set(found.values())
    assert "TCGA-CR-7395-01A-01-TS1" not in found
    assert found["fluorescence_TRITC"] == "not_brightfield"
