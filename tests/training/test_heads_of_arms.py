"""Arms with a Cox head, class weights, or values to predict: what they learn, and from whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sksurv.metrics import concordance_index_censored

from shazam.cohort.folds import Splits
from shazam.config.arms import BaselineFamily
from shazam.config.cohort import Task
from shazam.config.student import StudentConfig
from shazam.config.training import ClassWeights, RegressionLoss, SurvivalHead, TrainingConfig
from shazam.models.arm import ArmResult
from shazam.models.heads import Head
from shazam.training.arms import fit_baseline
from shazam.training.execution import Execution
from shazam.training.late import fuse_late
from shazam.training.mean_pool import principal_components
from shazam.training.outcomes import Outcomes, rows_of
from shazam.training.student import fit_student
from shazam.training.study import Study
from tests.training.made import QUICK, Quiet, make_case_study, make_study, make_teachers

ARMS = ("mean_pool", "abmil", "student")
EVERY_ARM = pytest.mark.parametrize("arm", ARMS)
LONGER = {"max_epochs": 24, "abmil_dim": 16, "learning_rate": 5e-3}


def _fit(arm: str, study: Study, *, config: TrainingConfig = QUICK) -> ArmResult:
    if arm == "student":
        return fit_student(
            study=study,
            config=config,
            student=StudentConfig(dim=8, n_blocks=1),
            teachers=make_teachers(),
            execution=Execution(),
            progress=Quiet,
        )
    return fit_baseline(
        BaselineFamily(arm),
        teacher="ann",
        study=study,
        config=config,
        execution=Execution(),
        progress=Quiet,
    )


def _means(study: Study) -> np.ndarray:
    return study.moments.case_means(("ann", "high")).numpy()


def _units(table: pd.DataFrame, outcomes: Outcomes):
    """Yield the test rows of each fold, with their rows of the outcomes."""
    for _, part in table[table["part"] == "test"].groupby("fold"):
        yield part, rows_of(part["case_id"].tolist(), case_ids=outcomes.case_ids)


def _mean_r(result: ArmResult, outcomes: Outcomes) -> float:
    found = []
    for part, rows in _units(result.predictions, outcomes):
        for number, name in enumerate(outcomes.targets):
            truth = outcomes.target_values()[rows, number]
            known = ~np.isnan(truth)
            given = part[f"value_{name}"].to_numpy()
            found.append(np.corrcoef(given[known], truth[known])[0, 1])
    return float(np.mean(found))


@pytest.mark.parametrize("arm", ARMS[1:])
def test_a_cox_head_learns_the_order_of_events(arm: str) -> None:
    study = make_study(Task.SURVIVAL, n_cases=60, seed=1)
    config = TrainingConfig(survival_head=SurvivalHead.COX, batch_cases=64, **LONGER)
    result = _fit(arm, study, config=config)
    assert result.head is Head.LINEAR_RISK
    assert all(member.record.n_outputs == 1 for member in result.members)
    time_months, event = study.outcomes.survival()
    values = [
        concordance_index_censored(event[rows], time_months[rows], part["risk"].to_numpy())[0]
        for part, rows in _units(result.predictions, study.outcomes)
    ]
    assert np.mean(values) > 0.68


@EVERY_ARM
@pytest.mark.parametrize("loss", list(RegressionLoss))
def test_values_are_learnt_in_the_units_of_the_table(arm: str, loss: RegressionLoss) -> None:
    study = make_study(Task.REGRESSION, n_cases=60, seed=1)
    config = TrainingConfig(regression_loss=loss, **LONGER)
    result = _fit(arm, study, config=config)
    assert (result.head, result.targets, result.classes) == (Head.VALUES, ("CD8A", "HLA-A"), ())
    assert _mean_r(result, study.outcomes) > 0.7
    for part, rows in _units(result.predictions, study.outcomes):
        truth = study.outcomes.target_values()[rows]
        error = part[["value_CD8A", "value_HLA-A"]].to_numpy() - truth
        assert (np.nanmean(error**2, axis=0) < np.nanvar(truth, axis=0)).all()


@EVERY_ARM
def test_values_of_test_cases_leave_the_network_alone(arm: str) -> None:
    bags, outcomes, splits = make_case_study(Task.REGRESSION)
    values = outcomes.target_values().copy()
    values[rows_of(splits.folds[0].test, case_ids=outcomes.case_ids)] += 50
    one_fold = Splits(folds=splits.folds[:1], sites_preserved=False)
    before = _fit(arm, Study.of(bags, outcomes=outcomes, splits=one_fold)).members[0]
    altered = replace(outcomes, values=values)
    after = _fit(arm, Study.of(bags, outcomes=altered, splits=one_fold)).members[0]
    assert after.record == before.record
    assert all(torch.equal(after.tensors[name], before.tensors[name]) for name in before.tensors)


@EVERY_ARM
def test_another_scale_of_the_values_gives_the_same_predictions_in_that_scale(arm: str) -> None:
    bags, outcomes, splits = make_case_study(Task.REGRESSION)
    scaled = replace(outcomes, values=1000 * outcomes.target_values() - 7)
    first, second = (
        _fit(arm, Study.of(bags, outcomes=given, splits=splits)) for given in (outcomes, scaled)
    )
    columns = ["value_CD8A", "value_HLA-A"]
    np.testing.assert_allclose(
        second.predictions[columns], 1000 * first.predictions[columns] - 7, rtol=1e-3
    )


def test_permuted_values_teach_nothing() -> None:
    study = make_study(Task.REGRESSION, n_cases=60, seed=1)
    nulls = [study.permuted(seed) for seed in range(20)]
    found = np.array([_mean_r(_fit("mean_pool", null), null.outcomes) for null in nulls])
    assert abs(found.mean()) < 3 * found.std(ddof=1) / np.sqrt(len(found))


def test_mean_pool_values_are_those_of_ridge_on_the_measured_cases() -> None:
    study = make_study(Task.REGRESSION)
    result = _fit("mean_pool", study, config=TrainingConfig(pca_components=4))
    fold, outcomes = study.splits.folds[0], study.outcomes
    train, test = (rows_of(part, case_ids=outcomes.case_ids) for part in (fold.train, fold.test))
    means = _means(study)
    projection = principal_components(means[train], n_components=4)
    part, _ = next(_units(result.predictions, outcomes))
    for number, name in enumerate(outcomes.targets):
        truth = outcomes.target_values()[train, number]
        known = train[~np.isnan(truth)]
        model = Ridge(alpha=10).fit(
            projection(means[known]), outcomes.target_values()[known, number]
        )
        np.testing.assert_allclose(
            part[f"value_{name}"], model.predict(projection(means[test])), atol=1e-4
        )


def test_the_late_ensemble_of_values_is_their_mean() -> None:
    study = make_study(Task.REGRESSION)
    tables = [_fit(arm, study).predictions for arm in ("mean_pool", "abmil")]
    fused = fuse_late(tables)
    for column in ("value_CD8A", "value_HLA-A"):
        expected = np.mean(
            [table.sort_values(["seed", "fold", "part", "case_id"])[column] for table in tables],
            axis=0,
        )
        np.testing.assert_allclose(fused[column], expected)


@pytest.mark.parametrize("arm", ARMS[:2])
def test_balanced_weights_find_more_of_the_rare_class(arm: str) -> None:
    bags, outcomes, splits = make_case_study(Task.CLASSIFICATION, n_cases=90, seed=2)
    labels = (outcomes.class_labels() == 0).astype(np.int64)
    labels[np.flatnonzero(labels)[::2]] = 0
    rare = replace(outcomes, labels=labels, classes=("common", "rare"))
    given = Study.of(bags, outcomes=rare, splits=splits)
    shares = []
    for kind in ClassWeights:
        config = TrainingConfig(class_weights=kind, **LONGER)
        table = _fit(arm, given, config=config).predictions
        shares.append(float((table["prob_rare"] > 0.5).mean()))
    assert shares[1] > shares[0] + 0.05


def test_balanced_mean_pool_is_the_balanced_logistic_model() -> None:
    study = make_study(Task.CLASSIFICATION)
    config = TrainingConfig(pca_components=4, class_weights=ClassWeights.BALANCED)
    result = _fit("mean_pool", study, config=config)
    fold, outcomes = study.splits.folds[0], study.outcomes
    train, test = (rows_of(part, case_ids=outcomes.case_ids) for part in (fold.train, fold.test))
    means = _means(study)
    projection = principal_components(means[train], n_components=4)
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000)
    model.fit(projection(means[train]), outcomes.class_labels()[train])
    part, _ = next(_units(result.predictions, outcomes))
    expected = model.predict_proba(projection(means[test]))
    np.testing.assert_allclose(part[["prob_high", "prob_low", "prob_mid"]], expected, atol=1e-4)
