"""`shazam repeat` on features that are there: one config, two partitions, nothing registered."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from shazam.cohort.folds import Splits
from shazam.evaluation.repeats import Repeats, corrected_interval
from shazam.evaluation.result import EvaluationResult
from tests.command import Outcome, settings, shazam, shazam_here
from tests.imported import QUICK, make

pytestmark = pytest.mark.integration  # several whole runs

# two ridge arms: what is fitted takes no time
LEAN = settings(
    [
        "arms.students=[]",
        "arms.joint=[]",
        "arms.baselines=[mean_pool]",
        "arms.late_ensemble=false",
        "arms.logit_prod=false",
        "arms.canary_candidate_permutations=0",
        "acceptance.candidate=mean_pool.uni_v2",
        "acceptance.compared_to=mean_pool.cell_counts",
        "acceptance.floor=0.99",
        "splits.seed=3",
    ]
)


def arguments(config: Path, *more: str) -> tuple[str | Path, ...]:
    return ("repeat", "-c", config, "-w", config.parent / "ws", *QUICK, *LEAN, *more)


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("repeat") / "my")


@pytest.fixture(scope="module")
def twice(config) -> Outcome:
    outcome = shazam(*arguments(config, "--times", "2"))
    # a floor of 0.99 fails, and does not decide
    assert outcome.code == 0, outcome.text
    return outcome


@pytest.fixture(scope="module")
def found(twice) -> Repeats:
    return Repeats.model_validate_json(Path(twice.last_line).read_bytes())


def result_of(run: Path) -> EvaluationResult:
    return EvaluationResult.model_validate_json((run / "metrics.json").read_bytes())


def test_each_repeat_is_a_run_with_a_seed_and_a_partition_of_its_own(config, twice, found):
    assert Path(twice.last_line).parent == config.parent / "ws" / "repeats"
    assert [own.seed for own in found.repeats] == [3, 4]
    folders = [config.parent / "ws" / "runs" / own.run for own in found.repeats]
    tests = [
        {fold.test for fold in Splits.model_validate_json((run / "splits.json").read_text()).folds}
        for run in folders
    ]
    assert tests[0] != tests[1]
    assert [json.loads((run / "config.json").read_text())["splits"]["seed"] for run in folders] == [
        3,
        4,
    ]
    for arm in found.arms:
        values = [
            {own.arm: own.primary.value for own in result_of(run).arms}[arm.arm] for run in folders
        ]
        assert arm.primary.values == tuple(values)
        parts = [
            [fold.value for own in result_of(run).arms if own.arm == arm.arm for fold in own.folds]
            for run in folders
        ]
        interval = corrected_interval(float(np.mean(values)), by_fold=parts, n_folds=2)
        assert (arm.primary.lower, arm.primary.upper) == interval
    assert not any(result_of(run).passed for run in folders)


def test_the_table_holds_arms_difference_and_what_they_mean(twice, found):
    primary = {arm.arm: arm.primary for arm in found.arms}
    first, second = (primary[arm] for arm in (found.candidate, found.compared_to))
    assert found.difference.values == tuple(
        own - other for own, other in zip(first.values, second.values, strict=True)
    )
    (row,) = (line for line in twice.out.splitlines() if "mean_pool.uni_v2 *" in line)
    assert [f"{value:.3f}" for value in first.values] == row.split()[2:4]
    assert "mean_pool.uni_v2 - mean_pool.cell_counts" in twice.out
    for told in ("no independent evidence", "selection on test", "nothing is registered"):
        assert told in twice.out


def test_nothing_is_registered(config, twice):
    store = config.parent / "ws" / "mlflow.db"
    if store.exists():
        with sqlite3.connect(store) as database:
            (versions,) = database.execute("SELECT count(*) FROM model_versions").fetchone()
        assert versions == 0
    assert not list((config.parent / "ws" / "runs").glob("*/registration.json"))
    assert not (config.parent / "ws" / "bundles").exists()


def test_what_no_fold_changes_is_taken_from_the_cache(twice):
    first, second = (line for line in twice.out.splitlines() if line.startswith("repeat "))
    assert first.startswith("repeat 1 of 2, splits.seed=3: 13 steps run, 0 cached")
    # ingest, two imports and their validation
    assert second.startswith("repeat 2 of 2, splits.seed=4: 9 steps run, 4 cached")


def test_what_cannot_be_repeated_is_refused_before_anything_is_written(config, tmp_path):
    for scheme in ("leave_one_site_out", "files"):
        more = ["--set", 'splits.files=["x.csv"]'] if scheme == "files" else []
        more += ["--set", f"splits.scheme={scheme}", "-w", str(tmp_path), "--times", "2"]
        outcome = shazam_here(*arguments(config, *more))
        assert outcome.code == 45, outcome.text
        assert f"splits.scheme {scheme} has one partition" in outcome.err
    assert shazam_here(*arguments(config, "--times", "1", "-w", str(tmp_path))).code == 2
    assert not list(tmp_path.iterdir())
