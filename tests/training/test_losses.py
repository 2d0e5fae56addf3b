from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from shazam.models.heads import Head, scores_of
from shazam.training.losses import discrete_time_nll
from tests.models.parity import read_reference


@pytest.mark.parametrize("weight", [0.0, 0.4, 0.5])
def test_nll_repeats_the_published_one(weight: float) -> None:
    reference = read_reference("discrete_time_nll.npz")
    loss = discrete_time_nll(
        torch.logit(torch.from_numpy(reference["in/hazards"])),
        intervals=torch.from_numpy(reference["in/bin_1based"]) - 1,
        events=torch.from_numpy(reference["in/censored"]) == 0,
        uncensored_weight=weight,
    )
    assert float(loss) == pytest.approx(float(reference[f"out/nll_alpha_{weight}"]), abs=1e-5)


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


def test_nll_stays_finite_at_extreme_logits() -> None:
    logits = torch.tensor([[80.0, -80.0], [-80.0, 80.0]], requires_grad=True)
    loss = discrete_time_nll(
        logits,
        intervals=torch.tensor([1, 1]),
        events=torch.tensor([True, False]),
        uncensored_weight=0.0,
    )
    loss.backward()
    assert logits.grad is not None
    assert bool(torch.isfinite(loss))
    assert bool(torch.isfinite(logits.grad).all())
