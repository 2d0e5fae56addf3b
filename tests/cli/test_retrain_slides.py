"""`shazam retrain` on slides: stopped, gone on with, and paying for new slides only."""

import json
import signal
import time
from pathlib import Path

import pytest

from shazam.cohort import slide_memory
from shazam.stages import SOURCE_ROOT
from tests.command import Outcome, settings, shazam, shazam_here, start_shazam
from tests.real_data import write_table
from tests.slides.made import make_slide, tissue_picture

pytestmark = pytest.mark.integration  # several whole runs on slides

NAMES = [f"s{number:02d}" for number in range(17)]
N_FIRST = 16
QUICK = settings(
    [
        "extraction.teachers=[efficientnet_lite0]",
        "extraction.reference_encoders=[]",
        "extraction.batch_size=4",
        "extraction.readers=0",
        "splits.n_folds=2",
        "splits.sites=ignored",
        "splits.time_limit_s=1",
        "splits.validation_fraction=0.45",
        "training.max_epochs=2",
        "training.pca_components=2",
        "arms.students=[]",
        "arms.joint=[]",
        "arms.baselines=[mean_pool,abmil]",
        "arms.clinical=false",
        "arms.canary_permutations=10",
        "arms.canary_candidate_permutations=0",
        "acceptance.candidate_canary=left_out",
        "evaluation.bootstrap=100",
        "acceptance.candidate=abmil.efficientnet_lite0",
        "acceptance.compared_to=mean_pool.efficientnet_lite0",
        "acceptance.min_events=1",
    ]
)


def command(folder: Path, *more: str) -> list[str | Path]:
    sources = settings(
        [f"cohort.table={folder / 'cohort.csv'}", f"cohort.slides_dir={folder / 'slides'}"]
    )
    config = SOURCE_ROOT / "configs" / "survival.yaml"
    workspace = folder / "workspace"
    return ["retrain", "-c", config, "-w", workspace, *QUICK, *sources, "--json", *more]


def write_cohort(folder: Path, n_cases: int, *, late: str | None = None) -> None:
    rows = [
        {
            "case_id": name,
            "slide_id": name,
            "site": f"h{number % 4}",
            "time_months": 12 + number * 7 % 11,
            "event": number // 2 % 2,
        }
        | ({"time_months": 40, "event": 1} if name == late else {})
        for number, name in enumerate(NAMES[:n_cases])
    ]
    write_table(folder / "cohort.csv", rows)


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of every tile and feature file that is published."""
    root = folder / "workspace"
    found = [
        seal.with_suffix("")
        for kind in ("tiles", "features")
        for seal in (root / kind).rglob("*.h5.sha256")
    ]
    stats = {path.relative_to(root).as_posix(): path.stat() for path in found}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}


def features_in(folder: Path) -> int:
    return sum(name.startswith("features/") for name in files_of(folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    for number, name in enumerate(NAMES[:N_FIRST]):
        make_slide(folder / "slides", name, rgb=tissue_picture(300, 600, seed=number))
    write_cohort(folder, N_FIRST)
    return folder


@pytest.fixture(scope="module")
def stopped(folder) -> tuple[Outcome, dict[str, tuple[int, int]]]:
    """A first run that is stopped while it extracts, and the files that it had made."""
    process = start_shazam(*command(folder))
    deadline = time.monotonic() + 240
    while features_in(folder) == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.stop(signal.SIGTERM)
    return process.wait(within_s=120), files_of(folder)


@pytest.fixture(scope="module")
def first(folder, stopped) -> Outcome:
    return shazam(*command(folder))


@pytest.fixture(scope="module")
def grown(folder, first) -> tuple[Outcome, dict[str, tuple[int, int]]]:
    """A new case with its slide, and an event that came for a known one; the files before."""
    before = files_of(folder)
    make_slide(folder / "slides", NAMES[N_FIRST], rgb=tissue_picture(300, 600, seed=N_FIRST))
    write_cohort(folder, N_FIRST + 1, late="s00")
    return shazam(*command(folder)), before


def told(outcome: Outcome) -> dict:
    assert outcome.code in (0, 5), outcome.text  # so few cases may fail a gate, and register
    found = json.loads(outcome.out)
    assert found["passed"] is (outcome.code == 0)
    return found


def test_one_that_is_stopped_leaves_nothing_half_written_and_registers_nothing(folder, stopped):
    outcome, made = stopped
    assert outcome.code == 143, outcome.text
    assert outcome.out == ""
    assert 0 < sum(name.startswith("features/") for name in made) < N_FIRST
    assert list((folder / "workspace" / "features").rglob(".*")) == []


def test_the_next_one_goes_on_where_it_was_stopped(folder, stopped, first):
    found = told(first)
    assert (found["first"], found["registration"]["version"]) == (True, "1")
    _, made = stopped
    files = files_of(folder)
    assert made.items() <= files.items()
    assert features_in(folder) == N_FIRST
    assert list((folder / "workspace").rglob("*.tmp*")) == []


def test_a_new_slide_costs_itself_and_a_late_event_costs_none(folder, first, grown):
    outcome, before = grown
    found = told(outcome)
    assert found["new"]["new_cases"] == found["new"]["new_slides"] == ["s16"]
    assert [change["case_id"] for change in found["new"]["outcomes"]] == ["s00"]
    assert found["reasons"] == [
        "1 new cases (at least 1 asked)",
        "1 late events (at least 1 asked)",
    ]
    assert found["registration"]["version"] == "2"
    after = files_of(folder)
    assert before.items() <= after.items()
    assert sorted(Path(name).name for name in after.keys() - before.keys()) == ["s16.h5", "s16.h5"]


def test_slides_are_known_by_size_and_time_and_a_replaced_one_is_seen(folder, grown, monkeypatch):
    read = []
    monkeypatch.setattr(
        "shazam.cohort.slide_contents.hash_slide",
        lambda path: read.append(path.name) or "0" * 64,
    )
    quiet = shazam_here(*command(folder))
    assert quiet.code == 0, quiet.text
    assert json.loads(quiet.out)["reasons"] == ["nothing is new"]
    assert read == []
    assert (folder / "workspace" / slide_memory.MEMORY).is_file()
    make_slide(folder / "slides", "s01", rgb=tissue_picture(300, 600, seed=99))
    outcome = shazam_here(*command(folder, "--set", "retraining.min_changed_cases=2"))
    assert outcome.code == 0, outcome.text
    assert json.loads(outcome.out)["new"]["changed_slides"] == ["s01"]
    assert read == ["s01.tiff"]
