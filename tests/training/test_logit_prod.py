"""LogitProd: weights on the simplex, learnt on inner validation alone, near equal when unsure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.cohort.folds import Splits
from shazam.config.arms import BaselineFamily
from shazam.config.cohort import Task
from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError
from shazam.models.arm import ArmResult, FusionRule, Stopping, load_network
from shazam.models.logit_prod import weighted
from shazam.models.score import outputs_of
from shazam.training.arms import fit_baseline
from shazam.training.execution import Execution
from shazam.training.logit_prod import LogitProdFit, fit_logit_prod, learn_weights
from shazam.training.outcomes import rows_of
from shazam.training.study import Study
from shazam.training.targets import Target, target_of
from tests.training.made import QUICK, TEACHERS, Quiet, make_splits_of, make_study

LEARNING = QUICK.model_copy(update={"min_validation_events": 1})
TASKS = pytest.mark.parametrize("task", [Task.SURVIVAL, Task.CLASSIFICATION])


def _arms(
    study: Study, *, config: TrainingConfig = LEARNING, family: str = "abmil"
) -> list[ArmResult]:
    return [
        fit_baseline(
            BaselineFamily(family),
            teacher=teacher,
            study=study,
            config=config,
            execution=Execution(),
            progress=Quiet,
        )
        for teacher in TEACHERS
    ]


def _fit(study: Study, *, config: TrainingConfig = LEARNING, ridge: float = 1.0) -> LogitProdFit:
    return LogitProdFit(study.outcomes, splits=study.splits, config=config, ridge=ridge)


def _target(task: Task, *, n_cases: int = 40) -> tuple[Target, torch.Tensor]:
    study = make_study(task, n_cases=n_cases)
    rows = np.arange(n_cases)
    return target_of(study.outcomes, train=rows, config=QUICK), torch.from_numpy(rows)


@TASKS
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), n_arms=st.integers(1, 4), ridge=st.sampled_from([0.0, 1.0, 50.0]))
def test_no_other_weights_of_the_simplex_cost_less(
    task: Task, seed: int, n_arms: int, ridge: float
) -> None:
    target, rows = _target(task)
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.randn(
        n_arms, len(rows), target.n_outputs, generator=generator, dtype=torch.float64
    )
    weights = learn_weights(2 * outputs, target=target, rows=rows, ridge=ridge)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0).all()

    def cost(values: np.ndarray) -> float:
        fused = weighted(2 * outputs, weights=torch.from_numpy(values))
        penalty = ridge * ((values - 1 / n_arms) ** 2).sum()
        return len(rows) * float(target.loss(fused, rows=rows)) + penalty

    others = np.random.default_rng(seed).dirichlet(np.ones(n_arms), size=30)
    assert min(cost(other) for other in others) >= cost(weights) - 1e-5


@TASKS
def test_the_better_arm_counts_more_and_the_ridge_draws_to_equal(task: Task) -> None:
    target, rows = _target(task)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, len(rows), target.n_outputs, generator=generator, dtype=torch.float64)
    good = torch.zeros(len(rows), target.n_outputs, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(target.loss(good, rows=rows), good)
    outputs = torch.stack([-20 * slope, noise[0], noise[1]])
    free, shrunk, held = (
        learn_weights(outputs, target=target, rows=rows, ridge=ridge) for ridge in (0.0, 10.0, 1e6)
    )
    assert free[0] > shrunk[0] > held[0]
    assert free[0] > 0.6
    np.testing.assert_allclose(held, 1 / 3, atol=1e-3)


@TASKS
def test_it_is_the_weighted_sum_of_its_arms_and_scores_a_new_case(task: Task) -> None:
    study = make_study(task)
    arms = _arms(study)
    fused = fit_logit_prod(arms, fit=_fit(study))
    for index, member in enumerate(fused.members):
        told = member.record.fusion
        assert told is not None
        assert told.rule is FusionRule.LEARNT
        assert told.arms == ("abmil.ann", "abmil.bob")
        assert sum(told.weights) == pytest.approx(1.0)
        assert (member.record.stopping, member.record.n_steps) == (Stopping.CLOSED_FORM, 0)
        parts = [
            outputs_of(load_network(arm.spec, member=arm.members[index]), study.bags)
            for arm in arms
        ]
        expected = sum(w * part.double() for w, part in zip(told.weights, parts, strict=True))
        found = outputs_of(load_network(fused.spec, member=member), study.bags).double()
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        columns = [f"output_{k}" for k in range(found.shape[1])]
        tested = fused.predictions.query(f"fold == {index} and part == 'test'")
        rows = rows_of(tested["case_id"].tolist(), case_ids=study.bags.case_ids)
        np.testing.assert_allclose(tested[columns], found[rows], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            tested[["weight_abmil.ann", "weight_abmil.bob"]].drop_duplicates(), [told.weights]
        )


def test_few_validation_events_leave_the_weights_equal() -> None:
    study = make_study(Task.SURVIVAL)
    scarce = LEARNING.model_copy(update={"min_validation_events": 1000})
    fused = fit_logit_prod(_arms(study, config=scarce), fit=_fit(study, config=scarce))
    for member in fused.members:
        assert member.record.fusion is not None
        assert member.record.fusion.rule is FusionRule.EQUAL
        assert member.record.fusion.weights == (0.5, 0.5)
        assert 0 < member.record.fusion.n_informative < 1000


@TASKS
def test_tested_cases_do_not_move_the_weights(task: Task) -> None:
    study = make_study(task)
    arms = _arms(study)
    altered = []
    for arm in arms:
        table = arm.predictions.copy()
        outputs = [name for name in table.columns if name.startswith("output_")]
        table.loc[table["part"] == "test", outputs] += 3.0
        altered.append(replace(arm, predictions=table))
    before, after = (fit_logit_prod(given, fit=_fit(study)) for given in (arms, altered))
    assert [m.record for m in after.members] == [m.record for m in before.members]


def test_arms_that_cannot_be_fused_are_refused() -> None:
    study = make_study(Task.SURVIVAL)
    ann, bob = _arms(study)
    with pytest.raises(ConfigError, match="needs at least one arm"):
        fit_logit_prod([], fit=_fit(study))
    seed = LEARNING.model_copy(update={"seeds": (4,)})
    with pytest.raises(ConfigError, match="other cases, folds or seeds"):
        fit_logit_prod([ann, _arms(study, config=seed)[1]], fit=_fit(study))
    two = make_splits_of(study.bags.case_ids, n_folds=2)
    other = Study.of(study.bags, outcomes=study.outcomes, splits=two)
    with pytest.raises(ConfigError, match="other cases, folds or seeds"):
        fit_logit_prod([ann, _arms(other)[1]], fit=_fit(study))
    with pytest.raises(ConfigError, match=r"other folds than these \(seed 0\)"):
        fit_logit_prod([ann, bob], fit=_fit(other))
    fewer = Splits(folds=study.splits.folds[:2], sites_preserved=False)
    with pytest.raises(ConfigError, match="other folds than these"):
        fit_logit_prod([ann, bob], fit=replace(_fit(study), splits=fewer))
    bare = ann.predictions.drop(columns=["output_0"])
    with pytest.raises(ConfigError, match=r"predictions of abmil\.ann lack output_0"):
        fit_logit_prod([replace(ann, predictions=bare), bob], fit=_fit(study))
    broken = ann.predictions.assign(output_1=np.nan)
    with pytest.raises(ConfigError, match="NaN or infinite"):
        fit_logit_prod([replace(ann, predictions=broken), bob], fit=_fit(study))
    mean = _arms(study, family="mean_pool")[0]
    with pytest.raises(ConfigError, match=r"mean_pool\.ann has other outputs"):
        fit_logit_prod([ann, mean], fit=_fit(study))
    with pytest.raises(ConfigError, match="single-teacher arms only, not logit_prod"):
        fit_logit_prod([fit_logit_prod([ann, bob], fit=_fit(study))], fit=_fit(study))
    twice = pd.concat([ann.predictions, ann.predictions.head(1)], ignore_index=True)
    with pytest.raises(ConfigError, match="other folds than these"):
        fit_logit_prod([replace(ann, predictions=twice)], fit=_fit(study))


def test_folds_that_cannot_be_learnt_from_are_refused() -> None:
    study = make_study(Task.SURVIVAL)
    arms = _arms(study)
    event = np.zeros_like(study.outcomes.survival()[1])
    nobody = replace(study.outcomes, event=event)
    with pytest.raises(ConfigError, match="training lacks an event"):
        fit_logit_prod(arms, fit=replace(_fit(study), outcomes=nobody))
