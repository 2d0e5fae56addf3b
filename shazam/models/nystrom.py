"""Nystrom attention (Xiong et al. 2021): softmax attention at a cost linear in the tokens."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

_INVERSE_ITERATIONS = 6


def nystrom_attention(query: Tensor, key: Tensor, value: Tensor, *, n_landmarks: int) -> Tensor:
    """Return softmax attention, through landmarks where there are more tokens than those.

    ``softmax(Q K'^T) pinv(softmax(Q' K'^T)) softmax(Q' K^T) V``, where the landmarks Q' and K' are
    means over runs of tokens. As many landmarks as tokens, or more, give exact attention.

    Args:
        query, key, value: float ``[n_heads, n_tokens, dim]``.
        n_landmarks: m; memory is ``n_heads n_tokens m``.

    Returns:
        float ``[n_heads, n_tokens, dim]``.
    """
    if query.shape[1] <= n_landmarks:
        return scaled_dot_product_attention(query, key, value)
    # the iteration for the inverse does not bear bfloat16
    with torch.autocast(query.device.type, enabled=False):
        return _through_landmarks(query.float(), key.float(), value.float(), n=n_landmarks)


def _through_landmarks(query: Tensor, key: Tensor, value: Tensor, *, n: int) -> Tensor:
    scale = 1.0 / math.sqrt(query.shape[-1])
    few_queries, few_keys = (_landmarks(tokens, n=n) for tokens in (query * scale, key))
    to_landmarks = torch.softmax(query * scale @ few_keys.transpose(1, 2), dim=-1)
    among = torch.softmax(few_queries @ few_keys.transpose(1, 2), dim=-1)
    gathered = torch.softmax(few_queries @ key.transpose(1, 2), dim=-1) @ value
    return to_landmarks @ (_pseudo_inverse(among) @ gathered)


def _landmarks(tokens: Tensor, *, n: int) -> Tensor:
    """Return means over n runs of equal length, give or take one."""
    n_tokens = tokens.shape[1]
    run = torch.arange(n_tokens, device=tokens.device) * n // n_tokens
    total = tokens.new_zeros(tokens.shape[0], n, tokens.shape[2]).index_add(1, run, tokens)
    return total / torch.bincount(run, minlength=n)[:, None]


def _pseudo_inverse(matrices: Tensor) -> Tensor:
    """Return approximate pseudo-inverses of ``[n, m, m]`` by the iteration of Razavi et al."""
    rows, columns = (matrices.sum(dim=axis).amax(dim=-1) for axis in (-1, -2))
    inverse = matrices.transpose(1, 2) / (rows * columns)[:, None, None]
    one = torch.eye(matrices.shape[-1], dtype=matrices.dtype, device=matrices.device)
    for _ in range(_INVERSE_ITERATIONS):
        product = matrices @ inverse
        inverse = 0.25 * inverse @ (13 * one - product @ (15 * one - product @ (7 * one - product)))
    return inverse
