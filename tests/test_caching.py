"""Caching never lies: what a change concerns is done again, and nothing else is.

Every run here is a real one: the command on ZenML's embedded store, from a copy of the source tree
whose files are changed.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shazam.errors import ExitCode
from shazam.stages import SOURCE_ROOT, source_files, stage_names
from tests.command import Outcome, Running, settings, shazam
from tests.real_data import write_table
from tests.slides.made import make_slide, tissue_picture
from tests.source_tree import changed, copy_sources, not_cached

pytestmark = pytest.mark.integration  # many whole runs

QUICK = settings(
    [
        "extraction.teachers=[colour_statistics]",
        "extraction.reference_encoders=[]",
        "extraction.readers=0",
        "max_quarantine_fraction=0.3",
        "arms.baselines=[mean_pool]",
        "arms.joint=[]",
        "arms.students=[fusion_student_v1]",
        "arms.canary_permutations=10",
        "arms.canary_candidate_permutations=0",
        "acceptance.candidate_canary=left_out",
        "acceptance.candidate=fusion_student_v1",
        "acceptance.compared_to=mean_pool.colour_statistics",
        "acceptance.min_events=1",
        "splits.n_folds=2",
        "training.max_epochs=1",
        "student.n_blocks=1",
        "student.dim=8",
        "evaluation.bootstrap=100",
    ]
)
ALWAYS = {"validate", "register"}
DATA = {"ingest", "tile", "extract_colour_statistics", "validate_features"}
ARMS = {"train_mean_pool_colour_statistics", "distill_fusion_student_v1"}
FUNCTIONS = ("ingest", "tile", "extract", "validate_features", "split", "freeze", "train_baseline")
FUNCTIONS += ("distill", "canary", "probe_sites", "probe", "explain", "evaluate")
RULE = "Each teacher saw each slide once"
N_SLIDES = 6


@dataclass(frozen=True)
class Project:
    """A copy of the sources, a config, and two workspaces in which it was run once."""

    sources: Path
    config: Path
    workspace: Path
    first: Outcome
    twin: Path
    first_of_twin: Outcome

    def again(self, *more: str) -> set[str]:
        """Run again and return the steps that were not taken from the cache."""
        run(self.sources, self.config, self.workspace, *more)
        return not_cached(self.workspace)

    def planned(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what a plan says of the slides, and of the one teacher."""
        words = ("plan", "--json", "-c", self.config, "-w", self.workspace, *QUICK)
        outcome = shazam(*words, sources=self.sources)
        assert outcome.code == 0, outcome.text
        told = json.loads(outcome.out)
        (teacher,) = told["teachers"]
        return told["slides"], teacher


def run(sources: Path, config: Path, workspace: Path, *more: str) -> Outcome:
    return ended(start(sources, config, workspace, *more))


def start(sources: Path, config: Path, workspace: Path, *more: str) -> Running:
    words = ("run", "-c", config, "-w", workspace, *QUICK, *more)
    return Running(words, folder=None, environment={}, sources=sources)


def ended(running: Running) -> Outcome:
    outcome = running.wait()
    assert outcome.code == ExitCode.REFUSED, outcome.text  # so few cases show nothing
    return outcome


def write_cohort(folder: Path, n_slides: int) -> None:
    rows = [
        {"case_id": f"c{number}", "slide_id": f"S{number}", "label": "ab"[number % 2]}
        for number in range(n_slides)
    ]
    write_table(folder / "cohort.csv", rows)
    for number in range(n_slides):
        if not (folder / "slides" / f"S{number}.tiff").exists():
            make_slide(folder / "slides", f"S{number}", rgb=tissue_picture(seed=number))


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    folder = tmp_path_factory.mktemp("caching")
    sources = copy_sources(folder / "sources")
    write_cohort(folder, N_SLIDES)
    config = Path(shutil.copy(SOURCE_ROOT / "configs" / "classification.yaml", folder))
    twin = start(sources, config, folder / "twin")
    first = run(sources, config, folder / "ws")
    return Project(sources, config, folder / "ws", first, folder / "twin", ended(twin))


def versions(workspace: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(f"file:{workspace / 'mlflow.db'}?mode=ro", uri=True)) as database:
        return database.execute("select name, version from model_versions").fetchall()


def names(workspace: Path) -> set[str]:
    """Return the names in the workspace: they are digests, of bytes or of what made them."""
    places = {
        **dict.fromkeys(("cohorts", "features", "manifests", "arms", "runs"), "**/*"),
        "data_docs": "*/*/result.json",  # the pages beside it are Great Expectations' own
    }
    return {
        path.relative_to(workspace).as_posix()
        for kind, pattern in places.items()
        for path in (workspace / kind).glob(pattern)
    }


def written(workspace: Path) -> dict[str, tuple[int, int]]:
    """Return inode and time of every tile grid and feature file."""
    files = [*(workspace / "tiles").rglob("S*.h5"), *(workspace / "features").rglob("S*.h5")]
    return {
        path.relative_to(workspace).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in files
    }


def test_a_suite_validates_a_remark_reruns_its_steps_and_equal_values_stop_there(project):
    unused, remarked = "shazam/demo/paint.py", "shazam/training/canary.py"
    assert all(unused not in source_files(name) for name in stage_names())
    assert {name for name in FUNCTIONS if remarked in source_files(name)} == {"canary", "probe"}
    suite = project.sources / "shazam" / "integrations" / "suites" / "features.yaml"
    before, registered = names(project.workspace), versions(project.workspace)
    with (
        changed(project.sources / "README.md", "# Shazam\n", "# Shazam, changed\n"),
        changed(project.sources / unused, "import annotations\n", "import annotations\n# more\n"),
        changed(project.sources / remarked, "class Dealing(", "# a remark\nclass Dealing("),
        changed(suite, RULE, f"{RULE}, for sure"),
    ):
        done = project.again()
    # the remark; the suite, on which the evaluation stands; nothing is trained
    assert done == {"canary", "probe"} | {"validate_features", "evaluate"} | ALWAYS
    new = names(project.workspace) - before
    assert {name.split("/")[0] for name in new} == {"data_docs", "manifests", "runs"}
    assert {name.split("/")[1] for name in new if name.startswith("manifests")} == {"contracts"}
    assert registered == [("my_classes", 1)]
    assert versions(project.workspace) == registered  # an equal bundle is the same version


def test_a_changed_value_reruns_what_it_reaches(project):
    assert "shazam/training/canary.py" not in source_files("evaluate")
    path = project.sources / "shazam" / "training" / "canary.py"
    with changed(path, "study.permuted(number, strata", "study.permuted(number + 99, strata"):
        assert project.again() == {"canary", "probe", "evaluate"} | ALWAYS


def test_another_seed_trains_again_on_the_same_data(project):
    done = project.again("--set", "training.seeds=[7]")
    assert done >= ARMS | {"canary", "evaluate"} | ALWAYS
    assert done.isdisjoint(DATA | {"split", "freeze", "probe_sites"})


def test_equal_work_has_equal_digests_in_another_workspace(project):
    assert len(names(project.twin)) > 50
    assert names(project.twin) <= names(project.workspace)
    first, twin = (Path(o.last_line).parent for o in (project.first, project.first_of_twin))
    assert first.name == twin.name


def test_a_new_slide_is_the_only_one_that_is_tiled_and_extracted(project):
    before = written(project.workspace)
    slides, todo = project.planned()
    assert slides == {
        "n_slides": N_SLIDES,
        "origin": "the slides that were tiled; nothing changed since",
    }
    assert (todo["n_slides"], todo["n_tiles"], todo["n_bytes"]) == (0, 0, 0)
    write_cohort(project.config.parent, N_SLIDES + 1)
    try:
        slides, todo = project.planned()
        assert slides["n_slides"] == N_SLIDES + 1
        assert slides["origin"].startswith("an upper bound: table and slide folder were not read")
        assert todo["n_slides"] == 1
        assert 0 < todo["n_tiles"] == todo["n_tiles_estimated"]
        assert project.again() >= DATA | ARMS | ALWAYS
    finally:
        write_cohort(project.config.parent, N_SLIDES)
        (project.config.parent / "slides" / f"S{N_SLIDES}.tiff").unlink()
    after = written(project.workspace)
    assert {path: after[path] for path in before} == before  # none was made again
    made = {path.split("/")[0]: Path(path).name for path in after.keys() - before.keys()}
    assert made == {"tiles": f"S{N_SLIDES}.h5", "features": f"S{N_SLIDES}.h5"}
    assert len(after) == len(before) + 2
