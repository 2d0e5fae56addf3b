"""A Cox model of one number, fitted to all bootstrap draws at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shazam.evaluation.pairs import Array

_MAX_STEPS = 30
_MOST = 15.0
_CONVERGED = 1e-5  # of the last step: what is left is its square


def cox_slope(
    x: Array,
    *,
    time_months: Array,
    event: NDArray[np.bool_],
    stratum: NDArray[np.int64],
    counts: Array,
) -> Array:
    """Return the log hazard ratio of one unit of a number, by Newton's method.

    Ties by Breslow; every stratum has its own baseline.

    Args:
        x: float64 ``[n_cases]``, finite.
        time_months: float64 ``[n_cases]``.
        event: bool ``[n_cases]``.
        stratum: int64 ``[n_cases]``, cases are compared within.
        counts: float64 ``[n_replicates, n_cases]``, how often each case is counted.

    Returns:
        float64 ``[n_replicates]``; NaN where nothing can be fitted, or the slope has no bound.
    """
    spread = float(x.std())
    if not np.isfinite(spread) or spread <= 1e-12 * max(1.0, float(np.abs(x).max())):
        return np.full(len(counts), np.nan)
    standard = (x - x.mean()) / spread
    strata = [
        _Stratum.of(np.flatnonzero(stratum == number), standard, time_months, event)
        for number in np.unique(stratum)
    ]
    start = _descended(np.zeros(1), strata=strata, counts=counts.mean(axis=0, keepdims=True))
    slopes = np.full(len(counts), np.nan_to_num(start[0]))
    return _descended(slopes, strata=strata, counts=counts) / spread


def _descended(slopes: Array, *, strata: Sequence[_Stratum], counts: Array) -> Array:
    """Return where Newton's method ends, ``[n_replicates]``; NaN where it does not."""
    active = np.arange(len(counts))
    for _ in range(_MAX_STEPS):
        parts = [part.derivatives(slopes[active], counts=counts[active]) for part in strata]
        gradient, curvature = np.sum(parts, axis=0)
        possible = curvature > 1e-12
        step = np.divide(gradient, curvature, out=np.zeros(len(active)), where=possible)
        slopes[active] = np.where(possible, slopes[active] + np.clip(step, -1.0, 1.0), np.nan)
        moving = (np.abs(step) > _CONVERGED) & possible & (np.abs(slopes[active]) < _MOST)
        active = active[moving]
        if not len(active):
            break
    slopes[active] = np.nan
    slopes[np.abs(slopes) >= _MOST] = np.nan
    return slopes


@dataclass(frozen=True, slots=True)
class _Stratum:
    """Cases by falling time; ``last`` is the row of each event's last case at risk."""

    rows: NDArray[np.int64]
    x: Array
    events: NDArray[np.int64]
    last: NDArray[np.int64]

    @classmethod
    def of(
        cls, rows: NDArray[np.int64], x: Array, time_months: Array, event: NDArray[np.bool_]
    ) -> _Stratum:
        ordered = rows[np.argsort(-time_months[rows], kind="stable")]
        times = time_months[ordered]
        events = np.flatnonzero(event[ordered])
        last = np.searchsorted(-times, -times[events], side="right") - 1
        return cls(ordered, x[ordered], events, last)

    def derivatives(self, slopes: Array, *, counts: Array) -> Array:
        """Return the gradient and the negative curvature, ``[2, n_replicates]``."""
        mine = counts[:, self.rows]
        weight = mine * np.exp(slopes[:, None] * self.x)
        n_events = mine[:, self.events]
        s0, s1, s2 = (
            np.cumsum(weight * power, axis=1)[:, self.last] for power in (1.0, self.x, self.x**2)
        )
        seen = (n_events > 0) & (s0 > 0)
        mean = np.divide(s1, s0, out=np.zeros_like(s0), where=seen)
        square = np.divide(s2, s0, out=np.zeros_like(s0), where=seen)
        gradient = (n_events * (self.x[self.events] - mean)).sum(axis=1)
        curvature = (n_events * (square - mean**2)).sum(axis=1)
        return np.stack([gradient, curvature])
