"""Losses against their definitions and against reference values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from shazam.models.heads import Head, scores_of
from shazam.training.losses import (
    discrete_time_nll,
    masked_mse,
    pearson_loss,
    weighted_cross_entropy,
)
from tests.models.parity import read_reference

QUICKLY = settings(deadline=None, max_examples=60, derandomize=True)


@pytest.mark.integration
def test_nll_repeats_the_published_one_for_every_weight() -> None:
    reference = read_reference("discrete_time_nll.npz")
    weights = [name.removeprefix("out/nll_alpha_") for name in reference if "nll_alpha" in name]
    assert len(weights) >= 3
    for weight in weights:
        loss = discrete_time_nll(
            torch.logit(torch.from_numpy(reference["in/hazards"])),
            intervals=torch.from_numpy(reference["in/bin_1based"]) - 1,
            events=torch.from_numpy(reference["in/censored"]) == 0,
            uncensored_weight=float(weight),
        )
        assert float(loss) == pytest.approx(float(reference[f"out/nll_alpha_{weight}"]), abs=1e-5)


@pytest.mark.integration
def test_risk_repeats_the_published_one() -> None:
    reference = read_reference("discrete_time_nll.npz")
    logits = torch.logit(torch.from_numpy(reference["in/hazards"]).double())
    risks = scores_of(logits, head=Head.DISCRETE_TIME)[:, 0]
    expected = reference["out/risk_negative_sum_of_survival"]
    np.testing.assert_allclose(risks, expected, atol=1e-5)


def test_nll_by_hand() -> None:
    """Hazards .2, .5: an event in the second interval, and a case censored in the first."""
    logits = torch.logit(torch.tensor([[0.2, 0.5], [0.2, 0.5]]))
    loss = discrete_time_nll(
        logits,
        intervals=torch.tensor([1, 0]),
        events=torch.tensor([True, False]),
        uncensored_weight=0.4,
    )
    expected = (-math.log(0.8) - math.log(0.5) - 0.6 * math.log(0.8)) / 2
    assert float(loss) == pytest.approx(expected, rel=1e-6)


CASES = st.lists(
    st.tuples(
        st.lists(st.floats(-15, 15, width=32), min_size=4, max_size=4),
        st.integers(0, 3),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@QUICKLY
@given(cases=CASES, weight=st.floats(0, 1))
def test_nll_is_the_definition(cases: list[tuple[list[float], int, bool]], weight: float) -> None:
    logits, intervals, events = (list(column) for column in zip(*cases, strict=True))
    costs = []
    for row, interval, event in cases:
        kept = [1 / (1 + math.exp(value)) for value in row]
        if event:
            costs.append(
                -math.log(math.prod(kept[:interval])) + math.log1p(math.exp(-row[interval]))
            )
        else:
            costs.append(-(1 - weight) * math.log(math.prod(kept[: interval + 1])))
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-5)):
        loss = discrete_time_nll(
            torch.tensor(logits, dtype=dtype),
            intervals=torch.tensor(intervals),
            events=torch.tensor(events),
            uncensored_weight=weight,
        )
        assert float(loss) == pytest.approx(np.mean(costs), rel=tolerance, abs=tolerance)


def test_gradient_of_the_nll_is_that_of_the_function() -> None:
    logits = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    intervals, events = torch.tensor([0, 1, 2, 3, 0, 3]), torch.tensor([True, False] * 3)

    def function(values: torch.Tensor) -> torch.Tensor:
        return discrete_time_nll(values, intervals=intervals, events=events, uncensored_weight=0.4)

    assert torch.autograd.gradcheck(function, (logits,))


@pytest.mark.parametrize("size", [80.0, 1e4, 1e30])
def test_nll_stays_finite_and_exact_at_extreme_logits(size: float) -> None:
    logits = torch.tensor([[size, -size], [-size, size]], requires_grad=True)
    loss = discrete_time_nll(
        logits,
        intervals=torch.tensor([1, 1]),
        events=torch.tensor([True, False]),
        uncensored_weight=0.0,
    )
    loss.backward()
    assert logits.grad is not None
    assert float(loss.detach()) == pytest.approx(1.5 * size)
    assert bool(torch.isfinite(logits.grad).all())
    surely = discrete_time_nll(
        torch.tensor([[-size, size]]),
        intervals=torch.tensor([1]),
        events=torch.tensor([True]),
        uncensored_weight=0.0,
    )
    assert float(surely) == pytest.approx(0.0, abs=1e-6)


@QUICKLY
@given(
    logits=st.lists(st.floats(-8, 8), min_size=4, max_size=4),
    interval=st.integers(0, 3),
    step=st.floats(0.1, 3),
)
def test_a_higher_hazard_never_lowers_the_risk(
    logits: list[float], interval: int, step: float
) -> None:
    raised = list(logits)
    raised[interval] += step
    low, high = scores_of(torch.tensor([logits, raised]), head=Head.DISCRETE_TIME)[:, 0]
    assert -4 <= low <= high <= 0


def test_class_weights_of_one_give_the_plain_cross_entropy() -> None:
    logits, labels = torch.randn(9, 3), torch.arange(9) % 3
    plain = weighted_cross_entropy(logits, labels=labels, class_weights=torch.ones(3))
    torch.testing.assert_close(plain, cross_entropy(logits, labels))


def test_balanced_weights_give_every_class_the_same_share() -> None:
    """Eight cases of one class and two of the other, all at even odds."""
    labels = torch.tensor([0] * 8 + [1] * 2)
    weights = torch.tensor([10 / 16, 10 / 4], dtype=torch.float64)
    logits = torch.zeros(10, 2, dtype=torch.float64, requires_grad=True)
    weighted_cross_entropy(logits, labels=labels, class_weights=weights).backward()
    assert logits.grad is not None
    assert float(logits.grad[:, 0].sum()) == pytest.approx(0.0, abs=1e-12)
    alone = weighted_cross_entropy(
        torch.zeros(2, 2), labels=torch.tensor([1, 1]), class_weights=weights
    )
    assert float(alone) == pytest.approx(2.5 * math.log(2))


@QUICKLY
@given(
    rows=st.lists(
        st.tuples(st.floats(-3, 3, width=32), st.none() | st.floats(-3, 3, width=32)),
        min_size=1,
        max_size=12,
    )
)
def test_mse_counts_what_was_measured(rows: list[tuple[float, float | None]]) -> None:
    values = torch.tensor([[x] for x, _ in rows], requires_grad=True)
    targets = torch.tensor([[math.nan if y is None else y] for _, y in rows])
    loss = masked_mse(values, targets=targets, measured_per_case=0.8)
    loss.backward()
    squares = [(x - y) ** 2 for x, y in rows if y is not None]
    expected = sum(squares) / (0.8 * len(rows))
    assert float(loss.detach()) == pytest.approx(expected, abs=1e-4)
    assert values.grad is not None
    assert bool(torch.isfinite(values.grad).all())
    assert bool((values.grad[targets.isnan()] == 0).all())


@pytest.mark.parametrize("seed", range(4))
def test_pearson_is_numpys_over_what_was_measured(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values, targets = generator.normal(size=(2, 15, 3))
    targets[generator.random((15, 3)) < 0.3] = np.nan
    measured = ~np.isnan(targets)
    expected = [
        1 - np.corrcoef(values[known, gene], targets[known, gene])[0, 1]
        for gene, known in enumerate(measured.T)
    ]
    loss = pearson_loss(torch.from_numpy(values), targets=torch.from_numpy(targets))
    assert float(loss) == pytest.approx(np.mean(expected), abs=1e-4)
    moved = pearson_loss(torch.from_numpy(3 * values + 7), targets=torch.from_numpy(targets))
    assert float(moved) == pytest.approx(float(loss), abs=1e-4)


def test_a_batch_that_says_nothing_of_a_correlation_costs_nothing() -> None:
    nan = math.nan
    targets = torch.tensor([[1.0, nan, 2.0], [nan, nan, 2.0], [nan, nan, 2.0]])
    values = torch.randn(3, 3, requires_grad=True)
    loss = pearson_loss(values, targets=targets)
    loss.backward()
    assert float(loss.detach()) == 0
    assert values.grad is not None
    assert bool((values.grad == 0).all())


def test_values_that_do_not_vary_have_no_correlation_and_a_bounded_gradient() -> None:
    values = torch.zeros(4, 1, requires_grad=True)
    loss = pearson_loss(values, targets=torch.tensor([[1.0], [-1.0], [1.0], [-1.0]]))
    loss.backward()
    assert float(loss.detach()) == 1
    assert values.grad is not None
    assert float(values.grad.abs().max()) < 1e4
