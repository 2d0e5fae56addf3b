import csv
import shutil

import pytest

from shazam.config.tiling import TilingConfig
from shazam.config.tree import DemoConfig
from shazam.demo import make_demo_cohort
from shazam.demo.paint import paint_section
from shazam.digest import digest_of_file
from shazam.errors import SlideError
from shazam.slides.reader import read_properties
from shazam.slides.validate import validate_slide
from tests.slides.made import record, silent

CONFIG = DemoConfig(n_cases=12, n_extra_slides=1, n_sites=3)


def made(folder, config=CONFIG):
    return make_demo_cohort(config, folder=folder, progress=silent("demo"))


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): digest_of_file(path)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return made(tmp_path_factory.mktemp("demo"))


def test_one_seed_gives_one_set_of_bytes(cohort, tmp_path):
    made(tmp_path)
    assert digests(tmp_path) == digests(cohort.table.parent)


def test_the_table_names_every_slide_and_one_outcome_per_case(cohort):
    with cohort.table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 + 1 + 3
    assert {row["slide_path"] for row in rows} == {p.name for p in cohort.slides_dir.iterdir()}
    outcomes = {(row["case_id"], row["time_months"], row["event"], row["site"]) for row in rows}
    assert len(outcomes) == 12


def test_sound_slides_validate_and_broken_ones_have_their_reasons(cohort):
    found = {}
    for path in sorted(cohort.slides_dir.iterdir()):
        try:
            validate_slide(path, slide=record(path), config=TilingConfig())
        except SlideError as error:
            found[path.stem.split("-")[-1]] = error.reason
    assert found == {
        "truncated": "unreadable",
        "no_resolution": "no_resolution",
        "no_tissue": "no_tissue",
    }


def test_slides_are_pyramids_of_both_resolutions(cohort):
    sound = sorted(cohort.slides_dir.glob("*-A.tiff"))
    properties = [read_properties(path, assume_mpp=None) for path in sound]
    assert {(p.mpp, len(p.level_dims_px)) for p in properties} == {(0.5, 2), (0.25, 3)}


def test_a_second_call_paints_nothing_but_what_was_harmed(cohort, monkeypatch):
    folder = cohort.table.parent
    before = digests(folder)
    harmed = cohort.slides_dir / "DEMO-005-A.tiff"
    harmed.write_bytes(b"harmed")
    painted = []

    def counting(seed, **look):
        painted.append(seed)
        return paint_section(seed, **look)

    monkeypatch.setattr("shazam.demo.cohort.paint_section", counting)
    made(folder)
    assert len(painted) == 1
    assert digests(folder) == before


def test_a_null_cohort_differs_in_its_table_only(cohort, tmp_path):
    before = digests(cohort.table.parent)
    shutil.copytree(cohort.table.parent, tmp_path, dirs_exist_ok=True)
    made(tmp_path, CONFIG.model_copy(update={"signal": 0.0}))
    after = digests(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"cohort.csv"}
