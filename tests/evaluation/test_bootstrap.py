"""The bootstrap: stratified, repeatable, fast, and of the right width."""

from __future__ import annotations

import time

import numpy as np
import pytest

from shazam.evaluation.bootstrap import (
    Draws,
    bootstrap_counts,
    difference_draws,
    holm,
    lower_without_signal,
    percentile_interval,
    site_counts,
    two_sided_p,
)
from shazam.evaluation.metrics import metrics_of
from tests.evaluation.test_metrics import made_survival


def test_every_draw_keeps_the_size_of_every_fold() -> None:
    fold = np.array([0, 0, 0, 1, 1, 2])
    counts = bootstrap_counts(fold, n_replicates=50, seed=0)
    assert counts.shape == (50, 6)
    for number, size in enumerate((3, 2, 1)):
        assert (counts[:, fold == number].sum(axis=1) == size).all()


def test_one_seed_gives_one_set_of_draws() -> None:
    fold = np.arange(20) % 3
    first, second, other = (bootstrap_counts(fold, n_replicates=9, seed=s) for s in (1, 1, 2))
    assert (first == second).all()
    assert (first != other).any()


def test_the_interval_of_a_mean_has_the_known_width() -> None:
    values = np.random.default_rng(0).normal(size=400)
    counts = bootstrap_counts(np.zeros(400, dtype=np.int64), n_replicates=4000, seed=0)
    lower, upper = percentile_interval(counts @ values / 400)
    assert upper - lower == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.05)


def test_draws_without_a_value_are_left_out_of_the_interval() -> None:
    assert percentile_interval(np.array([1.0, np.nan, 1.0])) == (1.0, 1.0)


def test_p_is_small_only_when_zero_lies_in_the_tail() -> None:
    assert two_sided_p(np.linspace(1, 2, 999)) == pytest.approx(2 / 1000)
    assert two_sided_p(np.linspace(-1, 1, 999)) == pytest.approx(1.0)
    assert two_sided_p(np.zeros(999)) == 1.0


def test_holm_of_a_known_case() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


def test_seven_arms_of_72_cases_take_well_under_five_seconds() -> None:
    truth, risk = made_survival(0, n_cases=72, n_folds=3)
    counts = bootstrap_counts(truth.fold, n_replicates=1000, seed=0)
    start_s = time.monotonic()
    for _ in range(7):
        for metric in metrics_of(risk[:, None], truth=truth).values():
            metric(counts)
    assert time.monotonic() - start_s < 2


def test_sites_are_drawn_as_wholes_over_all_folds() -> None:
    sites = [None if n == 39 else f"site-{n % 13}" for n in range(40)]
    groups = [f"case-{n}" for n in range(40)]
    counts = site_counts(sites, groups=groups, n_replicates=300, seed=0)
    assert counts is not None
    assert all((counts[:, n] == counts[:, n + 13]).all() for n in range(26))
    assert counts.mean() == pytest.approx(1, abs=0.05)
    assert (counts[:, [0, 1, 2, 39]].std(axis=0) > 0.5).all()
    assert counts[:, :13].sum(axis=1).max() <= 14
    assert site_counts(sites[:9], groups=groups[:9], n_replicates=3, seed=0) is None


def test_the_bound_for_no_signal_doubles_the_variance() -> None:
    assert lower_without_signal(0.60, 0.52) == pytest.approx(0.60 - 0.08 * np.sqrt(2))
    assert lower_without_signal(0.60, 0.60) == pytest.approx(0.60)


def draws(value: float, *, spread: float, seed: int, of: Draws | None = None) -> Draws:
    """Return draws about a value, which follow those of another arm where one is given."""
    noise = spread * np.random.default_rng(seed).normal(size=4000)
    shared = np.zeros(4000) if of is None else of.replicates - of.value
    return Draws(value, value + shared + noise)


def test_the_difference_of_two_arms_that_are_told_is_that_of_their_draws() -> None:
    first, second = draws(0.7, spread=0.05, seed=0), draws(0.6, spread=0.05, seed=1)
    found = difference_draws(first, second, first_told=True, second_told=True)
    assert (found == first.replicates - second.replicates).all()


def test_of_two_arms_that_are_not_told_the_variance_of_the_difference_is_doubled() -> None:
    first, second = draws(0.52, spread=0.05, seed=0), draws(0.49, spread=0.05, seed=1)
    plain = first.replicates - second.replicates
    found = difference_draws(first, second, first_told=False, second_told=False)
    assert found - 0.03 == pytest.approx(np.sqrt(2) * (plain - 0.03))
    assert found.var() == pytest.approx(2 * plain.var())


@pytest.mark.parametrize("told", ["first", "second"])
def test_of_one_arm_that_is_not_told_its_own_variance_is_doubled(told: str) -> None:
    first, second = draws(0.7, spread=0.03, seed=0), draws(0.5, spread=0.05, seed=1)
    found = difference_draws(
        first, second, first_told=told == "first", second_told=told == "second"
    )
    weights = (1, 2) if told == "first" else (2, 1)
    expected = weights[0] * 0.03**2 + weights[1] * 0.05**2
    assert found.var() == pytest.approx(expected, rel=0.05)
    assert found.mean() == pytest.approx(0.2, abs=0.005)


def test_arms_that_agree_are_never_widened_beyond_twice_the_paired_variance() -> None:
    first = draws(0.62, spread=0.05, seed=0)
    second = draws(0.61, spread=0.005, seed=1, of=first)
    found = difference_draws(first, second, first_told=True, second_told=False)
    assert found.var() == pytest.approx(2 * (first.replicates - second.replicates).var())


def test_arms_that_move_together_are_never_widened_to_less_than_the_paired_variance() -> None:
    second = draws(0.52, spread=0.03, seed=0)
    noise = 0.01 * np.random.default_rng(1).normal(size=4000)
    first = Draws(0.7, 0.7 + 2 * (second.replicates - second.value) + noise)
    found = difference_draws(first, second, first_told=True, second_told=False)
    assert found == pytest.approx(first.replicates - second.replicates)


@pytest.mark.parametrize("told", [(True, False), (False, True), (False, False), (True, True)])
def test_draws_without_a_value_stay_without_one(told: tuple[bool, bool]) -> None:
    nothing = Draws(0.5, np.full(3, np.nan))
    some = Draws(0.6, np.array([0.5, np.nan, 0.7]))
    for first, second in ((nothing, some), (some, nothing)):
        found = difference_draws(first, second, first_told=told[0], second_told=told[1])
        assert np.isnan(found).all()
    found = difference_draws(some, some, first_told=told[0], second_told=told[1])
    assert np.isnan(found).tolist() == [False, True, False]
