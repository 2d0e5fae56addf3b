"""Calibration of curves at a horizon: are as many dead by then as was said?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt

from shazam.evaluation.brier import weighted_mean
from shazam.evaluation.cox_slope import SlopeInterval, cox_slope, slope_interval
from shazam.evaluation.curves import Curves
from shazam.evaluation.interval import Interval, interval_of
from shazam.evaluation.pairs import Array
from shazam.evaluation.truth import Truth
from shazam.manifests import Entry

_EVENTS_PER_GROUP = 10
_MOST_GROUPS = 10
_NEAR_0, _NEAR_1 = 1e-300, 1 - 1e-6


class CalibrationPoint(Entry):
    """Cases of like predictions: the mean of ``1 - S`` and the share of events (Kaplan-Meier)."""

    n_cases: NonNegativeInt
    n_events: NonNegativeInt
    predicted: float
    observed: Interval


class SurvivalCalibration(Entry):
    """Calibration at a horizon.

    ``slope`` is that of a Cox model of ``log(-log S)``, with times censored at the horizon: 1 is
    right, below 1 predictions are too spread; None where they do not vary. ``predicted`` and
    ``observed`` are the shares of all cases with an event by then.
    """

    months: float
    slope: SlopeInterval | None
    predicted: Interval
    observed: Interval
    points: tuple[CalibrationPoint, ...]

    @property
    def in_the_large(self) -> float:
        """How much greater the mean predicted risk is than the observed share of events."""
        return self.predicted.value - self.observed.value


def survival_calibration(
    curves: Curves, *, truth: Truth, counts: Array, horizon_months: float
) -> SurvivalCalibration | None:
    """Return the calibration of curves; None where S is no number.

    Args:
        curves: of one arm.
        truth: times and events.
        counts: float64 ``[n_replicates, n_cases]``.
        horizon_months: inside the range of the curves and of what is known of the cases.
    """
    survival = curves.at(np.array([[horizon_months]]))[:, 0]
    everyone = np.arange(len(survival))
    predicted = weighted_mean(1 - survival, counts=counts)
    observed = _observed(everyone, truth=truth, counts=counts, horizon_months=horizon_months)
    if predicted is None or observed is None:
        return None
    return SurvivalCalibration(
        months=horizon_months,
        slope=_slope(survival, truth=truth, counts=counts, horizon_months=horizon_months),
        predicted=predicted,
        observed=observed,
        points=_points(survival, truth=truth, counts=counts, horizon_months=horizon_months),
    )


def events_by(
    time_months: Array, *, event: NDArray[np.bool_], counts: Array, horizon_months: float
) -> Array:
    """Return ``1 - S(horizon)`` by Kaplan-Meier for every draw, float64 ``[n_replicates]``.

    Args:
        time_months: float64 ``[n_cases]``.
        event: bool ``[n_cases]``.
        counts: float64 ``[n_replicates, n_cases]``.
        horizon_months: NaN comes back where nobody counted is followed so long.
    """
    times = np.unique(time_months[event & (time_months <= horizon_months)])
    at_risk = counts @ (time_months[:, None] >= times).astype(np.float64)
    died = counts @ ((time_months[:, None] == times) & event[:, None]).astype(np.float64)
    share = np.divide(died, at_risk, out=np.zeros_like(died), where=at_risk > 0)
    survival = np.prod(1 - share, axis=1)
    known = (counts @ (time_months >= horizon_months).astype(np.float64) > 0) | (survival == 0)
    return np.where(known, 1 - survival, np.nan)


def _slope(
    survival: Array, *, truth: Truth, counts: Array, horizon_months: float
) -> SlopeInterval | None:
    x = np.log(-np.log(np.clip(survival, _NEAR_0, _NEAR_1)))
    drawn = np.vstack([np.ones((1, len(x))), counts])
    slopes = cox_slope(
        x,
        time_months=np.minimum(truth.time_months, horizon_months),
        event=truth.event & (truth.time_months <= horizon_months),
        stratum=np.zeros(len(x), dtype=np.int64),
        counts=drawn,
    )
    return slope_interval(slopes)


def _points(
    survival: Array, *, truth: Truth, counts: Array, horizon_months: float
) -> tuple[CalibrationPoint, ...]:
    early = truth.event & (truth.time_months <= horizon_months)
    n_groups = int(np.clip(early.sum() // _EVENTS_PER_GROUP, 1, _MOST_GROUPS))
    order = np.argsort(-survival, kind="stable")
    points = []
    for rows in np.array_split(order, n_groups):
        observed = _observed(rows, truth=truth, counts=counts, horizon_months=horizon_months)
        if observed is not None:
            points.append(
                CalibrationPoint(
                    n_cases=len(rows),
                    n_events=int(early[rows].sum()),
                    predicted=float(1 - survival[rows].mean()),
                    observed=observed,
                )
            )
    return tuple(points)


def _observed(
    rows: NDArray[np.intp], *, truth: Truth, counts: Array, horizon_months: float
) -> Interval | None:
    drawn = np.vstack([np.ones((1, len(rows))), counts[:, rows]])
    shares = events_by(
        truth.time_months[rows],
        event=truth.event[rows],
        counts=drawn,
        horizon_months=horizon_months,
    )
    return interval_of(float(shares[0]), replicates=shares[1:])
