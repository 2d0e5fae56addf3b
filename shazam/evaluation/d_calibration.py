"""D-calibration: S at the time of death is uniform if curves are right at all times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt
from scipy.stats import chi2

from shazam.evaluation.curves import Curves
from shazam.evaluation.pairs import Array
from shazam.evaluation.truth import Truth
from shazam.manifests import Entry

_N_BINS = 10


class DCalibration(Entry):
    """Cases by S at their own time, in bins of ``[0, 1]`` from low to high (Haider et al. 2020).

    A small ``p_value`` speaks against the curves. ``n_beyond_range`` cases are followed beyond
    what their fold's curves speak about; they are counted as censored there.
    """

    counts: tuple[float, ...]
    chi_square: float
    p_value: float
    n_beyond_range: NonNegativeInt


def d_calibration(curves: Curves, *, truth: Truth) -> DCalibration | None:
    """Return the D-calibration of curves; None where S is no number.

    Args:
        curves: of one arm.
        truth: times and events.
    """
    last = curves.last_months
    beyond = truth.time_months > last
    survival = curves.at(np.minimum(truth.time_months, last)[:, None])[:, 0]
    if not np.isfinite(survival).all():
        return None
    counts = binned(survival, event=truth.event & ~beyond)
    expected = len(survival) / _N_BINS
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    return DCalibration(
        counts=tuple(counts.tolist()),
        chi_square=chi_square,
        p_value=float(chi2.sf(chi_square, df=_N_BINS - 1)),
        n_beyond_range=int(beyond.sum()),
    )


def binned(survival: Array, *, event: NDArray[np.bool_]) -> Array:
    """Return how many cases fall into each bin, float64 ``[10]``.

    An event counts in the bin of S at its time. A censored case died, or will die, where S is
    between 0 and s: it counts in all these bins, in proportion to what of them lies below s.

    Args:
        survival: float64 ``[n_cases]``, S at the case's time.
        event: bool ``[n_cases]``.
    """
    number = np.minimum((survival * _N_BINS).astype(np.int64), _N_BINS - 1)
    counts = np.bincount(number[event], minlength=_N_BINS).astype(np.float64)
    s = survival[~event][:, None]
    low = np.arange(_N_BINS) / _N_BINS
    covered = np.clip(s - low, 0.0, 1 / _N_BINS)
    shares = np.divide(covered, s, out=np.zeros_like(covered), where=s > 0)
    shares[s[:, 0] <= 0, 0] = 1.0
    total: Array = counts + shares.sum(axis=0)
    return total
