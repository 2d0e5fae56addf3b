"""Targets: which loss and head a task has, and that scales come from training cases alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from shazam.config.cohort import Task
from shazam.config.training import (
    ClassWeights,
    CoxTies,
    RegressionLoss,
    SurvivalHead,
    TrainingConfig,
)
from shazam.errors import ConfigError
from shazam.models.heads import Head
from shazam.training.class_weights import class_weights
from shazam.training.losses import masked_mse, pearson_loss
from shazam.training.partial_likelihood import cox_loss
from shazam.training.scale import value_scale
from shazam.training.targets import head_of, target_of
from tests.training.made import make_case_study

TRAIN = np.arange(30)
COX = TrainingConfig(survival_head=SurvivalHead.COX, batch_cases=64)


@pytest.mark.parametrize(
    ("task", "config", "head", "n_outputs"),
    [
        (Task.SURVIVAL, TrainingConfig(), Head.DISCRETE_TIME, 4),
        (Task.SURVIVAL, COX, Head.LINEAR_RISK, 1),
        (Task.CLASSIFICATION, COX, Head.CLASSES, 3),
        (Task.REGRESSION, COX, Head.VALUES, 2),
    ],
)
def test_every_task_has_its_head(
    task: Task, config: TrainingConfig, head: Head, n_outputs: int
) -> None:
    _, outcomes, _ = make_case_study(task)
    target = target_of(outcomes, train=TRAIN, config=config)
    assert (target.head, target.n_outputs) == (head, n_outputs)
    assert head_of(outcomes, config=config) is head
    rows = torch.arange(30, 40)
    outputs = torch.randn(10, n_outputs, requires_grad=True)
    loss = target.loss(outputs, rows=rows)
    loss.backward()
    assert loss.ndim == 0
    assert outputs.grad is not None
    assert float(outputs.grad.abs().sum()) > 0
    assert target.n_informative(rows) >= 1


@pytest.mark.parametrize("ties", list(CoxTies))
def test_cox_target_is_the_partial_likelihood_of_the_rows(ties: CoxTies) -> None:
    _, outcomes, _ = make_case_study(Task.SURVIVAL)
    time_months, event = outcomes.survival()
    tied = replace(outcomes, time_months=np.ceil(time_months / 10))
    target = target_of(tied, train=TRAIN, config=COX.model_copy(update={"cox_ties": ties}))
    rows = torch.tensor([4, 9, 1, 30, 22])
    risks = torch.randn(5, 1)
    expected = cox_loss(
        risks[:, 0],
        time_months=torch.from_numpy(np.ceil(time_months / 10))[rows],
        events=torch.from_numpy(event)[rows],
        ties=ties,
    )
    assert torch.equal(target.loss(risks, rows=rows), expected)
    assert target.n_informative(rows) == int(event[rows].sum())


def test_balanced_weights_count_training_cases_only() -> None:
    _, outcomes, _ = make_case_study(Task.CLASSIFICATION)
    config = TrainingConfig(class_weights=ClassWeights.BALANCED)
    target = target_of(outcomes, train=TRAIN, config=config)
    labels = outcomes.class_labels().copy()
    labels[30:] = 0
    other = target_of(replace(outcomes, labels=labels), train=TRAIN, config=config)
    outputs, rows = torch.randn(5, 3), torch.arange(5)
    assert torch.equal(target.loss(outputs, rows=rows), other.loss(outputs, rows=rows))
    plain = target_of(outcomes, train=TRAIN, config=TrainingConfig())
    assert not torch.equal(target.loss(outputs, rows=rows), plain.loss(outputs, rows=rows))


def test_balanced_weights_have_mean_one_over_cases() -> None:
    labels = np.array([0] * 6 + [2] * 2)
    weights = class_weights(labels, n_classes=3, kind=ClassWeights.BALANCED)
    np.testing.assert_allclose(weights, [8 / 18, 0, 8 / 6])
    assert class_weights(labels, n_classes=3, kind=ClassWeights.NONE).tolist() == [1, 1, 1]


def test_values_are_standardised_by_training_cases_only() -> None:
    _, outcomes, _ = make_case_study(Task.REGRESSION)
    values = outcomes.target_values()
    scale = value_scale(outcomes, train=TRAIN)
    standard = scale.standardised(values)
    np.testing.assert_allclose(np.nanmean(standard[TRAIN], axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.nanstd(standard[TRAIN], axis=0), 1)
    altered = values.copy()
    altered[30:] += 100
    again = value_scale(replace(outcomes, values=altered), train=TRAIN)
    assert again.mean.tolist() == scale.mean.tolist()
    assert again.sd.tolist() == scale.sd.tolist()
    assert np.array_equal(np.isnan(standard), np.isnan(values))


def test_a_constant_target_has_no_scale() -> None:
    _, outcomes, _ = make_case_study(Task.REGRESSION)
    values = outcomes.target_values().copy()
    values[TRAIN, 0] = 2.5
    with pytest.raises(ConfigError, match="target CD8A is constant in training"):
        value_scale(replace(outcomes, values=values), train=TRAIN)


def test_regression_can_add_the_correlation() -> None:
    _, outcomes, _ = make_case_study(Task.REGRESSION)
    config = TrainingConfig(regression_loss=RegressionLoss.MSE_PEARSON)
    both, plain = (target_of(outcomes, train=TRAIN, config=c) for c in (config, TrainingConfig()))
    outputs, rows = torch.randn(20, 2), torch.arange(20)
    scale = value_scale(outcomes, train=TRAIN)
    targets = torch.from_numpy(scale.standardised(outcomes.target_values())).float()[rows]
    known = ~np.isnan(outcomes.target_values()[TRAIN])
    expected = masked_mse(outputs, targets=targets, measured_per_case=known.sum() / len(known))
    torch.testing.assert_close(plain.loss(outputs, rows=rows), expected)
    expected = expected + pearson_loss(outputs, targets=targets)
    torch.testing.assert_close(both.loss(outputs, rows=rows), expected)


def test_a_case_without_a_measured_value_informs_nothing() -> None:
    _, outcomes, _ = make_case_study(Task.REGRESSION)
    values = outcomes.target_values().copy()
    values[:3] = math.nan
    target = target_of(replace(outcomes, values=values), train=TRAIN, config=TrainingConfig())
    assert target.n_informative(torch.arange(10)) == 7
    assert float(target.loss(torch.randn(3, 2), rows=torch.arange(3))) == 0


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("kind", list(RegressionLoss))
def test_a_loss_that_says_so_is_the_mean_over_any_parts_of_a_batch(
    task: Task, kind: RegressionLoss
) -> None:
    _, outcomes, _ = make_case_study(task)
    config = TrainingConfig(class_weights=ClassWeights.BALANCED, regression_loss=kind)
    target = target_of(outcomes, train=TRAIN, config=config)
    outputs, rows = torch.randn(12, target.n_outputs), torch.arange(12)
    parts = [(slice(0, 5), 5), (slice(5, 12), 7)]
    mean = sum(target.loss(outputs[part], rows=rows[part]) * n / 12 for part, n in parts)
    same = torch.allclose(torch.as_tensor(mean), target.loss(outputs, rows=rows), atol=1e-6)
    assert same is target.is_mean_over_cases


def test_a_correlation_needs_batches_of_several_cases() -> None:
    with pytest.raises(ValueError, match=r"set training\.batch_cases to 2 or more"):
        TrainingConfig(regression_loss="mse_pearson", batch_cases=1)
