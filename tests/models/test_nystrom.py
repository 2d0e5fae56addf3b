from __future__ import annotations

import torch
from torch.nn.functional import scaled_dot_product_attention

from shazam.models.nystrom import nystrom_attention


def _tokens(n: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(n)
    return [torch.randn(2, n, 4, generator=generator) for _ in range(3)]


def test_few_tokens_are_attended_exactly() -> None:
    query, key, value = _tokens(6)
    exact = scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(
        nystrom_attention(query, key, value, lengths=[6], n_landmarks=6), exact
    )


def test_landmarks_that_stand_for_all_tokens_give_exact_attention() -> None:
    distinct = 2.0 * torch.eye(4).expand(2, 4, 4)
    query, key, value = (
        part.repeat_interleave(5, dim=1) for part in (distinct, distinct, distinct)
    )
    exact = scaled_dot_product_attention(query, key, value)
    found = nystrom_attention(query, key, value, lengths=[20], n_landmarks=4)
    torch.testing.assert_close(found, exact, rtol=1e-3, atol=1e-3)


def test_more_landmarks_come_nearer_to_exact_attention() -> None:
    query, key, value = _tokens(64)
    exact = scaled_dot_product_attention(query, key, value)
    errors = [
        float(
            (nystrom_attention(query, key, value, lengths=[64], n_landmarks=m) - exact)
            .square()
            .mean()
        )
        for m in (2, 16, 48)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_cases_are_attended_apart() -> None:
    query, key, value = _tokens(40)
    lengths = [3, 25, 1, 11]
    found = nystrom_attention(query, key, value, lengths=lengths, n_landmarks=8)
    split = [torch.split(part, lengths, dim=1) for part in (query, key, value)]
    alone = [
        nystrom_attention(*case, lengths=[n], n_landmarks=8)
        for *case, n in zip(*split, lengths, strict=True)
    ]
    torch.testing.assert_close(found, torch.cat(alone, dim=1), rtol=1e-4, atol=1e-5)
