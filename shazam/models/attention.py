"""Single-head self-attention over the tokens of a case, one token per teacher."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class AttentionBlock(nn.Module):
    """``X <- LayerNorm(X + O softmax(Q K^T / sqrt(d)) V)``; no feed-forward part.

    Args:
        dim: features of a token.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.output = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens ``[n, n_tokens, dim]`` to the same shape."""
        query, key, value = self.query_key_value(tokens).chunk(3, dim=-1)
        scores = query @ key.transpose(-2, -1) / math.sqrt(tokens.shape[-1])
        mixed: Tensor = self.norm(tokens + self.output(torch.softmax(scores, dim=-1) @ value))
        return mixed
