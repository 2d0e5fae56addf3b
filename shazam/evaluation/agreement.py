"""Agreement of predicted values with measured ones: correlation and error of each target.

As in :mod:`shazam.evaluation.metrics` every metric is a function of how often each case is
counted. What was not measured is left out, for each target by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shazam.evaluation.pairs import Array, ratio_or_nan
from shazam.evaluation.truth import Truth

_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson's r of one target within folds, averaged by the number of cases counted.

    Pooled over folds it would reward or punish how the means of training parts differ, so that a
    null model would not score 0. A fold is left out where fewer than two different values were
    measured; predictions that do not vary, or hold a number that is not finite, count as r = 0.

    Args:
        predicted: float64 ``[n_cases]``.
        measured: float64 ``[n_cases]``, NaN where not measured.
        fold: int64 ``[n_cases]``.
    """

    predicted: Array
    measured: Array
    fold: NDArray[np.int64]

    def __call__(self, counts: Array) -> Array:
        """Return float64 ``[n_replicates]`` for counts ``[n_replicates, n_cases]``."""
        total, weight = np.zeros(len(counts)), np.zeros(len(counts))
        for number in np.unique(self.fold):
            rows = np.flatnonzero((self.fold == number) & ~np.isnan(self.measured))
            if not len(rows):
                continue
            mine = counts[:, rows]
            r = _correlation(mine, self.predicted[rows], self.measured[rows])
            known = np.isfinite(r)
            n_counted = np.where(known, mine.sum(axis=1), 0.0)
            total += n_counted * np.where(known, r, 0.0)
            weight += n_counted
        return ratio_or_nan(total, weight)


@dataclass(frozen=True, slots=True)
class SquaredError:
    """The mean squared error of one target over all counted cases that were measured.

    A prediction that is not finite costs as much as the worst finite one.

    Args:
        predicted: float64 ``[n_cases]``.
        measured: float64 ``[n_cases]``, NaN where not measured.
        scale: the errors are divided by it before they are squared.
    """

    predicted: Array
    measured: Array
    scale: float = 1.0

    def __call__(self, counts: Array) -> Array:
        """Return float64 ``[n_replicates]`` for counts ``[n_replicates, n_cases]``."""
        rows = np.flatnonzero(~np.isnan(self.measured))
        errors = ((self.predicted[rows] - self.measured[rows]) / self.scale) ** 2
        finite = np.isfinite(errors)
        worst = errors[finite].max() if finite.any() else np.nan
        mine = counts[:, rows]
        return ratio_or_nan(mine @ np.where(finite, errors, worst), mine.sum(axis=1))


@dataclass(frozen=True, slots=True)
class MeanOver:
    """The mean of one metric over the targets for which a draw gives it."""

    metrics: tuple[Correlation | SquaredError, ...]

    def __call__(self, counts: Array) -> Array:
        """Return float64 ``[n_replicates]`` for counts ``[n_replicates, n_cases]``."""
        values = np.stack([metric(counts) for metric in self.metrics], axis=1)
        known = np.isfinite(values)
        total = np.where(known, values, 0.0).sum(axis=1)
        return ratio_or_nan(total, known.sum(axis=1).astype(np.float64))


def correlations(scores: Array, *, truth: Truth) -> tuple[Correlation, ...]:
    """Return the correlation of each target; scores are float64 ``[n_cases, n_targets]``."""
    return tuple(
        Correlation(predicted=scores[:, number], measured=measured, fold=truth.fold)
        for number, measured in enumerate(truth.values.T)
    )


def squared_errors(scores: Array, *, truth: Truth, standardised: bool) -> tuple[SquaredError, ...]:
    """Return the squared error of each target, as it is or in units of the variance measured."""
    return tuple(
        SquaredError(
            predicted=scores[:, number],
            measured=measured,
            scale=_spread(measured) if standardised else 1.0,
        )
        for number, measured in enumerate(truth.values.T)
    )


def _spread(measured: Array) -> float:
    spread = float(np.nanstd(measured))
    return spread if spread > 0 else 1.0


def _correlation(counts: Array, predicted: Array, measured: Array) -> Array:
    n_counted = counts.sum(axis=1)
    finite = np.isfinite(predicted)
    x = np.where(finite, predicted, 0.0)
    x, y = x - x.mean(), measured - measured.mean()
    mean_x, mean_y = ratio_or_nan(counts @ x, n_counted), ratio_or_nan(counts @ y, n_counted)
    spread_x = counts @ x**2 - n_counted * mean_x**2
    spread_y = counts @ y**2 - n_counted * mean_y**2
    shared = counts @ (x * y) - n_counted * mean_x * mean_y
    varies_x = (spread_x > _SAME * (counts @ x**2)) & (counts @ ~finite == 0)
    varies_y = spread_y > _SAME * (counts @ y**2)
    r = ratio_or_nan(shared, np.sqrt(np.where(varies_x & varies_y, spread_x * spread_y, 0.0)))
    r = np.where(varies_y & ~varies_x, 0.0, r)
    return np.clip(r, -1.0, 1.0)
