from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.errors import FeatureError
from shazam.features.bags import PackedBags
from shazam.training.moments import moments_of
from tests.models.bags import make_bags

HIGH = ("ann", "high")
TRAIN = torch.tensor([2, 0])


def _with_high(bags: PackedBags, tiles: torch.Tensor) -> PackedBags:
    return replace(bags, levels={**bags.levels, HIGH: tiles})


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    lengths=st.lists(st.integers(1, 6), min_size=3, max_size=5),
    shift=st.sampled_from([0.0, 3.0, 1000.0]),
    single=st.booleans(),
)
def test_statistics_are_those_of_the_training_tiles(
    lengths: list[int], shift: float, single: bool
) -> None:
    bags = make_bags(lengths, scale=2.0)
    tiles = bags.levels[HIGH].float() + shift
    bags = _with_high(bags, tiles if single else tiles.half())
    mean, sd = moments_of(bags).statistics(HIGH, rows=TRAIN)
    chosen = bags.select(TRAIN.tolist()).levels[HIGH].double()
    torch.testing.assert_close(mean.double(), chosen.mean(dim=0), rtol=1e-6, atol=1e-6)
    expected = chosen.std(dim=0, correction=0)
    torch.testing.assert_close(
        sd.double(), torch.where(expected > 0, expected, 1.0), rtol=1e-4, atol=1e-5
    )


def test_a_column_that_never_varies_has_deviation_one() -> None:
    bags = make_bags([2, 3, 4])
    bags = _with_high(bags, torch.full_like(bags.levels[HIGH], 0.1))
    _, sd = moments_of(bags).statistics(HIGH, rows=TRAIN)
    assert sd.tolist() == [1.0] * 8


def test_missing_values_are_left_out_where_they_are_allowed() -> None:
    bags = make_bags([2, 3, 4])
    tiles = bags.levels[HIGH].clone()
    tiles[1, 0] = tiles[5:9, 1] = float("nan")
    bags = _with_high(bags, tiles)
    moments = moments_of(bags, impute=True)
    mean, sd = moments.statistics(HIGH, rows=TRAIN)
    chosen = bags.select(TRAIN.tolist()).levels[HIGH].float()
    torch.testing.assert_close(mean, chosen.nanmean(dim=0))
    assert bool(torch.isfinite(sd).all())
    means = moments.case_means(HIGH)
    assert float(means[0, 0]) == float(tiles[0, 0])
    assert bool(torch.isnan(means[2, 1]))


@pytest.mark.parametrize(("value", "impute"), [("nan", False), ("inf", False), ("inf", True)])
def test_what_is_not_finite_is_named_by_case_teacher_and_level(value: str, impute: bool) -> None:
    bags = make_bags([2, 3, 4])
    tiles = bags.levels[HIGH].clone()
    tiles[3, 2] = float(value)
    with pytest.raises(FeatureError, match="case 'case001', teacher 'ann', level high: 1 of 3"):
        moments_of(_with_high(bags, tiles), impute=impute)


def test_cases_that_a_teacher_has_not_seen_count_for_nothing() -> None:
    bags = make_bags([2, 3, 4])
    tiles = bags.levels[HIGH].clone()
    tiles[2:5] = float("nan")
    absent = replace(_with_high(bags, tiles), present={"ann": torch.tensor([True, False, True])})
    whole = moments_of(bags).statistics(HIGH, rows=TRAIN)
    seen = moments_of(absent).statistics(HIGH, rows=torch.arange(3))
    for one, other in zip(whole, seen, strict=True):
        torch.testing.assert_close(one, other)


def test_standard_case_means_are_standard_over_the_training_cases() -> None:
    standard = moments_of(make_bags([4, 2, 5, 3])).standard_case_means(HIGH, rows=TRAIN)
    torch.testing.assert_close(standard[TRAIN].mean(dim=0), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(standard[TRAIN].std(dim=0, correction=0), torch.ones(8))
