"""The late ensemble: the mean of single-teacher arms, each on the scale of its own validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from shazam.config.arms import LATE_ENSEMBLE
from shazam.errors import ConfigError
from shazam.predictions import N_MISSING, n_missing_of, score_columns
from shazam.training.fusion import KEYS, aligned


def fuse_late(predictions: Sequence[pd.DataFrame], *, arm: str = LATE_ENSEMBLE) -> pd.DataFrame:
    """Average arms: risks through their validation ECDF, class probabilities as they are.

    A case that an arm's teacher has not seen is averaged over the other arms.

    The ECDF is that of the arm's inner-validation risks of the same fold and seed, linear
    between them, so that one patient can be scored alone.

    Args:
        predictions: tables of the arms, a row per seed, fold, part and case.
        arm: name of the ensemble.

    Returns:
        A table of the same rows, validation ones included.

    Raises:
        ConfigError: no arm is given, or the arms have other rows or other scores.
    """
    ordered = aligned(predictions, fusion=arm)
    fused = ordered[0][KEYS].copy()
    fused.insert(0, "arm", arm)
    n_missing = np.stack([n_missing_of(table) for table in ordered])
    seen = n_missing == 0
    weights = np.where(seen.any(axis=0), seen, True).astype(np.float64)
    for column in score_columns(ordered[0]):
        values = [_comparable(table, column=column) for table in ordered]
        fused[column] = np.average(values, axis=0, weights=weights)
    if n_missing.any():
        fused[N_MISSING] = n_missing.sum(axis=0)
    return fused


def ecdf(
    values: npt.NDArray[np.float64], *, reference: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the share of a reference sample below each value, between 0 and 1.

    Mid-ranks over n + 1, linear between reference values. Beyond them it goes on towards 0 and 1
    exponentially, one standard deviation of the reference to a factor of e: a small validation
    part must not tie the most extreme patients.

    Args:
        values: float64 ``[n]``.
        reference: float64 ``[m]``, m >= 1.
    """
    known, counts = np.unique(reference, return_counts=True)
    mid_ranks = np.cumsum(counts) - (counts - 1) / 2
    shares = mid_ranks / (len(reference) + 1)
    scale = float(reference.std()) or np.inf
    below = shares[0] * np.exp(np.minimum(values - known[0], 0) / scale)
    above = 1 - (1 - shares[-1]) * np.exp(-np.maximum(values - known[-1], 0) / scale)
    inside = np.interp(values, known, shares)
    return np.where(values < known[0], below, np.where(values > known[-1], above, inside))


def _comparable(table: pd.DataFrame, *, column: str) -> npt.NDArray[np.float64]:
    values = table[column].to_numpy(dtype=np.float64)
    if column != "risk":
        return values
    ranked = np.empty_like(values)
    in_validation = (table["part"] == "validation").to_numpy()
    seen = n_missing_of(table) == 0
    unit = table.groupby(["seed", "fold"]).ngroup().to_numpy()
    for number in np.unique(unit):
        own = unit == number
        if not (own & in_validation).any():
            raise ConfigError("an arm of a late ensemble has no validation rows")
        reference = own & in_validation
        if (reference & seen).any():  # the others all have what the arm says of an unseen case
            reference &= seen
        ranked[own] = ecdf(values[own], reference=values[reference])
    return ranked
