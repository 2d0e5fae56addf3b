"""Standardisation of features with statistics of the training cases."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_CHUNK_ROWS = 65_536
_SMALLEST_SD = 1e-6


class Standardiser(nn.Module):
    """``(x - mean) / sd`` per feature; the identity until :meth:`set_statistics` is called.

    Args:
        dim: number of features.
    """

    mean: Tensor
    sd: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("sd", torch.ones(dim))

    def set_statistics(self, features: Tensor) -> None:
        """Take mean and standard deviation from rows of the training cases, ``[n, dim]``."""
        mean, sd = statistics_of(features)
        self.mean.copy_(mean)
        self.sd.copy_(sd)

    def forward(self, features: Tensor) -> Tensor:
        """Standardise ``[n, dim]``; the result is float32."""
        standard: Tensor = (features.float() - self.mean) / self.sd
        return standard


def statistics_of(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each column, float32 ``[dim]``.

    A column that does not vary gets the standard deviation 1, so it becomes zero.

    Args:
        features: float ``[n, dim]``, n >= 1.
    """
    total = torch.zeros(features.shape[1], dtype=torch.float64)
    for start in range(0, len(features), _CHUNK_ROWS):
        total += features[start : start + _CHUNK_ROWS].double().sum(dim=0)
    mean = total / len(features)
    squares = torch.zeros_like(mean)
    for start in range(0, len(features), _CHUNK_ROWS):
        chunk = features[start : start + _CHUNK_ROWS].double()
        squares += (chunk - mean).square().sum(dim=0)
    sd = (squares / len(features)).sqrt()
    sd = torch.where(sd > _SMALLEST_SD, sd, torch.ones_like(sd))
    return mean.float(), sd.float()
