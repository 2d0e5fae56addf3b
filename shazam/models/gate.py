"""The gate over teachers: how much each teacher's vector counts for a case."""

from __future__ import annotations

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
    The corrected form is ``t_i = T g_i LN(z_i)``, with T teachers.

    Args:
        n_stack: number of independent gates, one per level.
        n_teachers: number of teachers T.
        dim: features of a teacher's vector.
        variant: which of the two forms.
    """

    def __init__(self, n_stack: int, *, n_teachers: int, dim: int, variant: Variant) -> None:
        super().__init__()
        self.n_teachers = n_teachers
        self.variant = variant
        self.mlp = nn.Sequential(
            StackedLinear(n_stack, n_teachers * dim, _HIDDEN),
            nn.GELU(),
            StackedNorm(n_stack, _HIDDEN),
            StackedLinear(n_stack, _HIDDEN, n_teachers),
        )
        self.norm = StackedNorm(n_stack, dim)

    def forward(self, vectors: Tensor) -> Gated:
        """Weight the teachers' vectors ``[n_stack, n_cases, n_teachers, dim]``."""
        weights = torch.softmax(self.mlp(vectors.flatten(start_dim=2)), dim=-1)
        return Gated(tokens=self._tokens(vectors, weights[..., None]), weights=weights)

    def _tokens(self, vectors: Tensor, weights: Tensor) -> Tensor:
        match self.variant:
            case Variant.FAITHFUL:
                return self._normalised(weights * vectors)
            case Variant.CORRECTED:
                return self.n_teachers * weights * self._normalised(vectors)

    def _normalised(self, vectors: Tensor) -> Tensor:
        normal: Tensor = self.norm(vectors.flatten(1, 2))
        return normal.view_as(vectors)
