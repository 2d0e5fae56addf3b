"""Risk groups of one arm: Kaplan-Meier curves, numbers at risk and the log-rank test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt
from scipy.stats import chi2 as chi2_distribution
from sksurv.compare import compare_survival
from sksurv.nonparametric import kaplan_meier_estimator
from sksurv.util import Surv

from shazam.evaluation.bootstrap import CROSS_FIT
from shazam.evaluation.out_of_fold import OutOfFold
from shazam.evaluation.truth import Truth
from shazam.manifests import Entry

_TICKS = 6


class RiskGroup(Entry):
    """One curve: ``survival[k]`` holds from ``time_months[k]`` on, with its 95 % interval."""

    name: str
    n_cases: NonNegativeInt
    n_events: NonNegativeInt
    time_months: tuple[float, ...]
    survival: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    at_risk: tuple[NonNegativeInt, ...]


class RiskGroups(Entry):
    """Test cases below and above the cut, which is the fold's median inner-validation risk.

    Cases without a finite risk stand in neither group; there are no groups where no case has one.
    ``log_rank_p`` is None when one group is empty.
    """

    arm: str
    groups: tuple[RiskGroup, ...]
    tick_months: tuple[float, ...]
    log_rank_p: float | None


def risk_groups(predictions: OutOfFold, *, truth: Truth, told: bool = True) -> RiskGroups:
    """Divide the test cases at a cut that no test case has influenced.

    Args:
        predictions: risks and the cut of each fold.
        truth: times and events (survival).
        told: whether the arm is told from guessing; the log-rank test of one that is not counts
            its variance twice.
    """
    risk = predictions.scores[:, 0]
    known = np.isfinite(risk)
    high = known & (risk > predictions.cuts[truth.fold])
    ticks = _ticks(float(truth.time_months.max()))
    groups = tuple(
        _group(name, rows, truth=truth, ticks=ticks)
        for name, rows in (("lower risk", known & ~high), ("higher risk", high))
        if rows.any()
    )
    log_rank_p = None
    if len(groups) == 2:
        outcome = Surv.from_arrays(truth.event[known], truth.time_months[known])
        chi2 = float(compare_survival(outcome, high[known].astype(np.int64))[0])
        log_rank_p = float(chi2_distribution.sf(chi2 if told else chi2 / CROSS_FIT, df=1))
    return RiskGroups(
        arm=predictions.arm,
        groups=groups,
        tick_months=tuple(ticks.tolist()),
        log_rank_p=log_rank_p,
    )


def _group(
    name: str, rows: NDArray[np.bool_], *, truth: Truth, ticks: NDArray[np.float64]
) -> RiskGroup:
    time_months, event = truth.time_months[rows], truth.event[rows]
    times, survival, (lower, upper) = kaplan_meier_estimator(
        event, time_months, conf_type="log-log"
    )
    return RiskGroup(
        name=name,
        n_cases=int(rows.sum()),
        n_events=int(event.sum()),
        time_months=(0.0, *times.tolist()),
        survival=(1.0, *survival.tolist()),
        lower=(1.0, *np.nan_to_num(lower, nan=0.0).tolist()),
        upper=(1.0, *np.nan_to_num(upper, nan=1.0).tolist()),
        at_risk=tuple(int((time_months >= tick).sum()) for tick in ticks),
    )


def _ticks(last_months: float) -> NDArray[np.float64]:
    for step in (1, 2, 3, 6, 12, 24, 36, 60, 120):
        if last_months / step < _TICKS:
            return np.arange(0.0, last_months + 1e-9, step)
    return np.linspace(0.0, last_months, _TICKS)
