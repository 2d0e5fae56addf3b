"""Power: what a margin can show with the outcomes at hand, known before any prediction is."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt

from shazam.config.acceptance import AcceptanceConfig, Comparison
from shazam.config.cohort import Task
from shazam.errors import ConfigError
from shazam.evaluation.metrics import primary_metric
from shazam.evaluation.truth import Truth
from shazam.manifests import Entry

_NORMAL = NormalDist()
_INTERVAL = _NORMAL.inv_cdf(0.975)
_WANTED = 0.8
_SOURCES = {
    Task.SURVIVAL: (
        "variance of the share of concordant pairs under random ranks, over the comparable pairs "
        "within folds (Kendall 1938; Hoeffding 1948)"
    ),
    Task.CLASSIFICATION: "binomial variance of the recall of each class at a recall of one half",
    Task.REGRESSION: "variance of a correlation of nothing, 1 / (n - 1), within folds",
}
_PAIRED = "difference of two correlated estimates (Hanley and McNeil 1983)"


class Power(Entry):
    """The chance that the lower 95 % bound of candidate minus arm lies where it must.

    ``standard_error`` is that of one arm, ``standard_error_difference`` that of the difference,
    with the correlation that is assumed. ``n_needed`` events (but for survival: cases) of this
    kind give ``wanted_power``.
    """

    comparison: Comparison
    required_difference: float
    expected_difference: float
    expected_correlation: float
    metric: str
    n_counted: NonNegativeInt
    counted: str
    standard_error: float = Field(gt=0)
    standard_error_difference: float = Field(gt=0)
    power: float = Field(ge=0, le=1)
    wanted_power: float = Field(gt=0, lt=1)
    n_needed: PositiveInt
    source: str

    def sentence(self) -> str:
        """Return it for a reader."""
        enough = "enough" if self.n_counted >= self.n_needed else "too few"
        return (
            f"power {self.power:.2f} to show a difference above {self.required_difference:+g} if "
            f"it truly is {self.expected_difference:+g} (standard error "
            f"{self.standard_error_difference:.3f}, correlation of the arms "
            f"{self.expected_correlation:g} assumed); {self.n_counted} {self.counted} are there, "
            f"{enough} for a power of {self.wanted_power:g}, which needs {self.n_needed}"
        )


def expected_power(truth: Truth, *, acceptance: AcceptanceConfig) -> Power:
    """Return the power of the comparison that the acceptance file asks for.

    It reads outcomes and folds only. Of tiles of one patient, one counts.

    Args:
        truth: outcomes of the cases that will be tested.
        acceptance: comparison, margin and assumptions.

    Raises:
        ConfigError: no two tested cases can be compared.
    """
    alone = _one_of_each_group(truth)
    variance, n_counted = _variance(alone)
    if not math.isfinite(variance) or variance <= 0:
        raise ConfigError(
            f"{primary_metric(truth)} has no power here: no two tested cases of a fold can be "
            "compared; use fewer folds"
        )
    difference = math.sqrt(2 * variance * (1 - acceptance.expected_correlation))
    distance = acceptance.assumed_difference - acceptance.required_difference
    needed = n_counted * (difference * (_INTERVAL + _NORMAL.inv_cdf(_WANTED)) / distance) ** 2
    return Power(
        comparison=acceptance.comparison,
        required_difference=acceptance.required_difference,
        expected_difference=acceptance.assumed_difference,
        expected_correlation=acceptance.expected_correlation,
        metric=primary_metric(truth),
        n_counted=n_counted,
        counted="events" if truth.task is Task.SURVIVAL else "cases",
        standard_error=math.sqrt(variance),
        standard_error_difference=difference,
        power=_NORMAL.cdf(distance / difference - _INTERVAL),
        wanted_power=_WANTED,
        n_needed=max(math.ceil(needed), 1),
        source=f"{_SOURCES[truth.task]}; {_PAIRED}",
    )


def null_variance_of_c(truth: Truth) -> float:
    """Return the exact variance of Harrell's C within folds if the risks are random numbers.

    Of P comparable pairs (i before j) with d_i = pairs in which i is the earlier minus pairs in
    which it is the later, it is ``(P + sum_i d_i^2) / (12 P^2)``: two pairs that share a case at
    the same end have the covariance 1/12, at different ends -1/12. NaN without pairs.
    """
    total, squares = 0.0, 0.0
    for number in range(truth.n_folds):
        rows = truth.fold_rows(number)
        earlier, later = _pair_counts(truth.time_months[rows], truth.event[rows])
        total += float(earlier.sum())
        squares += float(((earlier - later) ** 2).sum())
    return (total + squares) / (12 * total**2) if total else math.nan


def _pair_counts(
    time_months: NDArray[np.float64], event: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each case the comparable pairs in which it is the earlier, and the later."""
    ordered = np.sort(time_months)
    censored, events = np.sort(time_months[~event]), np.sort(time_months[event])
    after = len(ordered) - np.searchsorted(ordered, time_months, side="right")
    outliving = _n_equal(censored, time_months)
    earlier = np.where(event, after + outliving, 0)
    before = np.searchsorted(events, time_months, side="left")
    later = before + np.where(event, 0, _n_equal(events, time_months))
    return earlier.astype(np.float64), later.astype(np.float64)


def _n_equal(ordered: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    right = np.searchsorted(ordered, values, side="right")
    equal: NDArray[np.int64] = right - np.searchsorted(ordered, values, side="left")
    return equal


def _variance(truth: Truth) -> tuple[float, int]:
    n_cases = len(truth.case_ids)
    match truth.task:
        case Task.SURVIVAL:
            return null_variance_of_c(truth), int(truth.event.sum())
        case Task.CLASSIFICATION:
            counts = np.bincount(truth.labels, minlength=len(truth.classes))
            present = counts[counts > 0]
            return float((0.25 / present).sum() / len(present) ** 2), n_cases
        case Task.REGRESSION:
            measured = int((~np.isnan(truth.values)).sum(axis=0).min())
            spare = measured - truth.n_folds
            return (1 / spare if spare > 0 else math.nan), measured


def _one_of_each_group(truth: Truth) -> Truth:
    if truth.n_groups == len(truth.case_ids):
        return truth
    rows = np.sort(np.unique(truth.groups, return_index=True)[1])
    return Truth(
        case_ids=tuple(truth.case_ids[row] for row in rows),
        fold=truth.fold[rows],
        time_months=truth.time_months[rows],
        event=truth.event[rows],
        labels=truth.labels[rows],
        classes=truth.classes,
        values=truth.values[rows],
        targets=truth.targets,
        groups=tuple(truth.groups[row] for row in rows),
    )
