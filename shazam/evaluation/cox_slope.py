"""A Cox model of one number, fitted to all bootstrap draws at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt

from shazam.evaluation.interval import Interval, interval_of
from shazam.evaluation.pairs import Array

_MAX_STEPS = 30
_MOST = 15.0
_CONVERGED = 1e-5  # of the last step: what is left is its square
_MOST_LEFT_OUT = 0.01  # of the draws: fewer move the ends of a 95 % interval by little


class SlopeInterval(Interval):
    """A slope, or the hazard ratio of one, with its 95 % interval.

    ``n_left_out`` of ``n_draws`` have no finite slope: they hold no events, or part them from the
    other cases so that the slope has no bound. The ends are None where these are more than 1 % of
    the draws, because an interval of the others would be too narrow.
    """

    n_draws: NonNegativeInt
    n_left_out: NonNegativeInt

    def remark(self, what: str) -> str | None:
        """Return what is to be said of the draws that were left out; None if there are none."""
        if not self.n_left_out:
            return None
        counted = f"{self.n_left_out} of {self.n_draws} draws have no finite slope"
        return f"{what}: {'no interval, ' if self.lower is None else ''}{counted}"


def slope_interval(values: Array) -> SlopeInterval | None:
    """Return a slope with its interval; None where the sample itself has none.

    Args:
        values: float64 ``[1 + n_draws]``, the sample's first; NaN as of :func:`cox_slope`.
    """
    value, drawn = float(values[0]), values[1:]
    n_left_out = int((~np.isfinite(drawn)).sum())
    found = interval_of(value, replicates=drawn)
    if found is None:
        return None
    kept = n_left_out <= _MOST_LEFT_OUT * len(drawn)
    return SlopeInterval(
        value=value,
        lower=found.lower if kept else None,
        upper=found.upper if kept else None,
        n_draws=len(drawn),
        n_left_out=n_left_out,
    )


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
