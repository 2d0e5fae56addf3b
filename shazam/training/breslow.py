"""The cumulative baseline hazard of a Cox model, by Breslow's estimator."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shazam.models.curves import Baseline

_N_EDGES = 32

FloatArray = npt.NDArray[np.float64]


def breslow(
    risks: FloatArray, *, time_months: FloatArray, event: npt.NDArray[np.bool_]
) -> Baseline | None:
    """Return ``H(t) = sum_{events at s <= t} 1 / sum_{time >= s} exp(risk)`` at a few edges.

    The edges are up to 32 quantiles of the times of events, and the greatest time (Breslow 1974).

    Args:
        risks: float64 ``[n]``, log hazard ratios of the cases that the hazard is learnt from.
        time_months: float64 ``[n]``, above 0.
        event: bool ``[n]``.

    Returns:
        None where there is no event, or a risk is no number.
    """
    if not event.any() or not np.isfinite(risks).all():
        return None
    order = np.argsort(-time_months, kind="stable")
    log_at_risk = np.logaddexp.accumulate(risks[order])
    ascending = time_months[order][::-1]
    first = np.searchsorted(ascending, time_months[event], side="left")
    steps = -log_at_risk[::-1][first]
    seen = np.argsort(time_months[event], kind="stable")
    times, log_hazard = time_months[event][seen], np.logaddexp.accumulate(steps[seen])
    shares = np.arange(1, _N_EDGES + 1) / _N_EDGES
    quantiles = np.quantile(times, shares, method="inverted_cdf")
    edges = np.unique([*quantiles, time_months.max()])
    last = np.searchsorted(times, edges, side="right") - 1
    return Baseline(tuple(edges.tolist()), tuple(log_hazard[last].tolist()))
