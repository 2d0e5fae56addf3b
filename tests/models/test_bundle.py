from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from shazam.config.arms import BaselineFamily, StudentArm
from shazam.config.cohort import Task
from shazam.config.student import StudentConfig, StudentV1Config
from shazam.errors import ArtifactError, ConfigError
from shazam.models.arm import ArmResult, load_network
from shazam.models.bundle import ArmManifest, load_ensemble, save_arm
from shazam.models.score import score_bags
from shazam.predictions import N_MISSING, curve_columns, n_edges_of
from shazam.training.arms import fit_baseline
from shazam.training.execution import Execution
from shazam.training.logit_prod import LogitProdFit, fit_logit_prod
from shazam.training.student import fit_student
from shazam.training.study import Study
from tests.training.made import QUICK, TEACHERS, Quiet, make_case_study, make_study, make_teachers

ARMS = pytest.mark.parametrize("arm", ["mean_pool", "abmil", "logit_prod", "student", "student_v1"])
TASKS = pytest.mark.parametrize("task", list(Task))


def _fitted(arm: str, *, task: Task) -> ArmResult:
    study = make_study(task)
    if arm.startswith("student"):
        return fit_student(
            StudentArm.V1 if arm == "student_v1" else StudentArm.V2,
            study=study,
            config=QUICK,
            student=StudentConfig(dim=8, n_blocks=1, v1=StudentV1Config(dim=8, n_blocks=1)),
            teachers=make_teachers(),
            execution=Execution(),
            progress=Quiet,
        )
    if arm == "logit_prod":
        parts = [_baseline("abmil", teacher=teacher, study=study) for teacher in TEACHERS]
        fit = LogitProdFit(study.outcomes, splits=study.splits, config=QUICK, ridge=10.0)
        return fit_logit_prod(parts, fit=fit)
    return _baseline(arm, teacher="bob", study=study)


def _baseline(family: str, *, teacher: str, study: Study) -> ArmResult:
    return fit_baseline(
        BaselineFamily(family),
        teacher=teacher,
        study=study,
        config=QUICK,
        execution=Execution(),
        progress=Quiet,
    )


def _save(result: ArmResult, folder: Path) -> ArmManifest:
    return save_arm(
        result,
        json_path=folder / "arm.json",
        safetensors_path=folder / "arm.safetensors",
        teachers=make_teachers(),
        provenance={"splits": "0" * 64},
    )


@TASKS
@ARMS
def test_loaded_ensemble_averages_its_members(arm: str, task: Task, tmp_path: Path) -> None:
    bags, _, _ = make_case_study(task)
    result = _fitted(arm, task=task)
    _save(result, tmp_path)
    ensemble = load_ensemble(tmp_path / "arm.json", tmp_path / "arm.safetensors")
    parts = []
    for member in result.members:
        scores = score_bags(load_network(result.spec, member=member), bags, head=result.head)
        if member.validation_risks is not None:
            known = member.validation_risks.numpy()
            scores = (scores - known.mean()) / known.std()
        parts.append(member.record.in_units(scores))
    predicted = ensemble.predict(bags)
    assert tuple(predicted["case_id"]) == bags.case_ids
    np.testing.assert_array_equal(
        predicted.drop(columns="case_id").to_numpy(dtype=np.float64), np.mean(parts, axis=0)
    )


@ARMS
def test_a_member_from_disk_repeats_its_out_of_fold_predictions(arm: str, tmp_path: Path) -> None:
    bags, _, splits = make_case_study(Task.SURVIVAL)
    result = _fitted(arm, task=Task.SURVIVAL)
    _save(result, tmp_path)
    ensemble = load_ensemble(tmp_path / "arm.json", tmp_path / "arm.safetensors")
    rows = [bags.case_ids.index(case_id) for case_id in splits.folds[1].test]
    scores = score_bags(ensemble.networks[1], bags.select(rows), head=result.head)[:, 0]
    expected = result.predictions.query("fold == 1 and part == 'test'")["risk"]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_a_case_scored_alone_gets_the_same_risk(tmp_path: Path) -> None:
    bags, _, _ = make_case_study(Task.SURVIVAL)
    _save(_fitted("student", task=Task.SURVIVAL), tmp_path)
    ensemble = load_ensemble(tmp_path / "arm.json", tmp_path / "arm.safetensors")
    alone = ensemble.predict(bags.select([7]))["risk"].iloc[0]
    assert alone == pytest.approx(ensemble.predict(bags)["risk"].iloc[7], abs=1e-4)


@ARMS
def test_equal_arms_give_equal_bytes(arm: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        _save(_fitted(arm, task=Task.SURVIVAL), tmp_path / name)
    for file in ("arm.json", "arm.safetensors"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_description_carries_teachers_licences_bins_and_seeds(tmp_path: Path) -> None:
    manifest = _save(_fitted("abmil", task=Task.SURVIVAL), tmp_path)
    assert [(teacher.name, teacher.licence) for teacher in manifest.teachers] == [
        ("bob", "Apache-2.0")
    ]
    assert all(record.cut_points_months for record in manifest.members)
    assert ArmManifest.model_validate_json((tmp_path / "arm.json").read_bytes()) == manifest
    names = load_file(tmp_path / "arm.safetensors")
    assert {name.split(".")[0] for name in names} == {"fold0", "fold1", "fold2"}
    assert "fold0.seed0.standardise.mean" in names


def test_altered_or_mismatched_files_are_refused(tmp_path: Path) -> None:
    _save(_fitted("mean_pool", task=Task.SURVIVAL), tmp_path)
    json_path, tensors_path = tmp_path / "arm.json", tmp_path / "arm.safetensors"
    content = bytearray(tensors_path.read_bytes())
    content[-1] ^= 1
    tensors_path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"not the tensors that arm\.json names"):
        load_ensemble(json_path, tensors_path)
    tensors_path.write_bytes(b"nonsense")
    with pytest.raises(ArtifactError, match="not a readable safetensors file"):
        load_ensemble(json_path, tensors_path)
    json_path.write_text("{}")
    with pytest.raises(ArtifactError, match="not the description of an arm"):
        load_ensemble(json_path, tensors_path)


def test_unknown_teachers_and_missing_features_are_named(tmp_path: Path) -> None:
    result = _fitted("mean_pool", task=Task.SURVIVAL)
    with pytest.raises(ConfigError, match="unknown identity: bob"):
        save_arm(
            result,
            json_path=tmp_path / "arm.json",
            safetensors_path=tmp_path / "arm.safetensors",
            teachers=(),
            provenance={},
        )
    _save(result, tmp_path)
    bags, _, _ = make_case_study(Task.SURVIVAL)
    other = type(bags)(bags.case_ids, bags.offsets, {("ann", "high"): bags.levels["ann", "high"]})
    ensemble = load_ensemble(tmp_path / "arm.json", tmp_path / "arm.safetensors")
    with pytest.raises(ConfigError, match="needs features of"):
        ensemble.predict(other)


@pytest.mark.parametrize("arm", ["student", "student_v1"])
def test_a_patient_that_a_teacher_has_never_seen_is_predicted_and_marked(
    arm: str, tmp_path: Path
) -> None:
    _save(_fitted(arm, task=Task.SURVIVAL), tmp_path)
    ensemble = load_ensemble(tmp_path / "arm.json", tmp_path / "arm.safetensors")
    bags, _, _ = make_case_study(Task.SURVIVAL)
    one = bags.select([3])
    seen = [source for source in one.dims if source[0] == "bob"]
    unseen = {"ann": torch.zeros(1, dtype=torch.bool)}
    blank = {source: torch.zeros_like(tiles) for source, tiles in one.levels.items()}
    masked = replace(one, levels={**blank, **one.only(seen).levels}, present=unseen)
    alone = ensemble.predict(one.only(seen))
    assert alone[N_MISSING].tolist() == [1]
    pd.testing.assert_frame_equal(alone, ensemble.predict(masked))
    with pytest.raises(ConfigError, match="needs features of"):
        ensemble.predict(one.only([]))


@pytest.mark.parametrize("task", list(Task))
def test_an_ensemble_tells_the_curves_that_its_members_tell(task: Task, tmp_path: Path) -> None:
    bags, _, _ = make_case_study(task)
    _save(_fitted("student", task=task), tmp_path)
    ensemble = load_ensemble(tmp_path / "arm.json", tmp_path / "arm.safetensors")
    plain, more = ensemble.predict(bags), ensemble.predict_with_curves(bags)
    pd.testing.assert_frame_equal(more[list(plain.columns)], plain)
    n_edges = n_edges_of(more)
    assert (n_edges > 0) == (task is Task.SURVIVAL)
    if task is Task.SURVIVAL:
        edges, survival = (more[names].to_numpy() for names in curve_columns(n_edges))
        last = min(member.record.max_time_months or 0.0 for member in ensemble.members)
        assert (edges == edges[0]).all()
        assert edges[0, -1] <= last
        order = np.argsort(more["risk"].to_numpy())
        assert survival[order[0], -1] > survival[order[-1], -1]
