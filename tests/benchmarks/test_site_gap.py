"""The gap between random and site-preserved folds."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.site_gap import gap_of


def test_a_gap_is_random_minus_preserved_and_may_be_negative():
    rng = np.random.default_rng(0)
    random = 0.60 + 0.01 * rng.normal(size=(6, 201))
    gap = gap_of("arm", random=random, preserved=random + 0.02)
    assert gap.gap == pytest.approx(-0.02)
    assert gap.lower == pytest.approx(-0.02)
    assert gap.cases_upper == pytest.approx(-0.02)
    assert gap.random == pytest.approx(tuple(random[:, 0]))
