from __future__ import annotations

import numpy as np
import pytest
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from shazam.config.arms import BaselineFamily
from shazam.config.cohort import Task
from shazam.config.training import TrainingConfig
from shazam.training.arms import fit_baseline
from shazam.training.execution import Execution
from shazam.training.mean_pool import principal_components
from shazam.training.outcomes import rows_of
from shazam.training.study import Study
from tests.training.made import Quiet, make_case_study


def test_scores_of_training_rows_are_white() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(30, 8)) * np.arange(1, 9)
    scores = principal_components(features, n_components=5)(features)
    np.testing.assert_allclose(scores.T @ scores / 30, np.eye(5), atol=1e-9)


@pytest.mark.parametrize(("n", "dim", "expected"), [(4, 50, 3), (30, 2, 2), (1, 5, 0)])
def test_fewer_components_come_back_when_there_are_no_more(n: int, dim: int, expected: int) -> None:
    features = np.random.default_rng(0).normal(size=(n, dim))
    projection = principal_components(features, n_components=16)
    assert projection.basis.shape == (dim, expected)


def test_a_constant_feature_is_left_out() -> None:
    features = np.random.default_rng(0).normal(size=(20, 3))
    features[:, 1] = 7.0
    projection = principal_components(features, n_components=3)
    assert projection.basis.shape == (3, 2)
    assert np.all(projection.basis[1] == 0)


def test_risks_are_those_of_a_ridge_cox_on_the_components() -> None:
    bags, outcomes, splits = make_case_study(Task.SURVIVAL)
    config = TrainingConfig(pca_components=4)
    result = fit_baseline(
        BaselineFamily.MEAN_POOL,
        teacher="ann",
        study=Study.of(bags, outcomes=outcomes, splits=splits),
        config=config,
        execution=Execution(),
        progress=Quiet,
    )
    fold = splits.folds[0]
    train, test = (rows_of(part, case_ids=bags.case_ids) for part in (fold.train, fold.test))
    tiles = np.split(bags.levels["ann", "high"].double().numpy(), bags.offsets[1:-1])
    means = np.stack([own.mean(axis=0) for own in tiles])
    projection = principal_components(means[train], n_components=4)
    time_months, event = outcomes.survival()
    cox = CoxPHSurvivalAnalysis(alpha=config.ridge)
    cox.fit(projection(means[train]), Surv.from_arrays(event[train], time_months[train]))
    ours = result.predictions.query("fold == 0 and part == 'test'")["risk"].to_numpy()
    expected = (means[test] - projection.mean) @ projection.basis @ cox.coef_
    np.testing.assert_allclose(ours, expected, atol=1e-4)
