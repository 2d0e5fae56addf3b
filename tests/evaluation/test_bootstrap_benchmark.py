"""The benchmark of the bootstrap: what it compares is equal."""

from __future__ import annotations

from benchmarks.bootstrap import measure
from benchmarks.rows import Bound


def test_draws_of_both_c_equal_a_loop_of_scikit_survival() -> None:
    rows = list(measure(only=None, n_cases=150, n_arms=2, n_draws=20, n_in_loop=3))
    assert [row.bound for row in rows] == [Bound.AT_MOST, Bound.AT_LEAST, Bound.AT_MOST]
    assert rows[2].ratio <= 1e-12
    assert rows[0].ratio * 20 == rows[0].measured["ours_s"]
    assert [row.name for row in measure(only="seconds", n_cases=100, n_arms=1, n_draws=2)] == [
        rows[0].name
    ]
    assert list(measure(only="nothing of this kind")) == []
