"""The gate over teachers: how much each teacher's vector counts for a case."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from shazam.config.student import Variant
from shazam.models.stacked import StackedLinear, StackedNorm

_HIDDEN = 128


@dataclass(frozen=True, slots=True)
class Gated:
    """``tokens`` [n_stack, n_cases, n_teachers, dim], ``weights`` [n_stack, n_cases,
    n_teachers]."""

    tokens: Tensor
    weights: Tensor


class TeacherGate(nn.Module):
    """``g = softmax(MLP(concat_i z_i))``; tokens by variant.

    The published form is ``t_i = LN(g_i z_i)``: the normalisation takes the weight away again.
    The corrected form is ``t_i = T g_i LN(z_i)``, with T teachers. Teachers that a case lacks
    get the weight 0, and T counts the others.

    Args:
        n_stack: number of independent gates, one per level.
        n_teachers: number of teachers.
        dim: features of a teacher's vector.
        variant: which of the two forms.
        dropout: inside the MLP, 0 to 1.
    """

    def __init__(
        self, n_stack: int, *, n_teachers: int, dim: int, variant: Variant, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.variant = variant
        self.mlp = nn.Sequential(
            StackedLinear(n_stack, n_teachers * dim, _HIDDEN),
            nn.GELU(),
            nn.Dropout(dropout),
            StackedNorm(n_stack, _HIDDEN),
            StackedLinear(n_stack, _HIDDEN, n_teachers),
        )
        self.norm = StackedNorm(n_stack, dim)

    def forward(self, vectors: Tensor, *, present: Tensor | None = None) -> Gated:
        """Weight the teachers' vectors.

        Args:
            vectors: float ``[n_stack, n_cases, n_teachers, dim]``.
            present: bool ``[n_cases, n_teachers]``; None for all.
        """
        if present is not None:
            vectors = vectors.masked_fill(~present[..., None], 0.0)
        scores = self.mlp(vectors.flatten(start_dim=2))
        if present is not None:
            scores = scores.masked_fill(~present, -math.inf)
        weights = torch.softmax(scores, dim=-1)
        return Gated(tokens=self._tokens(vectors, weights, present), weights=weights)

    def _tokens(self, vectors: Tensor, weights: Tensor, present: Tensor | None) -> Tensor:
        match self.variant:
            case Variant.FAITHFUL:
                return self._normalised(weights[..., None] * vectors)
            case Variant.CORRECTED:
                n_present = (
                    weights.shape[-1] if present is None else present.sum(dim=1, keepdim=True)
                )
                return (n_present * weights)[..., None] * self._normalised(vectors)

    def _normalised(self, vectors: Tensor) -> Tensor:
        normal: Tensor = self.norm(vectors.flatten(1, 2))
        return normal.view_as(vectors)
