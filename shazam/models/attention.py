"""Single-head self-attention over the tokens of a case, one token per teacher."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from shazam.models.stacked import StackedLinear, StackedNorm


class AttentionBlock(nn.Module):
    """``X <- LayerNorm(X + O softmax(Q K^T / sqrt(d)) V)``; no feed-forward part.

    Args:
        n_stack: number of independent blocks, one per level.
        dim: features of a token.
    """

    def __init__(self, n_stack: int, *, dim: int) -> None:
        super().__init__()
        self.query_key_value = StackedLinear(n_stack, dim, 3 * dim)
        self.output = StackedLinear(n_stack, dim, dim)
        self.norm = StackedNorm(n_stack, dim)

    def forward(self, tokens: Tensor, *, present: Tensor | None = None) -> Tensor:
        """Map tokens to the same shape.

        Args:
            tokens: float ``[n_stack, n_cases, n_tokens, dim]``.
            present: bool ``[n_cases, n_tokens]``, whom a token may look at; None for all.
        """
        flat = tokens.flatten(1, 2)
        query, key, value = self._projected(flat, like=tokens)
        attended = _weights(query, key, present=present) @ value
        normal: Tensor = self.norm(flat + self.output(attended.flatten(1, 2)))
        return normal.view_as(tokens)

    def weights(self, tokens: Tensor, *, present: Tensor | None = None) -> Tensor:
        """Return what each token looks at, ``[n_stack, n_cases, n_tokens, n_tokens]``."""
        query, key, _ = self._projected(tokens.flatten(1, 2), like=tokens)
        return _weights(query, key, present=present)

    def _projected(self, flat: Tensor, *, like: Tensor) -> tuple[Tensor, ...]:
        projected: Tensor = self.query_key_value(flat)
        parts: tuple[Tensor, ...] = projected.view(*like.shape[:3], -1).chunk(3, dim=-1)
        return parts


def _weights(query: Tensor, key: Tensor, *, present: Tensor | None) -> Tensor:
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if present is not None:
        scores = scores.masked_fill(~present[:, None, :], -math.inf)
    return torch.softmax(scores, dim=-1)
