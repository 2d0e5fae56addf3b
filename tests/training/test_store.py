"""Arms in the workspace: what was stored comes back, altered files do not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from shazam.cohort.model import Case
from shazam.config.arms import BaselineFamily
from shazam.config.cohort import Task
from shazam.errors import ArtifactError
from shazam.models.clinical import ClinicalModel
from shazam.predictions import read_predictions
from shazam.training.arms import fit_baseline
from shazam.training.clinical import fit_clinical
from shazam.training.execution import Execution
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
