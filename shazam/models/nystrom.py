"""Nystrom attention (Xiong et al. 2021): softmax attention at a cost linear in the tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

_INVERSE_ITERATIONS = 6


def nystrom_attention(
    query: Tensor, key: Tensor, value: Tensor, *, lengths: Sequence[int], n_landmarks: int
) -> Tensor:
    """Return softmax attention inside each case, through landmarks where it has more tokens.

    ``softmax(Q K'^T) pinv(softmax(Q' K'^T)) softmax(Q' K^T) V``, where the landmarks Q' and K' are
    means over runs of tokens. A case of no more tokens than landmarks is attended exactly.

    Args:
        query, key, value: float ``[n_heads, n_tokens, dim]``, the tokens of all cases.
        lengths: tokens of each case.
        n_landmarks: m; memory is ``n_heads n_tokens m``.

    Returns:
        float32 ``[n_heads, n_tokens, dim]``.
    """
    # the iteration for the inverse does not bear bfloat16
    with torch.autocast(query.device.type, enabled=False):
        scale = 1.0 / math.sqrt(query.shape[-1])
        packed = (query.float() * scale, key.float(), value.float())
        split = (torch.split(part, list(lengths), dim=1) for part in packed)
        cases = list(zip(*split, strict=True))
        long = [case for case in cases if case[0].shape[1] > n_landmarks]
        found = iter(_through_landmarks(long, n=n_landmarks))
        return torch.cat(
            [
                next(found)
                if case[0].shape[1] > n_landmarks
                else scaled_dot_product_attention(case[0], case[1], case[2], scale=1.0)
                for case in cases
            ],
            dim=1,
        )


def _through_landmarks(cases: Sequence[tuple[Tensor, ...]], *, n: int) -> list[Tensor]:
    """Attend inside each case; what has the size of the landmarks is done for all at once."""
    if not cases:
        return []
    few_queries = torch.stack([_landmarks(query, n=n) for query, _, _ in cases])
    few_keys = torch.stack([_landmarks(key, n=n) for _, key, _ in cases])
    gathered = torch.stack(
        [
            scaled_dot_product_attention(few, key, value, scale=1.0)
            for few, (_, key, value) in zip(few_queries, cases, strict=True)
        ]
    )
    among = torch.softmax(few_queries @ few_keys.transpose(-1, -2), dim=-1)
    mixed = _pseudo_inverse(among) @ gathered
    return [
        torch.softmax(query @ few.transpose(1, 2), dim=-1) @ part
        for (query, _, _), few, part in zip(cases, few_keys, mixed, strict=True)
    ]


def _landmarks(tokens: Tensor, *, n: int) -> Tensor:
    """Return means over n runs of equal length, give or take one."""
    n_tokens = tokens.shape[1]
    run = torch.arange(n_tokens, device=tokens.device) * n // n_tokens
    total = tokens.new_zeros(tokens.shape[0], n, tokens.shape[2]).index_add(1, run, tokens)
    return total / torch.bincount(run, minlength=n)[:, None]


def _pseudo_inverse(matrices: Tensor) -> Tensor:
    """Return approximate pseudo-inverses of ``[..., m, m]`` by the iteration of Razavi et al."""
    rows, columns = (matrices.sum(dim=axis).amax(dim=-1) for axis in (-1, -2))
    inverse = matrices.transpose(-1, -2) / (rows * columns)[..., None, None]
    one = torch.eye(matrices.shape[-1], dtype=matrices.dtype, device=matrices.device)
    for _ in range(_INVERSE_ITERATIONS):
        product = matrices @ inverse
        inner = 15 * one - product @ (7 * one - product)
        inverse = 0.25 * inverse @ (13 * one - product @ inner)
    return inverse
