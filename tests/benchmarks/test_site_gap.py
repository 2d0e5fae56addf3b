"""The gap between random and site-preserved folds, and its interval."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.site_gap import corrected_interval, gap_of


def test_the_interval_of_repeats_counts_the_cases_that_they_share():
    # mean 0.02, s = 0.01, R = 3, 5 folds: s * sqrt(1/3 + 1/4) * t(0.975, 2) = 4.3027
    lower, upper = corrected_interval([0.01, 0.02, 0.03], n_folds=5)
    reach = 0.01 * np.sqrt(1 / 3 + 1 / 4) * 4.302653
    assert (lower, upper) == pytest.approx((0.02 - reach, 0.02 + reach))


def test_a_gap_is_random_minus_preserved_and_may_be_negative():
    rng = np.random.default_rng(0)
    random = 0.60 + 0.01 * rng.normal(size=(6, 201))
    gap = gap_of("arm", random=random, preserved=random + 0.02)
    assert gap.gap == pytest.approx(-0.02)
    assert gap.lower == pytest.approx(-0.02)
    assert gap.cases_upper == pytest.approx(-0.02)
    assert gap.random == pytest.approx(tuple(random[:, 0]))
