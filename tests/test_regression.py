"""Regression from a study to a verdict: arms, late ensemble, canary, gates, report."""

from __future__ import annotations

import numpy as np
import pandas as pd

from shazam.cohort.model import Case
from shazam.config.acceptance import AcceptanceConfig, CandidateCanary
from shazam.config.arms import LATE_ENSEMBLE, BaselineFamily
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.config.training import TrainingConfig
from shazam.evaluation.evaluate import evaluate
from shazam.evaluation.probe import ProbeResult, canary_summary
from shazam.training.arms import fit_baseline
from shazam.training.canary import canary_outcomes, fit_canary
from shazam.training.execution import Execution
from shazam.training.late import fuse_late
from shazam.training.outcomes import Outcomes
from shazam.training.study import Study
from tests.cohort.made import cohort_of
from tests.training.made import TEACHERS, Quiet, make_study, make_teachers

CONFIG = TrainingConfig(max_epochs=16, abmil_dim=16, learning_rate=5e-3)
ABMIL = "abmil.ann"


def _cases(outcomes: Outcomes) -> list[Case]:
    return [
        Case(
            case_id,
            None,
            None,
            None,
            None,
            (),
            tuple(
                (name, None if np.isnan(value) else float(value))
                for name, value in zip(outcomes.targets, row, strict=True)
            ),
        )
        for case_id, row in zip(outcomes.case_ids, outcomes.target_values(), strict=True)
    ]


def _tables(study: Study) -> dict[str, pd.DataFrame]:
    fitted = [
        fit_baseline(
            BaselineFamily.ABMIL,
            teacher=teacher,
            study=study,
            config=CONFIG,
            execution=Execution(),
            progress=Quiet,
        )
        for teacher in TEACHERS
    ]
    tables = {result.arm: result.predictions for result in fitted}
    return {**tables, LATE_ENSEMBLE: fuse_late(list(tables.values()))}


def test_arms_of_regression_are_fitted_fused_checked_and_judged() -> None:
    study = make_study(Task.REGRESSION, n_cases=60, seed=1)
    refits = fit_canary(teacher="ann", study=study, config=CONFIG, permutations=12, progress=Quiet)
    canary = canary_summary(
        refits,
        arm="mean_pool.ann",
        outcomes=canary_outcomes(refits, outcomes=study.outcomes, splits=study.splits),
        splits=study.splits,
    )
    result = evaluate(
        _tables(study),
        cohort=cohort_of(_cases(study.outcomes), task=Task.REGRESSION),
        splits=study.splits,
        teachers=make_teachers(),
        probe=ProbeResult(canary=canary),
        acceptance=AcceptanceConfig(
            candidate=ABMIL,
            compared_to=LATE_ENSEMBLE,
            floor=0.5,
            margin=0.2,
            candidate_canary=CandidateCanary.LEFT_OUT,
        ),
        config=EvaluationConfig(bootstrap=200),
    )
    assert [gate.name for gate in result.gates if not gate.passed] == []
    assert result.primary_metric == "mean_pearson"
    assert result.candidate_arm.metric("mean_relative_mse").value < 1
