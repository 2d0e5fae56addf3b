"""`shazam retrain`: one workspace, and what comes to it one after another."""

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from shazam.evaluation.run_folder import read_document
from tests.command import Outcome, Running, settings, shazam, shazam_here, start_shazam
from tests.imported import CASES, QUICK, counts, make, rows
from tests.real_data import write_table

pytestmark = pytest.mark.integration  # many whole runs

FEW_ARMS = settings(
    [
        "imports.missing_teacher=refuse",
        "arms.baselines=[mean_pool]",
        "arms.joint=[]",
        "arms.students=[]",
        "arms.logit_prod=false",
        "arms.canary_candidate_permutations=0",
        "acceptance.candidate_canary=left_out",
        "acceptance.candidate=mean_pool.uni_v2",
        "acceptance.compared_to=mean_pool.cell_counts",
    ]
)
WHY = "the board asked for a higher floor"
NEW_FLOOR = settings(["acceptance.floor=0.51"])
N_FIRST = 30


def table(n_cases: int, **late: dict[str, object]) -> list[dict[str, object]]:
    return [row | late.get(str(row["case_id"]), {}) for row in rows()[:n_cases]]


def command(config: Path, *more: str) -> list[str | Path]:
    workspace = config.parent / "workspace"
    return ["retrain", "-c", config, "-w", workspace, *QUICK, *FEW_ARMS, *more]


def set_cases(config: Path, n_cases: int, **late: dict[str, object]) -> None:
    """Let the table and the files hold these cases, with outcomes that came late."""
    write_table(config.parent / "cohort.csv", table(n_cases, **late))
    np.savez(
        config.parent / "counts.npz",
        counts=counts()[:n_cases],
        case_id=np.array(CASES[:n_cases]),
    )
    kept, aside = config.parent / "uni_v2", config.parent / "aside"
    aside.mkdir(exist_ok=True)
    for number, name in enumerate(CASES):
        source, target = (aside, kept) if number < n_cases else (kept, aside)
        if (source / f"{name}.h5").exists():
            (source / f"{name}.h5").rename(target / f"{name}.h5")


def registry(config: Path) -> dict[str, bytes]:
    """Return the bytes of all that a registration writes."""
    root = config.parent / "workspace"
    paths = [root / "mlflow.db", *(root / "runs").rglob("*"), *(root / "mlartifacts").rglob("*")]
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def files_of(config: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of every tile and feature file of the workspace."""
    root = config.parent / "workspace"
    found = [path for kind in ("tiles", "features") for path in (root / kind).rglob("*.h5")]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def wait_until_held(config: Path, process: Running) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if (config.parent / "workspace" / "workspace.json").exists():
            return
        time.sleep(0.02)
    process.stop(signal.SIGKILL)
    raise TimeoutError("the workspace was not taken")


LATE = {"time_months": 15.0, "event": 1}


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    config = make(tmp_path_factory.mktemp("retrain") / "my")
    set_cases(config, N_FIRST)
    return config


@pytest.fixture(scope="module")
def at_once(config) -> tuple[Outcome, Outcome]:
    """Two of them in one workspace: the first ever, and one that comes while it runs."""
    process = start_shazam(*command(config))
    wait_until_held(config, process)
    second = shazam(*command(config))
    return process.wait(), second


@pytest.fixture(scope="module")
def first(at_once) -> Outcome:
    outcome, _ = at_once
    assert outcome.code == 0, outcome.text
    return outcome


@pytest.fixture(scope="module")
def nothing(config, first) -> Outcome:
    before = registry(config)
    outcome = shazam_here(*command(config))
    assert outcome.code == 0, outcome.text
    assert registry(config) == before
    return outcome


@pytest.fixture(scope="module")
def late(config, nothing) -> tuple[Outcome, dict, dict]:
    """An event that came for a case without one, on features that are there already."""
    before = files_of(config)
    set_cases(config, N_FIRST, c00=LATE)
    outcome = shazam(*command(config, "--json"))
    assert outcome.code == 0, outcome.text
    return outcome, before, files_of(config)


@pytest.fixture(scope="module")
def refused(config, late) -> Outcome:
    """Two new cases under other criteria."""
    set_cases(config, N_FIRST + 2, c00=LATE)
    before = registry(config)
    outcome = shazam_here(*command(config, *NEW_FLOOR))
    assert registry(config) == before
    return outcome


@pytest.fixture(scope="module")
def accepted(config, refused) -> Outcome:
    outcome = shazam(*command(config, *NEW_FLOOR, "--accept-new-criteria", WHY))
    assert outcome.code == 0, outcome.text
    return outcome


def test_the_first_run_trains_and_says_so(first):
    assert "retraining: the first run: no version is registered here" in first.out
    assert "model my_features version 1, alias challenger" in first.out


def test_one_that_comes_while_another_runs_ends_with_1_and_changes_nothing(at_once):
    first, second = at_once
    assert first.code == 0, first.text
    assert second.code == 1
    assert "another run uses it" in second.err
    assert second.out == ""


def test_nothing_new_makes_no_run(nothing):
    assert nothing.last_line == "nothing to retrain for: nothing is new"
    assert "model my_features version 1, run " in nothing.out


def test_new_cases_below_the_threshold_make_no_run(config, nothing):
    set_cases(config, N_FIRST + 1)
    before = registry(config)
    outcome = shazam_here(*command(config, "--min-new-cases", "2"))
    set_cases(config, N_FIRST)
    assert outcome.code == 0, outcome.text
    assert outcome.last_line == "nothing to retrain for: 1 new cases (2 needed)"
    assert f"c{N_FIRST}" in outcome.out
    assert registry(config) == before


def test_lost_cases_are_refused_by_name(config, nothing):
    set_cases(config, N_FIRST - 2)
    before = registry(config)
    outcome = shazam_here(*command(config))
    set_cases(config, N_FIRST)
    assert outcome.code == 45
    assert (
        "2 cases of the last registered version are gone from the table (c28, c29)" in outcome.err
    )
    assert "retraining.lost_cases: accept" in outcome.err
    assert registry(config) == before


def test_a_late_event_trains_again_without_touching_a_feature_file(config, late):
    outcome, before, after = late
    told = json.loads(outcome.out)
    assert told["retrain"] is True
    assert told["reasons"] == ["1 late events (at least 1 asked)"]
    (change,) = told["new"]["outcomes"]
    assert (change["case_id"], change["kind"]) == ("c00", "came")
    assert change["now"] == "15 months, event"
    assert told["new"]["new_cases"] == told["new"]["changed_files"] == []
    assert told["compared_to"]["version"] == "1"
    assert told["registration"]["version"] == "2"
    assert told["registration"]["alias"] == "challenger"
    assert told["new_criteria"] is None
    assert before == after
    assert before


def test_other_criteria_are_refused_with_both_digests(late, refused):
    outcome, _, _ = late
    judged_by = json.loads(outcome.out)
    assert refused.code == 45
    (line,) = (line for line in refused.err.splitlines() if line.startswith("  - acceptance: "))
    report = Path(judged_by["report"]).parent
    assert read_document(report).result.acceptance_sha256 in line
    assert "the criteria differ from those that version 2 was judged by" in refused.err
    assert line.endswith(" now")


def test_other_criteria_are_accepted_with_a_reason_that_the_report_shows(refused, accepted):
    assert f"other criteria than before (acceptance), accepted because: {WHY}" in accepted.out
    assert "retraining: 2 new cases (at least 1 asked)" in accepted.out
    assert "model my_features version 3, alias challenger" in accepted.out
    folder = Path(accepted.last_line).parent
    recorded = read_document(folder).context.new_criteria
    assert recorded is not None
    assert (recorded.why, recorded.version) == (WHY, "2")
    assert recorded.before["acceptance"] in refused.err
    assert recorded.now["acceptance"] in refused.err
    for page in ("report.html", "model_card.md", "config.json"):
        assert WHY in (folder / page).read_text()


def test_criteria_stay_accepted(config, accepted):
    outcome = shazam_here(*command(config, *NEW_FLOOR, "--json"))
    assert outcome.code == 0, outcome.text
    told = json.loads(outcome.out)
    assert (told["retrain"], told["registration"]) == (False, None)
    assert told["changed_criteria"] == []
    assert told["compared_to"]["version"] == "3"


def test_a_version_of_this_very_cohort_stands_for_it_though_others_followed(config, accepted):
    set_cases(config, N_FIRST)
    outcome = shazam_here(*command(config, "--json"))
    set_cases(config, N_FIRST + 2, c00=LATE)
    assert outcome.code == 0, outcome.text
    told = json.loads(outcome.out)
    assert told["retrain"] is False
    assert told["compared_to"]["version"] == "1"
