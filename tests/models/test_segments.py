from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.models.segments import (
    Segments,
    attention_pool,
    segment_mean,
    segment_softmax,
    segment_sum,
)

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def _packed(lengths: list[int]) -> tuple[Segments, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(sum(lengths))
    segments = Segments(torch.tensor([0, *lengths]).cumsum(0))
    values = torch.randn(sum(lengths), 3, generator=generator)
    return segments, values, 50 * torch.randn(sum(lengths), 1, generator=generator)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(lengths=LENGTHS)
def test_packed_results_equal_those_of_each_case_alone(lengths: list[int]) -> None:
    segments, values, scores = _packed(lengths)
    weights = torch.cat([part.softmax(dim=0) for part in scores.split(lengths)])
    pooled = torch.stack([part.sum(dim=0) for part in (weights * values).split(lengths)])
    means = torch.stack([part.mean(dim=0) for part in values.split(lengths)])
    sums = torch.stack([part.sum(dim=0) for part in values.split(lengths)])
    torch.testing.assert_close(segment_softmax(scores, segments=segments), weights)
    torch.testing.assert_close(attention_pool(values, scores=scores, segments=segments), pooled)
    torch.testing.assert_close(segment_mean(values, segments=segments), means)
    torch.testing.assert_close(segment_sum(values, segments=segments), sums)


def test_gradient_of_attention_pooling_is_right() -> None:
    segments, values, scores = _packed([3, 1, 4])
    values, scores = values.double(), scores.double() / 50

    def pooled(values: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        return attention_pool(values, scores=scores, segments=segments)

    assert torch.autograd.gradcheck(pooled, (values.requires_grad_(), scores.requires_grad_()))


@pytest.mark.parametrize("offsets", [[0], [1, 2], [0, 2, 2], [0, 3, 1], [[0, 1]]])
def test_offsets_that_leave_a_case_without_tiles_are_refused(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match=r"offsets|tile"):
        Segments(torch.tensor(offsets))


@pytest.mark.parametrize("n_tiles", [500, 2_000, 50_000])
def test_many_tiles_add_up_in_bfloat16(n_tiles: int) -> None:
    segments = Segments(torch.tensor([0, n_tiles, n_tiles + 3]))
    ones = torch.ones(n_tiles + 3, 1, dtype=torch.bfloat16)
    assert segment_mean(ones, segments=segments).tolist() == [[1.0], [1.0]]
    drifting = torch.linspace(-1, 1, n_tiles + 3)[:, None]
    exact = attention_pool(drifting, scores=drifting, segments=segments)
    half = drifting.bfloat16()
    near = attention_pool(half, scores=half, segments=segments)
    torch.testing.assert_close(near, exact, atol=0.01, rtol=0.01)


def test_a_mean_holds_what_is_small_beside_what_all_tiles_share() -> None:
    generator = torch.Generator().manual_seed(0)
    tiles = 100 + 0.02 * torch.randn(100_000, 3, generator=generator)
    segments = Segments(torch.tensor([0, 99_000, 100_000]))
    mean = segment_mean(tiles, segments=segments)
    exact = torch.stack([part.double().mean(dim=0) for part in (tiles[:99_000], tiles[99_000:])])
    torch.testing.assert_close(mean.double(), exact, atol=2e-5, rtol=0)
