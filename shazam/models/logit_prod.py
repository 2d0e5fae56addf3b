"""LogitProd: the weighted product of single-teacher heads (arXiv 2604.07779)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from shazam.models.segments import Bags


class LogitProd(nn.Module):
    """``sum_t w_t logits_t`` of frozen networks, with ``w_t >= 0`` that sum to 1.

    Args:
        parts: the networks; each takes bags and gives ``[n_cases, n_outputs]``.
    """

    weights: Tensor

    def __init__(self, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.register_buffer("weights", torch.full((len(parts),), 1.0 / len(parts)))

    def forward(self, bags: Bags) -> Tensor:
        """Return logits ``[n_cases, n_outputs]``."""
        return weighted(torch.stack([part(bags) for part in self.parts]), weights=self.weights)


def weighted(logits: Tensor, *, weights: Tensor) -> Tensor:
    """Return the weighted sum of logits, ``[n_parts, n_cases, n_outputs]`` and ``[n_parts]``."""
    return torch.einsum("tno,t->no", logits, weights.to(logits.dtype))
