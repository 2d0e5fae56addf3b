"""How well a fitted network does on its inner validation, for its record."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import recall_score
from sksurv.exceptions import NoComparablePairException
from sksurv.metrics import concordance_index_censored

from shazam.config.cohort import Task
from shazam.training.outcomes import Outcomes

Array = npt.NDArray[np.float64]


def validation_score(
    table: pd.DataFrame, *, outcomes: Outcomes, rows: npt.NDArray[np.int64]
) -> float | None:
    """Return Harrell's C, balanced accuracy, or the mean over targets of Pearson's r.

    Args:
        table: ``risk``, ``prob_<class>`` or ``value_<target>`` of the validation cases.
        outcomes: of all cases.
        rows: int64 ``[n_validation]``, the validation cases.

    Returns:
        None where it cannot be computed, as without a pair that can be compared.
    """
    match outcomes.task:
        case Task.SURVIVAL:
            return _harrell_c(table["risk"].to_numpy(dtype=np.float64), outcomes, rows)
        case Task.CLASSIFICATION:
            columns = [f"prob_{name}" for name in outcomes.classes]
            return _balanced_accuracy(table[columns].to_numpy(dtype=np.float64), outcomes, rows)
        case Task.REGRESSION:
            columns = [f"value_{name}" for name in outcomes.targets]
            return _mean_pearson(table[columns].to_numpy(dtype=np.float64), outcomes, rows)


def _harrell_c(risk: Array, outcomes: Outcomes, rows: npt.NDArray[np.int64]) -> float | None:
    time_months, event = outcomes.survival()
    if len(rows) < 2 or not event[rows].any():
        return None
    try:
        with np.errstate(invalid="ignore"):  # only equal times of events
            found = concordance_index_censored(event[rows], time_months[rows], risk)[0]
    except NoComparablePairException:
        return None
    return float(found) if np.isfinite(found) else None


def _balanced_accuracy(
    probabilities: Array, outcomes: Outcomes, rows: npt.NDArray[np.int64]
) -> float | None:
    labels = outcomes.class_labels()[rows]
    present = np.unique(labels)
    return float(
        recall_score(
            labels, probabilities.argmax(axis=1), labels=present, average="macro", zero_division=0
        )
    )


def _mean_pearson(values: Array, outcomes: Outcomes, rows: npt.NDArray[np.int64]) -> float | None:
    targets = outcomes.target_values()[rows]
    found = []
    for given, measured in zip(values.T, targets.T, strict=True):
        known = np.isfinite(measured)
        if known.sum() >= 2 and np.ptp(given[known]) > 0 and np.ptp(measured[known]) > 0:
            found.append(float(np.corrcoef(given[known], measured[known])[0, 1]))
    return float(np.mean(found)) if found else None
