"""One config over several partitions: mean, corrected interval, and what lies between."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from shazam.cohort.splits import make_splits
from shazam.config.cohort import Task
from shazam.config.splits import SplitsConfig
from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.evaluation.repeats import (
    Evaluated,
    Repeats,
    corrected_interval,
    repeats_of,
    spread_of,
)
from tests.evaluation.made import survival_cohort, survival_result

FOLDS = st.integers(2, 6).flatmap(
    lambda k: st.lists(st.lists(st.floats(0, 1), min_size=k, max_size=k), min_size=2, max_size=8)
)


def test_the_interval_of_repeats_counts_the_cases_that_they_share():
    # R = 2 repeats of 3 folds: s of the 6 values, sqrt(1/6 + 1/2), t(0.975, 5) = 2.5706
    by_fold = [[0.5, 0.6, 0.7], [0.55, 0.6, 0.65]]
    lower, upper = corrected_interval(0.6, by_fold=by_fold, n_folds=3)
    reach = np.std(np.ravel(by_fold), ddof=1) * np.sqrt(1 / 6 + 1 / 2) * 2.570582
    assert (lower, upper) == pytest.approx((0.6 - reach, 0.6 + reach))


@given(FOLDS)
def test_the_interval_is_the_usual_one_but_wider_by_the_share_of_tested_cases(by_fold):
    n_folds, values = len(by_fold[0]), np.ravel(by_fold)
    mean = float(values.mean())
    lower, upper = corrected_interval(mean, by_fold=by_fold, n_folds=n_folds)
    assert lower <= mean <= upper
    if np.std(values) > 1e-6:
        usual = ttest_1samp(values, 0).confidence_interval()
        wider = np.sqrt(1 + len(values) / (n_folds - 1))
        assert upper - lower == pytest.approx((usual.high - usual.low) * wider)


@given(FOLDS, st.floats(-1, 1), st.floats(0.1, 3))
def test_a_spread_follows_shift_and_scale(by_fold, shift, scale):
    values, n_folds = np.array(by_fold), len(by_fold[0])
    spread = spread_of(values.mean(axis=1).tolist(), by_fold=by_fold, n_folds=n_folds)
    other = scale * values + shift
    moved = spread_of(other.mean(axis=1).tolist(), by_fold=other.tolist(), n_folds=n_folds)
    for name in ("mean", "lower", "upper", "least", "greatest"):
        expected = scale * getattr(spread, name) + shift
        assert getattr(moved, name) == pytest.approx(expected, abs=1e-9)
    assert moved.standard_deviation == pytest.approx(scale * spread.standard_deviation, abs=1e-9)


@pytest.mark.parametrize(
    ("by_fold", "n_folds"),
    [([], 5), ([[0.5, 0.6]], 5), ([[0.5], [0.6]], 1), ([[0.5], []], 2)],
)
def test_too_few_repeats_folds_or_values_are_refused(by_fold, n_folds):
    with pytest.raises(ConfigError, match=r"needs 2 or more of each"):
        corrected_interval(0.5, by_fold=by_fold, n_folds=n_folds)


def test_the_values_of_test_parts_tell_the_spread_and_those_of_repeats_do_not():
    """Null models over ten repeats: the means of repeats lie close together, and far from 0."""
    rng = np.random.default_rng(0)
    held, held_by_repeats = 0, 0
    for _ in range(60):
        outcome, features = rng.normal(size=120), rng.normal(size=(120, 6))
        by_fold = [list(null_correlations(outcome, features, rng)) for _ in range(10)]
        mean = float(np.mean(by_fold))
        lower, upper = corrected_interval(mean, by_fold=by_fold, n_folds=5)
        held += lower <= 0 <= upper
        by_repeat = [[float(np.mean(one))] for one in by_fold]
        lower, upper = corrected_interval(mean, by_fold=by_repeat, n_folds=5)
        held_by_repeats += lower <= 0 <= upper
    assert held >= 45
    assert held_by_repeats <= 30


def null_correlations(outcome, features, rng):
    """Fit on four folds, correlate in the fifth: the truth is 0 in all of them."""
    fold = rng.permutation(np.arange(len(outcome)) % 5)
    for number in range(5):
        train = fold != number
        weight, *_ = np.linalg.lstsq(features[train], outcome[train], rcond=None)
        yield float(np.corrcoef(features[~train] @ weight, outcome[~train])[0, 1])


@cache
def one(seed: int = 0) -> Evaluated:
    cohort, _ = survival_cohort()
    config = SplitsConfig(n_folds=3, seed=seed, time_limit_s=5)
    splits = make_splits(cohort.cases, task=Task.SURVIVAL, config=config)
    return Evaluated(seed=seed, run=digest_of(seed), result=survival_result(), splits=splits)


def changed(run: Evaluated, **values: object) -> Evaluated:
    return replace(run, result=run.result.model_copy(update=values))


def shifted(run: Evaluated, arm: str, by: float) -> Evaluated:
    """Return a run in which an arm's primary metric is another."""
    arms = [
        own.model_copy(
            update={
                "metrics": (
                    own.primary.model_copy(update={"value": own.primary.value + by}),
                    *own.metrics[1:],
                )
            }
        )
        if own.arm == arm
        else own
        for own in run.result.arms
    ]
    return changed(run, arms=tuple(arms))


def test_the_difference_is_paired_in_each_repeat() -> None:
    first, second = one(0), shifted(one(1), one(1).result.candidate, 0.04)
    found = repeats_of([first, second])
    primary = {arm.arm: arm.primary for arm in found.arms}
    candidate, other = primary[found.candidate], primary[found.compared_to]
    assert candidate.values[1] - candidate.values[0] == pytest.approx(0.04)
    assert other.standard_deviation == 0
    assert found.difference.values == pytest.approx(
        tuple(np.subtract(candidate.values, other.values))
    )
    assert found.difference.standard_deviation == pytest.approx(0.04 / np.sqrt(2))
    assert [own.run for own in found.repeats] == [digest_of(0), digest_of(1)]
    assert Repeats.model_validate_json(found.model_dump_json()) == found


def test_what_repeats_mean_is_kept_with_them() -> None:
    notes = " ".join(repeats_of([one(0), one(1)]).notes)
    for told in ("no independent evidence", "selection on test", "nothing is registered"):
        assert told in notes
    assert "has the test parts" not in notes


def test_a_partition_that_comes_twice_is_said() -> None:
    again = replace(one(0), seed=7)
    (note,) = (note for note in repeats_of([one(0), one(1), again]).notes if "test parts" in note)
    assert note.startswith("splits.seed=7 has the test parts of splits.seed=0")


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"cohort_sha256": "f" * 64}, "the cohort"),
        ({"n_cases": 3}, "the number of cases"),
        ({"primary_metric": "other"}, "the primary metric"),
        ({"candidate": "abmil.a"}, "acceptance.candidate"),
    ],
)
def test_runs_that_are_no_repeats_are_refused(values, what):
    with pytest.raises(ConfigError, match=rf"no repeats of one another, {what} differs"):
        repeats_of([one(0), changed(one(1), **values)])


def test_runs_of_other_arms_or_folds_are_refused():
    fewer = changed(one(1), arms=one(1).result.arms[1:])
    with pytest.raises(ConfigError, match="the list of arms differs"):
        repeats_of([one(0), fewer])
    splits = one(1).splits
    with pytest.raises(ConfigError, match=r"the number of folds differs \(3 and 2\)"):
        repeats_of(
            [one(0), replace(one(1), splits=splits.model_copy(update={"folds": splits.folds[1:]}))]
        )
