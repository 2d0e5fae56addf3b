"""The integrated Brier score of curves, with what Kaplan-Meier scores on the same cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shazam.evaluation.censoring import Outside, follow_up_months
from shazam.evaluation.curves import Curves
from shazam.evaluation.interval import Interval, interval_of
from shazam.evaluation.pairs import Array, ratio_or_nan
from shazam.evaluation.truth import Truth
from shazam.manifests import Entry

_N_TIMES = 64
_FOLLOWED = 0.1
_INSIDE = 1 - 1e-9


class IntegratedBrier(Entry):
    """The mean squared error of S(t) over a range of time; lower is better, 0.25 is guessing.

    ``minus_reference`` is paired: below 0 the curves say more than Kaplan-Meier.
    """

    score: Interval
    minus_reference: Interval


@dataclass(frozen=True, slots=True)
class BrierScore:
    """The Brier score with inverse weights of censoring, on one grid (Graf et al. 1999).

    ``1/n sum_i S_i(t)^2 [t_i <= t, event] / G(t_i) + (1 - S_i(t))^2 [t_i > t] / G(t)``, where G is
    of the cases that the fold of i does not test.

    Args:
        times_months: float64 ``[n_times]``, increasing, at least two.
        dead: float64 ``[n_cases, n_times]``, weight of ``S^2``.
        alive: float64 ``[n_cases, n_times]``, weight of ``(1 - S)^2``.
        reference: float64 ``[n_cases, n_times]``, S by Kaplan-Meier outside the case's fold.
    """

    times_months: Array
    dead: Array
    alive: Array
    reference: Array

    @classmethod
    def of(cls, truth: Truth, *, times_months: Array) -> BrierScore:
        """Return the score; times are below the training range of every fold."""
        shape = (len(truth.case_ids), len(times_months))
        dead, alive, reference = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for number in range(truth.n_folds):
            rows = truth.fold_rows(number)
            time, outside = truth.time_months[rows], Outside(truth, number)
            used = truth.event[rows] & (time <= times_months[-1])
            weight = np.zeros(len(rows))
            weight[used] = 1.0 / outside.uncensored(time[used])
            beyond = time[:, None] > times_months
            alive[rows] = beyond / outside.uncensored(times_months)
            dead[rows] = ~beyond * weight[:, None]
            reference[rows] = outside.survival(times_months)
        return cls(times_months, dead, alive, reference)

    def losses(self, survival: Array) -> Array:
        """Return each case's loss, integrated over time and divided by its range; ``[n_cases]``."""
        loss = self.dead * survival**2 + self.alive * (1 - survival) ** 2
        area = np.asarray(np.trapezoid(loss, self.times_months, axis=1), dtype=np.float64)
        mean: Array = area / (self.times_months[-1] - self.times_months[0])
        return mean


def brier_grid(truth: Truth, *, range_months: float) -> Array:
    """Return times on which curves are judged, float64 ``[n_times]``.

    They end where a tenth of the tested cases is still followed, or where a fold's curves or
    training cases end.

    Args:
        truth: times, events and folds.
        range_months: what all curves speak about.
    """
    followed = float(np.quantile(truth.time_months, 1 - _FOLLOWED))
    end = min(range_months, followed, follow_up_months(truth)) * _INSIDE
    return np.linspace(0.0, end, _N_TIMES + 1)[1:]


def integrated_brier(curves: Curves, *, score: BrierScore, counts: Array) -> IntegratedBrier | None:
    """Return the score of curves beside that of Kaplan-Meier; None where S is no number.

    Args:
        curves: of one arm.
        score: on the grid.
        counts: float64 ``[n_replicates, n_cases]``.
    """
    losses = score.losses(curves.at(score.times_months[None, :]))
    own = weighted_mean(losses, counts=counts)
    difference = weighted_mean(losses - score.losses(score.reference), counts=counts)
    if own is None or difference is None:
        return None
    return IntegratedBrier(score=own, minus_reference=difference)


def weighted_mean(values: Array, *, counts: Array) -> Interval | None:
    """Return the mean of values ``[n_cases]`` with its interval."""
    replicates = ratio_or_nan(counts @ values, counts.sum(axis=1))
    return interval_of(float(values.mean()), replicates=replicates)
