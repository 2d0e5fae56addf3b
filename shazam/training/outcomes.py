"""What cases are predicted for, as arrays in the order of the bags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shazam.cohort.model import Case, Cohort
from shazam.config.cohort import Task
from shazam.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcomes of cases: times and events, or labels, or values.

    Args:
        case_ids: names of the n cases.
        time_months: float64 ``[n]``, above 0; None but for survival.
        event: bool ``[n]``, true when the event was seen; None but for survival.
        labels: int64 ``[n]``, index into ``classes``; None but for classification.
        classes: names of the classes; empty but for classification.
        values: float64 ``[n, n_targets]``, NaN where not measured; None but for regression.
        targets: names of the values; empty but for regression.
        groups: int64 ``[n]``, number of the patient that a tile is of; None where every case is
            alone.
    """

    case_ids: tuple[str, ...]
    time_months: npt.NDArray[np.float64] | None
    event: npt.NDArray[np.bool_] | None
    labels: npt.NDArray[np.int64] | None
    classes: tuple[str, ...]
    values: npt.NDArray[np.float64] | None = None
    targets: tuple[str, ...] = ()
    groups: npt.NDArray[np.int64] | None = None

    @property
    def task(self) -> Task:
        """Regression when there are values, survival when there are times, else classification."""
        if self.values is not None:
            return Task.REGRESSION
        return Task.CLASSIFICATION if self.time_months is None else Task.SURVIVAL

    def survival(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return (time_months, event).

        Raises:
            ConfigError: the outcomes are of another task.
        """
        if self.time_months is None or self.event is None:
            raise ConfigError("the cohort has no survival times; set cohort.task")
        return self.time_months, self.event

    def class_labels(self) -> npt.NDArray[np.int64]:
        """Return the labels.

        Raises:
            ConfigError: the outcomes are of another task.
        """
        if self.labels is None:
            raise ConfigError("the cohort has no labels; set cohort.task")
        return self.labels

    def target_values(self) -> npt.NDArray[np.float64]:
        """Return the values, float64 ``[n, n_targets]``, NaN where not measured.

        Raises:
            ConfigError: the outcomes are of another task.
        """
        if self.values is None:
            raise ConfigError("the cohort has no values to predict; set cohort.task")
        return self.values


def outcomes_of(cohort: Cohort, case_ids: Sequence[str]) -> Outcomes:
    """Return the outcomes of some cases of a cohort, in the order given.

    Raises:
        ConfigError: a case is unknown or has no outcome.
    """
    known = {case.case_id: case for case in cohort.cases}
    if missing := sorted(set(case_ids) - set(known)):
        raise ConfigError(f"cases without a row in the cohort table: {', '.join(missing[:10])}")
    cases = [known[case_id] for case_id in case_ids]
    return replace(_outcomes(cohort, cases), groups=_groups_of(cases))


def _outcomes(cohort: Cohort, cases: Sequence[Case]) -> Outcomes:
    match cohort.task:
        case Task.SURVIVAL:
            return _survival_of(cases)
        case Task.CLASSIFICATION:
            return _labels_of(cases, classes=cohort.classes)
        case Task.REGRESSION:
            return _values_of(cases, targets=cohort.targets)


def _groups_of(cases: Sequence[Case]) -> npt.NDArray[np.int64] | None:
    if all(case.group is None for case in cases):
        return None
    _, numbers = np.unique([case.group_id for case in cases], return_inverse=True)
    return numbers.astype(np.int64)


def rows_of(part: Sequence[str], *, case_ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the rows of a part's cases.

    Raises:
        ConfigError: a case of the part has no bag.
    """
    position = {case_id: row for row, case_id in enumerate(case_ids)}
    if missing := sorted(set(part) - set(position)):
        raise ConfigError(f"cases of the splits without features: {', '.join(missing[:10])}")
    return np.array([position[case_id] for case_id in part], dtype=np.int64)


def _survival_of(cases: Sequence[Case]) -> Outcomes:
    known = [
        (case.case_id, case.time_months, case.event)
        for case in cases
        if case.time_months is not None and case.event is not None
    ]
    if len(known) < len(cases):
        raise ConfigError(f"{len(cases) - len(known)} cases have no time_months or event")
    return Outcomes(
        case_ids=tuple(case_id for case_id, _, _ in known),
        time_months=np.array([time for _, time, _ in known], dtype=np.float64),
        event=np.array([event for _, _, event in known], dtype=np.bool_),
        labels=None,
        classes=(),
    )


def _labels_of(cases: Sequence[Case], *, classes: tuple[str, ...]) -> Outcomes:
    if unlabelled := [case.case_id for case in cases if case.label is None]:
        raise ConfigError(f"cases without a label: {', '.join(unlabelled[:10])}")
    index = {name: number for number, name in enumerate(classes)}
    return Outcomes(
        case_ids=tuple(case.case_id for case in cases),
        time_months=None,
        event=None,
        labels=np.array([index[case.label or ""] for case in cases], dtype=np.int64),
        classes=classes,
    )


def _values_of(cases: Sequence[Case], *, targets: tuple[str, ...]) -> Outcomes:
    given = [dict(case.values) for case in cases]
    lacking = [
        case.case_id
        for case, own in zip(cases, given, strict=True)
        if not any(own.get(name) is not None for name in targets)
    ]
    if lacking:
        raise ConfigError(f"cases without a value of any target: {', '.join(lacking[:10])}")
    values = [[own.get(name) for name in targets] for own in given]
    return Outcomes(
        case_ids=tuple(case.case_id for case in cases),
        time_months=None,
        event=None,
        labels=None,
        classes=(),
        values=np.array(values, dtype=np.float64),
        targets=targets,
    )
