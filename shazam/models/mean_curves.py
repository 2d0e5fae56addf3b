"""Survival curves of an ensemble: those of its members, averaged on one grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from shazam.predictions import curve_columns, n_edges_of

FloatArray = npt.NDArray[np.float64]

_LEAST = 1e-300


def mean_curves(members: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the mean of S over the members, as columns of a predictions table.

    The grid holds the edges of all members, up to the earliest last one: beyond it some member
    says nothing. Between a member's edges its hazard is constant.

    Args:
        members: the curves of each, of :func:`~shazam.models.curves.curve_table`, for the same
            cases; at least one.

    Returns:
        ``edge_<k>`` and ``survival_<k>``; no columns where some member tells no curves.
    """
    curves = [_curve(table) for table in members if n_edges_of(table)]
    if len(curves) < len(members):
        return pd.DataFrame(index=range(len(members[0])))
    last_months = min(edges[-1] for edges, _ in curves)
    grid = np.unique(np.concatenate([edges for edges, _ in curves]))
    grid = grid[grid <= last_months]
    mean = np.mean([_at(grid, edges=edges, survival=s) for edges, s in curves], axis=0)
    falling = np.minimum.accumulate(mean, axis=1)  # rounding may lift a flat curve by a last digit
    names, values = curve_columns(len(grid))
    edges = np.broadcast_to(grid, falling.shape)
    return pd.DataFrame(np.hstack([edges, falling]), columns=[*names, *values])


def _curve(table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    edge, survival = curve_columns(n_edges_of(table))
    return table[edge].to_numpy(np.float64)[0], table[survival].to_numpy(np.float64)


def _at(grid: FloatArray, *, edges: FloatArray, survival: FloatArray) -> FloatArray:
    times = np.concatenate([[0.0], edges])
    log_s = np.zeros((len(survival), len(times)))
    log_s[:, 1:] = np.log(np.maximum(survival, _LEAST))
    right = np.clip(np.searchsorted(times, grid, side="left"), 1, len(times) - 1)
    share = (grid - times[right - 1]) / (times[right] - times[right - 1])
    found: FloatArray = np.exp(log_s[:, right - 1] * (1 - share) + log_s[:, right] * share)
    return found
