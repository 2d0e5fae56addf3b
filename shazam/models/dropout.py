"""Dropout for large tile tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_LEVELS = 1 << 16
_LOWEST = -(1 << 15)


class TileDropout(nn.Module):
    """Dropout (Srivastava et al. 2014) by 16 random bits per value.

    ``torch.nn.Dropout`` draws a Bernoulli number per value on a CPU, which dominates small
    networks on many tiles. The probability is rounded to a multiple of ``2**-16``.

    Args:
        probability: of dropping a value, 0 to 1.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.n_dropped = round(probability * _LEVELS)

    def forward(self, values: Tensor) -> Tensor:
        """Drop values and scale the rest in training; the identity in evaluation."""
        if not self.training or self.n_dropped == 0:
            return values
        if self.n_dropped == _LEVELS:
            return torch.zeros_like(values)
        kept = _random_bits(values) >= _LOWEST + self.n_dropped
        return values * kept.to(values.dtype).mul_(_LEVELS / (_LEVELS - self.n_dropped))


def _random_bits(like: Tensor) -> Tensor:
    """Return uniform int16 of the same shape, four from each 64-bit draw."""
    words = torch.empty(like.numel() // 4 + 1, dtype=torch.int64, device=like.device)
    words.random_(-(2**63), None)
    return words.view(torch.int16)[: like.numel()].view(like.shape)
