"""The decorrelation penalty: features of the fused vectors should not repeat one another."""

from __future__ import annotations

import torch
from torch import Tensor

from shazam.models.encoded import StudentOutput

_SMALLEST_VARIANCE = 1e-6


def decorrelation_of(output: StudentOutput) -> Tensor:
    """Return the mean squared correlation between features, a mean over levels.

    With the correlation ``R_jk`` of features j and k of the fused vectors over the cases of the
    batch: ``sum_{j != k} R_jk^2 / (dim (dim - 1))``, 0 to 1. It compares the cases of a batch, so
    a batch may not be divided; independent features of n cases have about ``1 / (n - 1)``. A batch
    of one case costs 0.
    """
    return torch.stack([_penalty(level.fused.float()) for level in output.levels.values()]).mean()


def _penalty(fused: Tensor) -> Tensor:
    n_cases, dim = fused.shape
    if n_cases < 2:
        return fused.sum() * 0.0
    centred = fused - fused.mean(dim=0)
    variance = centred.square().mean(dim=0)
    standard = centred * torch.rsqrt(variance + _SMALLEST_VARIANCE)
    correlation = standard.T @ standard / n_cases
    off_diagonal = correlation.square().sum() - correlation.diagonal().square().sum()
    return off_diagonal / (dim * (dim - 1))
