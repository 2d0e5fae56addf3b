"""The population stability index: by hand, by properties, and by what chance gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from shazam.config.cohort import ClinicalKind
from shazam.evaluation.drift_psi import (
    Levels,
    chance_of_index,
    kind_of,
    numbers_of,
    population_stability_index,
)

NUMBER, CATEGORY = ClinicalKind.NUMBER, ClinicalKind.CATEGORY
COUNTS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(0, 200), min_size=n, max_size=n) for _ in range(2)))
)


def by_hand(reference: list[int], new: list[int]) -> float:
    total = 0.0
    for then, now in zip(reference, new, strict=True):
        p = (then + 0.5) / (sum(reference) + 0.5 * len(reference))
        q = (now + 0.5) / (sum(new) + 0.5 * len(new))
        total += (q - p) * math.log(q / p)
    return total


def levels(reference: list[int], new: list[int]) -> Levels:
    names = tuple(str(number) for number in range(len(reference)))
    return Levels(names, np.array(reference), np.array(new))


@given(COUNTS)
def test_it_is_the_sum_over_levels(counts):
    reference, new = counts
    found = population_stability_index(*map(np.array, counts))
    assert found == pytest.approx(by_hand(reference, new), abs=1e-9)


@given(COUNTS, st.randoms(use_true_random=False))
def test_it_is_symmetric_finite_and_knows_no_order(counts, random):
    reference, new = map(np.array, counts)
    found = float(population_stability_index(reference, new))
    order = list(range(len(reference)))
    random.shuffle(order)
    assert math.isfinite(found)
    assert found >= 0
    assert population_stability_index(new, reference) == pytest.approx(found, abs=1e-9)
    shuffled = population_stability_index(reference[order], new[order])
    assert shuffled == pytest.approx(found, abs=1e-9)
    assert population_stability_index(reference, reference) == 0


def test_a_known_shift_has_the_published_size():
    """Shares of half and half against 30 to 70: (0.2) log(0.7 / 0.5) - (0.2) log(0.3 / 0.5)."""
    found = population_stability_index(np.array([500_000, 500_000]), np.array([300_000, 700_000]))
    assert found == pytest.approx(0.2 * math.log(1.4) - 0.2 * math.log(0.6), abs=1e-5)


def test_numbers_fall_into_quantiles_of_the_reference():
    reference = [str(number) for number in range(100)]
    found = Levels.of(reference, ["-50", "500", "11", ""], kind=NUMBER)
    assert found.reference.tolist() == [10] * 10 + [0]
    assert found.names[0] == "to 9.9"
    assert found.names[-2:] == ("above 89.1", "missing")
    assert found.new.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert found.unseen == ("missing",)


def test_few_different_numbers_are_levels_themselves():
    found = Levels.of(["1", "2", "2", "10"], ["2.0", "3", "high", "NA"], kind=NUMBER)
    assert found.names == ("1", "2", "10", "other numbers", "missing", "no number")
    assert found.reference.tolist() == [1, 2, 1, 0, 0, 0]
    assert found.new.tolist() == [0, 1, 0, 1, 1, 1]
    assert found.unseen == ("other numbers", "missing", "no number")


def test_a_constant_column_that_moves_is_seen_and_one_that_stays_is_zero():
    moved = Levels.of(["5"] * 30, ["3"] * 30, kind=NUMBER)
    assert population_stability_index(moved.reference, moved.new) > 5
    stays = Levels.of(["5"] * 30, ["5.0"] * 12, kind=NUMBER)
    assert population_stability_index(stays.reference, stays.new) == 0
    assert chance_of_index(stays, n_draws=99, seed=0) == 1.0


def test_an_unseen_category_is_named_and_missing_is_a_level():
    found = Levels.of(["M", "F", "unknown"], ["M", "X", " F "], kind=CATEGORY)
    assert found.names == ("F", "M", "X", "missing")
    assert found.unseen == ("X",)
    assert found.reference.tolist() == [1, 1, 0, 1]


def test_what_a_column_holds_is_told_by_the_cells_that_say_something():
    assert kind_of(["1", "2e3", "", "NA"]) is NUMBER
    assert kind_of(["1", "II"]) is CATEGORY
    assert kind_of(["", "NA"]) is CATEGORY
    assert kind_of(["1", "1e300"]) is CATEGORY  # beyond what a measurement can be
    assert numbers_of(["1", "x", "", "inf", "1e300", "-2"]).tolist() == [1, -2]


@pytest.mark.parametrize(("reference", "new"), [([15, 25], [9, 3]), ([30, 10], [7, 5])])
def test_chance_is_that_of_cases_dealt_anew(reference, new):
    """With two levels all ways of dealing can be counted."""
    pooled = np.array(reference) + np.array(new)
    n_new = sum(new)
    observed = by_hand(reference, new)
    exact = 0.0
    for first in range(n_new + 1):
        own = [first, n_new - first]
        if by_hand((pooled - own).tolist(), own) >= observed - 1e-12:
            exact += float(hypergeom.pmf(first, pooled.sum(), pooled[0], n_new))
    found = chance_of_index(levels(reference, new), n_draws=20_000, seed=0)
    assert found == pytest.approx(exact, abs=0.01)


def test_small_cohorts_without_drift_have_a_great_index_and_no_alarm():
    great, alarms = 0, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        texts = [f"{number:.3f}" for number in rng.normal(60, 10, size=92)]
        found = Levels.of(texts[:72], texts[72:], kind=NUMBER)
        great += population_stability_index(found.reference, found.new) > 0.25
        alarms += chance_of_index(found, n_draws=199, seed=0) <= 0.05
    assert great > 100
    assert alarms <= 20
