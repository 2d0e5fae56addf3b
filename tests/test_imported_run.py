"""Features that a user already has, from the config of the README to the registered model."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shazam.manifests import FeatureSetManifest
from shazam.workspace import Workspace
from tests.command import Outcome, readme_commands, settings, shazam
from tests.imported import CASES, QUICK, counts, make

LACKING = ("c03", "c10")


def run(config: Path, *more: str) -> Outcome:
    """Run the README's command on a folder that is called ``my``."""
    (command,) = (words for words in readme_commands() if "my/imported.yaml" in words)
    return shazam(*command, *QUICK, *more, cwd=config.parent.parent)


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Path:
    config = make(tmp_path_factory.mktemp("imported") / "my")
    array = counts()
    array[5, 1] = np.nan
    array[7, 0] = 1e6
    np.savez(config.parent / "counts.npz", counts=array, case_id=np.array(CASES))
    for name in LACKING:
        (config.parent / "uni_v2" / f"{name}.h5").unlink()
    return config


BENT = settings(
    ["imports.missing_values=impute", "imports.missing_teacher=mask", "imports.dtype=float32"]
)


@pytest.fixture(scope="module")
def bent(config) -> Outcome:
    outcome = run(config, *BENT)
    assert outcome.code == 5, outcome.text  # in two epochs the student learns nothing
    return outcome


def test_all_arms_are_judged_and_a_candidate_that_guesses_gets_no_alias(bent):
    assert "32 cases, 32 slides, 0 quarantined" in bent.out
    for arm in ("mean_pool.uni_v2", "abmil.cell_counts", "late_ensemble", "fusion_student_v2 *"):
        assert arm in bent.out
    failed = set(re.findall(r"gate (\w+): FAILED", bent.out))
    assert failed == {"floor", "non_inferiority"}
    assert "model my_features version 1, no alias" in bent.out


def test_cases_without_a_teacher_are_predicted_marked_and_counted(bent):
    folder = Path(bent.last_line).parent
    for arm, absent in (("fusion_student_v2", 1), ("late_ensemble", 1), ("abmil.uni_v2", 1)):
        frame = pd.read_parquet(folder / "predictions" / f"{arm}.parquet")
        missing = frame[frame.part == "test"].set_index("case_id")["n_teachers_missing"]
        assert missing[missing == absent].index.tolist() == sorted(
            LACKING, key=missing.index.get_loc
        )
        assert len(missing) == len(CASES)
    assert "n_teachers_missing" not in pd.read_parquet(
        folder / "predictions" / "abmil.cell_counts.parquet"
    )
    report = (folder / "report.html").read_text()
    assert "2 cases lack the teacher uni_v2" in report
    assert "Missing values of features were filled in" in report
    assert "fusion_student_v2 reads a single tile of each case" in report


def test_the_policies_are_in_the_feature_set_and_the_models(config, bent):
    workspace = Workspace(config.parent / "workspace")
    (path,) = (workspace.root / "manifests" / "validate_features").glob("*.json")
    manifest = FeatureSetManifest.model_validate_json(path.read_bytes())
    assert (manifest.missing_values, manifest.missing_teacher) == ("impute", "mask")
    assert manifest.lacking() == {"uni_v2": 2}
    specs = [path.read_text() for path in (workspace.root / "arms").glob("*/*/model.json")]
    assert specs
    assert all('"impute":true' in spec.replace(" ", "") for spec in specs)


@pytest.mark.integration  # more whole runs
def test_drift_from_a_reference_is_a_step_and_where_it_is_critical_a_gate(config, bent):
    absent = run(config, *BENT, *settings([f"drift.reference={'f' * 64}"]))
    assert absent.code == 45, absent.text
    assert "no feature set of this workspace" in absent.err
    own = settings(
        [f"drift.reference={Path(bent.last_line).parent.name}", "drift.severity=critical"]
    )
    itself = run(config, *BENT, *own)
    assert itself.code == 5, itself.text
    assert "3 steps run" in itself.out  # drift, evaluate, register
    assert "drift: 0 new cases (32 that stand in both left out)" in itself.out
    assert "gate drift: FAILED" in itself.out
    assert 'id="drift"' in Path(itself.last_line).read_text()


@pytest.mark.integration  # several whole runs
def test_a_second_run_is_cached_until_a_file_changes(config, bent):
    assert " cached" in bent.out
    again = run(config, *BENT)
    assert again.code == 5, again.text
    assert "1 steps run" in again.out  # register is always asked
    array = counts() + 1
    np.savez(config.parent / "counts.npz", counts=array, case_id=np.array(CASES))
    changed = run(config, *BENT)
    assert changed.code == 5, changed.text
    assert "1 steps run" not in changed.out
    assert "import cell_counts" in changed.err + changed.out
    assert "import uni_v2" not in changed.err + changed.out


def test_the_default_refuses_a_lacking_teacher_by_case(config, bent, tmp_path):
    folder = tmp_path / "my"
    shutil.copytree(config.parent, folder, ignore=shutil.ignore_patterns("workspace"))
    np.savez(folder / "counts.npz", counts=counts(), case_id=np.array(CASES))
    outcome = run(folder / "imported.yaml")
    assert outcome.code == 45, outcome.text
    for name in LACKING:
        assert f"case '{name}' lacks teacher uni_v2" in outcome.text
    assert "imports.missing_teacher: mask" in outcome.text
