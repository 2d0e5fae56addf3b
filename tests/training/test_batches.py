from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shazam.models.score import parts_of
from shazam.training.batches import Feed, draw_tiles
from tests.models.bags import make_bags

HIGH = ("ann", "high")


@given(lengths=st.lists(st.integers(1, 50), min_size=1, max_size=20), budget=st.integers(1, 100))
def test_parts_hold_every_case_once_within_the_budget(lengths: list[int], budget: int) -> None:
    parts = parts_of(torch.tensor(lengths), tile_budget=budget)
    assert torch.cat(parts).tolist() == list(range(len(lengths)))
    for part in parts:
        assert len(part) == 1 or sum(lengths[index] for index in part.tolist()) <= budget


def test_a_step_beyond_the_budget_comes_in_several_batches() -> None:
    bags = make_bags([4, 2, 5, 3])
    feed = Feed(bags=bags, tile_budget=6)
    first, second = feed.training([torch.tensor([3, 0]), torch.tensor([1])], epoch=1)
    assert [batch.rows.tolist() for batch in first] == [[3], [0]]
    assert [batch.rows.tolist() for batch in second] == [[1]]
    assert first[1].bags.case_ids == ("case000",)
    assert torch.equal(first[1].bags.levels[HIGH], bags.levels[HIGH][:4])


def test_tiles_are_drawn_anew_for_each_epoch_whatever_the_order_of_cases() -> None:
    bags = make_bags([40, 3])
    feed = Feed(bags=bags, tiles_per_case=5, seed=1)

    def drawn(*rows: int, epoch: int) -> torch.Tensor:
        ((batch,),) = feed.training([torch.tensor(rows)], epoch=epoch)
        return batch.bags.select([rows.index(0)]).levels[HIGH]

    assert torch.equal(drawn(0, 1, epoch=1), drawn(1, 0, epoch=1))
    assert not torch.equal(drawn(0, 1, epoch=1), drawn(0, 1, epoch=2))
    ((both,),) = feed.training([torch.tensor([0, 1])], epoch=1)
    assert both.bags.offsets.tolist() == [0, 5, 8]
    (whole,) = feed.whole(torch.tensor([1, 0]))
    assert whole.bags.offsets.tolist() == [0, 3, 43]


@given(n_tiles=st.integers(1, 300), n_drawn=st.integers(1, 300), epoch=st.integers(1, 3))
def test_drawn_tiles_are_different_and_in_order(n_tiles: int, n_drawn: int, epoch: int) -> None:
    tiles = draw_tiles(n_tiles, n_drawn=n_drawn, words=(0, epoch, "case"))
    assert len(tiles) == min(n_tiles, n_drawn)
    assert np.all(np.diff(tiles) > 0)
    assert tiles.min() >= 0
    assert tiles.max() < n_tiles


@pytest.mark.parametrize("other", [(1, 1, "a"), (0, 2, "a"), (0, 1, "b")])
def test_seed_epoch_and_case_each_change_the_draw(other: tuple[int, int, str]) -> None:
    one = draw_tiles(1000, n_drawn=10, words=(0, 1, "a"))
    assert not np.array_equal(one, draw_tiles(1000, n_drawn=10, words=other))
