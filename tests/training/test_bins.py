from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.errors import ConfigError
from shazam.training.bins import time_bins

CASES = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=30)


def test_cuts_are_quantiles_of_the_uncensored_times() -> None:
    time_months = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
    event = np.array([True, True, True, True, False])
    bins = time_bins(time_months, event=event, n_intervals=2)
    assert bins.cut_points_months == (2.5,)
    assert bins.max_time_months == 100.0
    assert bins.interval_of(time_months).tolist() == [0, 0, 1, 1, 1]


def test_a_time_on_a_cut_belongs_to_the_later_interval() -> None:
    bins = time_bins(np.array([1.0, 2.0, 3.0]), event=np.ones(3, dtype=bool), n_intervals=2)
    assert bins.interval_of(np.array([2.0])).tolist() == [1]


@settings(deadline=None, max_examples=80, derandomize=True)
@given(cases=CASES, n_intervals=st.integers(1, 8))
def test_every_interval_holds_an_event(cases: list[tuple[int, bool]], n_intervals: int) -> None:
    time_months = np.array([time for time, _ in cases], dtype=np.float64)
    event = np.array([seen for _, seen in cases])
    if not event.any():
        return
    bins = time_bins(time_months, event=event, n_intervals=n_intervals)
    assert bins.n_intervals <= n_intervals
    assert set(bins.interval_of(time_months[event])) == set(range(bins.n_intervals))


def test_no_event_is_refused() -> None:
    with pytest.raises(ConfigError, match="no training case has an event"):
        time_bins(np.array([1.0, 2.0]), event=np.zeros(2, dtype=bool), n_intervals=4)
