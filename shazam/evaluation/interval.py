"""A number with its 95 % interval."""

from __future__ import annotations

import numpy as np

from shazam.evaluation.bootstrap import percentile_interval
from shazam.evaluation.pairs import Array
from shazam.manifests import Entry


class Interval(Entry):
    """A number with its 95 % interval; the ends are None where no draw gave the number."""

    value: float
    lower: float | None
    upper: float | None


def interval_of(value: float, *, replicates: Array) -> Interval | None:
    """Return a number with the interval of its replicates; None where it is no number."""
    if not np.isfinite(value):
        return None
    if not np.isfinite(replicates).any():
        return Interval(value=value, lower=None, upper=None)
    lower, upper = percentile_interval(replicates)
    return Interval(value=value, lower=lower, upper=upper)
