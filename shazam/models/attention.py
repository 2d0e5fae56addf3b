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

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``[n_stack, n_cases, n_tokens, dim]`` to the same shape."""
        flat = tokens.flatten(1, 2)
        mixed = self.output(self._attend(flat, like=tokens).flatten(1, 2))
        normal: Tensor = self.norm(flat + mixed)
        return normal.view_as(tokens)

    def _attend(self, flat: Tensor, *, like: Tensor) -> Tensor:
        projected = self.query_key_value(flat).unflatten(1, like.shape[1:3])
        query, key, value = projected.chunk(3, dim=-1)
        scores = query @ key.transpose(-2, -1) / math.sqrt(like.shape[-1])
        attended: Tensor = torch.softmax(scores, dim=-1) @ value
        return attended
