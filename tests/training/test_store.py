"""Arms in the workspace: what was stored comes back, altered files do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from shazam.cohort.model import Case
from shazam.config.arms import BaselineFamily
from shazam.config.cohort import Task
from shazam.errors import ArtifactError
from shazam.models.bundle import load_ensemble
from shazam.models.clinical import ClinicalModel
from shazam.models.score import score_bags
from shazam.predictions import N_MISSING, read_predictions, score_columns
from shazam.training.arms import fit_baseline
from shazam.training.clinical import fit_clinical
from shazam.training.execution import Execution
from shazam.training.fusion import KEYS
from shazam.training.logit_prod import LogitProdFit, fit_logit_prod
from shazam.training.store import read_arm, store_clinical, store_fusion
from shazam.workspace import Workspace
from tests.training.made import QUICK, TEACHERS, Quiet, make_study, make_teachers

STANDS_ON = {"splits": "0" * 64}


def test_arms_are_read_back_and_their_fusion_is_stored(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    study = make_study(Task.SURVIVAL)
    fit = LogitProdFit(study.outcomes, splits=study.splits, config=QUICK, ridge=10.0)
    arms = [
        fit_baseline(
            BaselineFamily.ABMIL,
            teacher=teacher,
            study=study,
            config=QUICK,
            execution=Execution(),
            progress=Quiet,
        )
        for teacher in TEACHERS
    ]
    stored = [
        store_fusion(arm, teachers=make_teachers(), provenance=STANDS_ON, workspace=workspace)
        for arm in arms
    ]
    read = [read_arm(own, model=model, workspace=workspace) for own, model in stored]
    assert [[teacher.name for teacher in teachers] for _, teachers in read] == [["ann"], ["bob"]]
    fused = fit_logit_prod([arm for arm, _ in read], fit=fit)
    pd.testing.assert_frame_equal(fused.predictions, fit_logit_prod(arms, fit=fit).predictions)
    predictions, model = store_fusion(
        fused, teachers=make_teachers(), provenance=STANDS_ON, workspace=workspace
    )
    again, _ = read_arm(predictions, model=model, workspace=workspace)
    assert again.spec == fused.spec
    assert [member.record for member in again.members] == [m.record for m in fused.members]
    assert model.arm == "logit_prod"
    tensors = workspace.path(stored[0][1].uri).with_suffix(".safetensors")
    content = tensors.read_bytes()
    tensors.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ArtifactError, match=r"not the tensors that model\.json names"):
        read_arm(stored[0][0], model=stored[0][1], workspace=workspace)


def test_the_clinical_model_is_one_json(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    study = make_study(Task.SURVIVAL)
    cases = [
        Case(case_id, None, None, None, None, (("age", str(40 + number)),))
        for number, case_id in enumerate(study.outcomes.case_ids)
    ]
    result = fit_clinical(cases, outcomes=study.outcomes, splits=study.splits, config=QUICK)
    predictions, model = store_clinical(result, provenance=STANDS_ON, workspace=workspace)
    content = ClinicalModel.model_validate_json(workspace.open_ref(model).read_bytes())
    assert content == result.model(STANDS_ON)
    assert model.n_members == len(study.splits.folds)
    table = read_predictions(predictions, workspace=workspace)
    pd.testing.assert_frame_equal(table, result.predictions)


@pytest.mark.parametrize("task", list(Task))
def test_a_stored_fusion_predicts_for_every_task(task: Task, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    study = make_study(task)
    fit = LogitProdFit(study.outcomes, splits=study.splits, config=QUICK, ridge=10.0)
    read = []
    for teacher in TEACHERS:
        arm = fit_baseline(
            BaselineFamily.ABMIL,
            teacher=teacher,
            study=study,
            config=QUICK,
            execution=Execution(),
            progress=Quiet,
        )
        own, model = store_fusion(
            arm, teachers=make_teachers(), provenance=STANDS_ON, workspace=workspace
        )
        read.append(read_arm(own, model=model, workspace=workspace)[0])
    fused = fit_logit_prod(read, fit=fit)
    _, model = store_fusion(
        fused, teachers=make_teachers(), provenance=STANDS_ON, workspace=workspace
    )
    path = workspace.path(model.uri)
    table = load_ensemble(path, path.with_suffix(".safetensors")).predict(study.bags)
    assert list(table.columns) == ["case_id", *score_columns(fused.predictions)]
    assert np.isfinite(table.drop(columns="case_id").to_numpy(dtype=np.float64)).all()


def test_a_teacher_that_a_case_lacks_does_not_count_for_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    whole = make_study(Task.SURVIVAL)
    lacking = torch.ones(len(whole.bags.case_ids), dtype=torch.bool)
    lacking[::4] = False
    study = replace(whole, bags=replace(whole.bags, present={"ann": lacking}))
    arms = [
        fit_baseline(
            BaselineFamily.ABMIL,
            teacher=teacher,
            study=study,
            config=QUICK,
            execution=Execution(),
            progress=Quiet,
        )
        for teacher in TEACHERS
    ]
    fit = LogitProdFit(study.outcomes, splits=study.splits, config=QUICK, ridge=10.0)
    fused = fit_logit_prod(arms, fit=fit)
    names = {name for name, seen in zip(study.bags.case_ids, lacking, strict=True) if not seen}
    rows = fused.predictions["case_id"].isin(names)
    assert fused.predictions[N_MISSING].tolist() == rows.astype(float).tolist()
    alone = arms[1].predictions.sort_values(KEYS, ignore_index=True)
    np.testing.assert_allclose(fused.predictions.loc[rows, "risk"], alone.loc[rows, "risk"])
    _, model = store_fusion(
        fused, teachers=make_teachers(), provenance=STANDS_ON, workspace=workspace
    )
    path = workspace.path(model.uri)
    ensemble = load_ensemble(path, path.with_suffix(".safetensors"))
    assert ensemble.predict(study.bags)[N_MISSING].sum() == len(names)
    test_rows = fused.predictions.query("fold == 0 and part == 'test'")
    order = [study.bags.case_ids.index(name) for name in test_rows["case_id"]]
    risks = score_bags(ensemble.networks[0], study.bags, head=fused.head, rows=torch.tensor(order))[
        :, 0
    ]
    np.testing.assert_allclose(risks, test_rows["risk"], rtol=1e-5)


def test_a_clinical_model_of_regression_gives_values() -> None:
    study = make_study(Task.REGRESSION)
    generator = np.random.default_rng(0)
    cases = [
        Case(name, None, None, None, None, clinical=(("age", str(age)),))
        for name, age in zip(
            study.outcomes.case_ids, generator.integers(30, 90, size=45), strict=True
        )
    ]
    result = fit_clinical(cases, outcomes=study.outcomes, splits=study.splits, config=QUICK)
    table = result.model(STANDS_ON).predict([{"age": "50"}], case_ids=["new"])
    assert list(table.columns) == ["case_id", "value_CD8A", "value_HLA-A", "remark"]
