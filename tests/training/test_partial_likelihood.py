"""The Cox loss against its definition, pair by pair, and against scikit-survival."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from shazam.config.training import CoxTies, SurvivalHead, TrainingConfig
from shazam.training.partial_likelihood import cox_loss

EVERY_TIES = pytest.mark.parametrize("ties", list(CoxTies))
CASES = st.lists(
    st.tuples(st.floats(-6, 6, width=32), st.integers(1, 6), st.booleans()),
    min_size=1,
    max_size=25,
)
QUICKLY = settings(deadline=None, max_examples=60, derandomize=True)


def defined(risks: list[float], times: list[int], events: list[bool], *, ties: CoxTies) -> float:
    """The negative log partial likelihood by its definition, O(n^2)."""
    total = 0.0
    for time in {t for t, event in zip(times, events, strict=True) if event}:
        at_risk = sum(math.exp(r) for r, t in zip(risks, times, strict=True) if t >= time)
        tied = [r for r, t, e in zip(risks, times, events, strict=True) if t == time and e]
        sum_tied = sum(math.exp(r) for r in tied)
        for number, risk in enumerate(tied):
            removed = number / len(tied) * sum_tied if ties is CoxTies.EFRON else 0.0
            total += math.log(at_risk - removed) - risk
    return total / max(sum(events), 1)


def loss_of(risks, times, events, *, ties: CoxTies, dtype=torch.float64) -> torch.Tensor:
    return cox_loss(
        torch.as_tensor(risks, dtype=dtype),
        time_months=torch.as_tensor(times, dtype=torch.float64),
        events=torch.as_tensor(events, dtype=torch.bool),
        ties=ties,
    )


@EVERY_TIES
@QUICKLY
@given(cases=CASES)
def test_loss_is_the_definition_with_tied_times(
    ties: CoxTies, cases: list[tuple[float, int, bool]]
) -> None:
    risks, times, events = (list(column) for column in zip(*cases, strict=True))
    expected = defined(risks, times, events, ties=ties)
    assert float(loss_of(risks, times, events, ties=ties)) == pytest.approx(expected, abs=1e-9)
    single = loss_of(risks, times, events, ties=ties, dtype=torch.float32)
    assert single.dtype == torch.float32
    assert float(single) == pytest.approx(expected, abs=1e-4)


@EVERY_TIES
@QUICKLY
@given(cases=CASES, shift=st.floats(-50, 50), seed=st.integers(0, 1000))
def test_neither_a_constant_nor_the_order_of_the_cases_matters(
    ties: CoxTies, cases: list[tuple[float, int, bool]], shift: float, seed: int
) -> None:
    risks, times, events = (np.array(column) for column in zip(*cases, strict=True))
    order = np.random.default_rng(seed).permutation(len(risks))
    first = float(loss_of(risks, times, events, ties=ties))
    moved = loss_of(risks[order] + shift, times[order], events[order], ties=ties)
    assert float(moved) == pytest.approx(first, abs=1e-8)


@EVERY_TIES
def test_gradient_is_that_of_the_function(ties: CoxTies) -> None:
    generator = torch.Generator().manual_seed(0)
    risks = torch.randn(12, generator=generator, dtype=torch.float64, requires_grad=True)
    times = torch.randint(1, 5, (12,), generator=generator).double()
    events = torch.rand(12, generator=generator) < 0.6

    def function(values: torch.Tensor) -> torch.Tensor:
        return cox_loss(values, time_months=times, events=events, ties=ties)

    assert torch.autograd.gradcheck(function, (risks,))


@EVERY_TIES
def test_without_an_event_loss_and_gradient_are_zero(ties: CoxTies) -> None:
    risks = torch.randn(5, requires_grad=True)
    loss = cox_loss(
        risks, time_months=torch.rand(5), events=torch.zeros(5, dtype=torch.bool), ties=ties
    )
    loss.backward()
    assert float(loss.detach()) == 0
    assert risks.grad is not None
    assert risks.grad.tolist() == [0.0] * 5


@EVERY_TIES
def test_extreme_risks_stay_finite(ties: CoxTies) -> None:
    risks = torch.tensor([900.0, -900.0, 900.0, -900.0, 0.0], requires_grad=True)
    times = torch.tensor([1.0, 1.0, 2.0, 3.0, 3.0])
    loss = cox_loss(
        risks, time_months=times, events=torch.tensor([True, True, False, True, True]), ties=ties
    )
    loss.backward()
    assert bool(torch.isfinite(loss))
    assert risks.grad is not None
    assert bool(torch.isfinite(risks.grad).all())


@EVERY_TIES
def test_times_of_one_kind_only_and_a_single_case_work(ties: CoxTies) -> None:
    assert float(loss_of([0.3], [4.0], [True], ties=ties)) == pytest.approx(0.0, abs=1e-12)
    same = float(loss_of([0.0] * 4, [2.0] * 4, [True] * 4, ties=ties))
    expected = math.log(4) if ties is CoxTies.BRESLOW else math.log(24) / 4
    assert same == pytest.approx(expected)


@EVERY_TIES
def test_scikit_survival_ends_where_the_gradient_is_zero(ties: CoxTies) -> None:
    generator = np.random.default_rng(3)
    features = generator.normal(size=(80, 3))
    times = np.ceil(8 * generator.exponential(np.exp(-features[:, 0])))
    events = generator.random(80) < 0.7
    model = CoxPHSurvivalAnalysis(alpha=0, ties=ties.value, tol=1e-12)
    model.fit(features, Surv.from_arrays(event=events, time=times))
    weights = torch.tensor(model.coef_, requires_grad=True)
    loss = loss_of_weights(weights, features=features, times=times, events=events, ties=ties)
    loss.backward()
    assert weights.grad is not None
    np.testing.assert_allclose(weights.grad.numpy(), 0.0, atol=1e-7)


def loss_of_weights(weights, *, features, times, events, ties: CoxTies) -> torch.Tensor:
    return cox_loss(
        torch.from_numpy(features) @ weights,
        time_months=torch.from_numpy(times),
        events=torch.from_numpy(events),
        ties=ties,
    )


def test_batches_too_small_to_compare_cases_are_refused() -> None:
    with pytest.raises(ValueError, match=r"set training\.batch_cases to 64 or more"):
        TrainingConfig(survival_head=SurvivalHead.COX)
    assert TrainingConfig(survival_head=SurvivalHead.COX, batch_cases=64).batch_cases == 64
