from __future__ import annotations

import numpy as np
import pytest
import torch

from shazam.models.encoded import LevelOutput, StudentOutput
from shazam.training.decorrelation import decorrelation_of


def _output(*fused: torch.Tensor) -> StudentOutput:
    levels = {
        f"level{index}": LevelOutput(fused=own, pooled=own[:, None], weights=None)
        for index, own in enumerate(fused)
    }
    return StudentOutput(logits=fused[0], levels=levels, seen=None)


def test_it_is_the_mean_squared_correlation_of_different_features() -> None:
    fused = torch.randn(30, 5, generator=torch.Generator().manual_seed(0))
    correlation = np.corrcoef(fused.numpy().T)
    expected = (correlation[~np.eye(5, dtype=bool)] ** 2).mean()
    assert float(decorrelation_of(_output(fused))) == pytest.approx(expected, rel=1e-4)


def test_repeated_features_cost_1_and_levels_are_averaged() -> None:
    column = torch.randn(30, 1, generator=torch.Generator().manual_seed(0))
    repeated = column.repeat(1, 4)
    apart = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert float(decorrelation_of(_output(repeated))) == pytest.approx(1.0, abs=1e-4)
    assert float(decorrelation_of(_output(apart))) == pytest.approx(0.0, abs=1e-6)
    assert float(decorrelation_of(_output(repeated, apart))) == pytest.approx(0.5, abs=1e-4)


def test_one_case_costs_nothing_and_constants_stay_finite() -> None:
    single = torch.randn(1, 4).requires_grad_()
    decorrelation_of(_output(single)).backward()
    assert float(single.grad.abs().sum()) == 0.0
    constant = torch.ones(5, 4).requires_grad_()
    loss = decorrelation_of(_output(constant))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert bool(torch.isfinite(constant.grad).all())
