"""A number with its 95 % interval."""

from __future__ import annotations

import numpy as np

from shazam.evaluation.bootstrap import Draws, percentile_interval, widened_draws
from shazam.evaluation.pairs import Array
from shazam.manifests import Entry

_RANGE = (-1.0, 1.0)  # of what is widened here: C, areas, accuracies, correlations


class Interval(Entry):
    """A number with its 95 % interval; the ends are None where no draw gave the number."""

    value: float
    lower: float | None
    upper: float | None


def interval_of(value: float, *, replicates: Array, told: bool = True) -> Interval | None:
    """Return a number with the interval of its replicates; None where it is no number.

    Args:
        value: the number.
        replicates: of it, float64 ``[n_replicates]``.
        told: whether its arm is told from guessing; the interval of one that is not is widened.
    """
    if not np.isfinite(value):
        return None
    if not told:
        replicates = widened_draws(Draws(value, replicates)).clip(*_RANGE)
    if not np.isfinite(replicates).any():
        return Interval(value=value, lower=None, upper=None)
    lower, upper = percentile_interval(replicates)
    return Interval(value=value, lower=lower, upper=upper)
