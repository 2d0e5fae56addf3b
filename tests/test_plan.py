"""`shazam plan` and `--dry-run` against what runs then do; `shazam gc` between runs.

Runs are real ones on imported features; plans and collections must leave no trace.
"""

from __future__ import annotations

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from shazam.digest import digest_of, digest_of_file
from tests.command import Outcome, settings, shazam
from tests.imported import QUICK, make
from tests.source_tree import not_cached

FEW_STEPS = settings(
    [
        "splits.sites=ignored",
        "arms.baselines=[mean_pool]",
        "arms.joint=[]",
        "arms.students=[]",
        "arms.canary_candidate_permutations=0",
        "acceptance.candidate_canary=left_out",
        "acceptance.candidate=mean_pool.uni_v2",
        "acceptance.compared_to=mean_pool.cell_counts",
    ]
)
OTHER_SEED = settings(["training.seeds=[7]"])
TRAINED = {"train_mean_pool_uni_v2", "train_mean_pool_cell_counts", "canary"}


@dataclass(frozen=True)
class Project:
    config: Path
    workspace: Path

    def shazam(self, command: str, *more: str, **environment: str) -> Outcome:
        words = (command, "-c", self.config, "-w", self.workspace, *QUICK, *FEW_STEPS, *more)
        outcome = shazam(*words, cwd=self.config.parent, environment=environment)
        assert outcome.code == 0, outcome.text
        return outcome

    def planned(self, *more: str, **environment: str) -> dict[str, str]:
        """Return the fate of each step, after looking that the plan left no trace."""
        before = trace(self.config.parent)
        told = json.loads(self.shazam("plan", "--json", *more, **environment).out)
        assert trace(self.config.parent) == before
        return {step["name"]: step["fate"] for step in told["steps"]}


def trace(folder: Path) -> str:
    """Return a digest of all names, bytes and times below a folder."""
    found = [
        (
            path.relative_to(folder).as_posix(),
            path.lstat().st_mtime_ns,
            digest_of_file(path) if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
    ]
    return digest_of(found)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    config = make(tmp_path_factory.mktemp("plan") / "my")
    made = Project(config, config.parent / "ws")
    made.shazam("run")
    return made


def steps_with(fates: dict[str, str], fate: str) -> set[str]:
    return {name for name, own in fates.items() if own == fate}


@pytest.mark.integration  # a whole run
def test_after_a_run_all_is_there_and_a_dry_run_says_the_same(project):
    fates = project.planned()
    assert steps_with(fates, "run") == {"register"}
    assert steps_with(fates, "hit") == fates.keys() - {"register"}
    before = trace(project.config.parent)
    told = project.shazam("run", "--dry-run")
    assert trace(project.config.parent) == before
    assert [line.split()[:2] for line in told.out.splitlines()[1 : 1 + len(fates)]] == [
        list(item) for item in fates.items()
    ]
    assert "pods on a cluster: at most 1, of which extraction 0 and arms 0" in told.out


@pytest.mark.integration  # a whole run
def test_a_remote_cache_is_unknown_and_without_cache_all_is_run(project):
    remote = project.planned(ZENML_STORE_URL="https://zenml.example.org")
    assert set(remote.values()) == {"unknown"}
    assert set(project.planned("--no-cache").values()) == {"run"}


def test_where_nothing_was_run_nothing_is_made(tmp_path):
    config = make(tmp_path / "my")
    project = Project(config, config.parent / "absent")
    assert set(project.planned().values()) == {"run"}
    assert not project.workspace.exists()


def test_a_plan_during_a_run_is_refused(tmp_path):
    project = Project(make(tmp_path / "my"), tmp_path / "ws")
    project.workspace.mkdir()
    (project.workspace / ".shazam.lock").touch()
    with (project.workspace / ".shazam.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = shazam("plan", "-c", project.config, "-w", project.workspace)
    assert outcome.code == 1
    assert "a run uses it" in outcome.err


@pytest.mark.integration  # several whole runs
def test_runs_do_what_was_planned_and_what_is_collected_is_forgotten(project):
    """A second run is registered elsewhere, so that nothing here stands on it."""
    fates = project.planned(*OTHER_SEED)
    assert steps_with(fates, "run") == TRAINED | {"register"}
    assert steps_with(fates, "depends") == {"probe", "explain", "evaluate"}
    elsewhere = f"sqlite:///{project.config.parent / 'elsewhere.db'}"
    other = project.shazam("run", *OTHER_SEED, MLFLOW_TRACKING_URI=elsewhere)
    done = not_cached(project.workspace)
    assert steps_with(fates, "run") <= done <= fates.keys() - steps_with(fates, "hit")
    folder = Path(other.last_line).parent
    models = set((project.workspace / "arms").glob("*/*"))

    assert "0 keys of 0 bytes" in collected(project, "--keep-days", "0")
    assert "0 keys of 0 bytes" in collected(project, "--runs")  # it is young
    told = collected(project, "--runs", "--keep-days", "0", "--yes")
    assert f"runs/{folder.name}" in told
    assert not folder.exists()
    left = set((project.workspace / "arms").glob("*/*"))
    assert left < models
    assert len(models) == 2 * len(left)

    assert steps_with(project.planned(), "run") == {"register"}
    project.shazam("run")
    assert not_cached(project.workspace) == {"register"}
    (run,) = (project.workspace / "runs").iterdir()
    assert shazam("report", run.name, "-w", project.workspace).code == 0
    again = project.shazam("run", *OTHER_SEED)  # no step is given what is gone
    assert Path(again.last_line).parent.name == folder.name
    assert not_cached(project.workspace) >= TRAINED | {"evaluate"}


def collected(project: Project, *more: str) -> str:
    outcome = shazam("gc", "-w", project.workspace, *more, cwd=project.config.parent)
    assert outcome.code == 0, outcome.text
    return outcome.out


def test_the_demo_is_planned_before_its_slides_are_made(tmp_path):
    small = settings(["demo.n_cases=12", "demo.n_extra_slides=1", "demo.n_sites=3"])
    outcome = shazam("demo", "--dry-run", "-w", tmp_path / "ws", *small)
    assert outcome.code == 0, outcome.text
    assert not (tmp_path / "ws").exists()
    assert "slides: 16 (an upper bound: the demo's slides are not made yet)" in outcome.out
    assert "efficientnet_lite0: 16 to do, 64,000 tiles, 64,000 of them estimated" in outcome.out
    assert "of which extraction 1 and arms " in outcome.out
