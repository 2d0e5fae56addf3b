"""Who was followed how long: distributions that are fitted outside the fold they are used in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sksurv.nonparametric import CensoringDistributionEstimator, SurvivalFunctionEstimator
from sksurv.util import Surv

from shazam.evaluation.pairs import Array
from shazam.evaluation.truth import Truth


@dataclass(frozen=True, slots=True)
class Outside:
    """Kaplan-Meier estimates of the cases that a fold does not test.

    A single fold, such as a locked test cohort, has no others: as in the original estimator, its
    own cases are used.

    Times that are asked for must be below :func:`follow_up_months`.

    Args:
        truth: times, events and folds.
        number: the fold.
    """

    truth: Truth
    number: int

    def uncensored(self, times_months: Array) -> Array:
        """Return G(t), the probability to be followed beyond a time; ``[n]`` to ``[n]``."""
        return self._estimate(CensoringDistributionEstimator(), times_months)

    def survival(self, times_months: Array) -> Array:
        """Return S(t), what is predicted without knowing anything of a case; ``[n]`` to ``[n]``."""
        return self._estimate(SurvivalFunctionEstimator(), times_months)

    def _estimate(
        self,
        estimator: CensoringDistributionEstimator | SurvivalFunctionEstimator,
        times_months: Array,
    ) -> Array:
        if not len(times_months):
            return np.zeros(0)
        train = _outside(self.truth, self.number)
        estimator.fit(Surv.from_arrays(self.truth.event[train], self.truth.time_months[train]))
        estimate: Array = estimator.predict_proba(times_months)
        return estimate


def follow_up_months(truth: Truth) -> float:
    """Return the greatest time inside every fold's training range."""
    return min(
        float(truth.time_months[_outside(truth, number)].max()) for number in range(truth.n_folds)
    )


def inverse_weights(truth: Truth, *, number: int, before_months: float) -> Array:
    """Return ``1 / G(t)`` of a fold's events below a time and 0 of all others, ``[m]``.

    Args:
        truth: times, events and folds.
        number: the fold whose test cases are weighted.
        before_months: at most :func:`follow_up_months`.
    """
    rows = truth.fold_rows(number)
    time_months = truth.time_months[rows]
    used = truth.event[rows] & (time_months < before_months)
    weights = np.zeros(len(rows))
    weights[used] = 1.0 / Outside(truth, number).uncensored(time_months[used])
    return weights


def _outside(truth: Truth, number: int) -> NDArray[np.bool_]:
    if truth.n_folds == 1:
        return np.ones(len(truth.fold), dtype=np.bool_)
    outside: NDArray[np.bool_] = truth.fold != number
    return outside
