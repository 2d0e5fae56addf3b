"""Survival intervals: cut points from uncensored training times only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shazam.errors import ConfigError


@dataclass(frozen=True, slots=True)
class TimeBins:
    """Intervals ``[0, c_1), [c_1, c_2), ... [c_last, max]`` of time.

    Args:
        cut_points_months: inner borders, increasing; empty for a single interval.
        max_time_months: greatest training time; nothing is known beyond it.
    """

    cut_points_months: tuple[float, ...]
    max_time_months: float

    @property
    def n_intervals(self) -> int:
        """Number of intervals."""
        return len(self.cut_points_months) + 1

    def interval_of(self, time_months: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return the interval of each time, counted from 0; ``[n]`` to ``[n]``."""
        found = np.searchsorted(np.asarray(self.cut_points_months), time_months, side="right")
        return found.astype(np.int64)


def time_bins(
    time_months: npt.NDArray[np.float64], *, event: npt.NDArray[np.bool_], n_intervals: int
) -> TimeBins:
    """Return intervals at the quantiles of the uncensored times.

    Quantiles that leave an interval without an event are merged with their neighbour, so few
    events give fewer intervals than asked for.

    Args:
        time_months: float64 ``[n]``, training cases only.
        event: bool ``[n]``.
        n_intervals: intervals asked for, at least 1.

    Raises:
        ConfigError: no training case has an event.
    """
    seen = np.sort(time_months[event])
    if len(seen) == 0:
        raise ConfigError("no training case has an event; use fewer folds or more cases")
    cuts = np.quantile(seen, np.arange(1, n_intervals) / n_intervals)
    n_before = np.searchsorted(seen, cuts, side="left")
    _, first = np.unique(n_before, return_index=True)
    kept = cuts[first][n_before[first] > 0]
    return TimeBins(tuple(float(cut) for cut in kept), float(time_months.max()))
