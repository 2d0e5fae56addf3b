"""What really happened to the test cases, as arrays in one order for all arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shazam.cohort.folds import Splits, listed
from shazam.cohort.model import Case
from shazam.config.cohort import Task
from shazam.errors import ConfigError


class OutcomeArrays(Protocol):
    """Outcomes of cases as arrays, such as permuted ones; see :class:`Truth` for shapes."""

    @property
    def case_ids(self) -> tuple[str, ...]: ...

    @property
    def time_months(self) -> NDArray[np.float64] | None: ...

    @property
    def event(self) -> NDArray[np.bool_] | None: ...

    @property
    def labels(self) -> NDArray[np.int64] | None: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def values(self) -> NDArray[np.float64] | None: ...

    @property
    def targets(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Truth:
    """Outcomes of the test cases, sorted by case id.

    Args:
        case_ids: the n cases.
        fold: int64 ``[n]``, the fold in which each case is tested.
        time_months: float64 ``[n]``; zeros but for survival.
        event: bool ``[n]``; false but for survival.
        labels: int64 ``[n]``, index into ``classes``; zeros but for classification.
        classes: names of the classes; empty but for classification.
        values: float64 ``[n, n_targets]``, NaN where not measured; no columns but for regression.
        targets: names of the values; empty but for regression.
        groups: of each case, what is drawn as a whole; empty where every case is alone.
    """

    case_ids: tuple[str, ...]
    fold: NDArray[np.int64]
    time_months: NDArray[np.float64]
    event: NDArray[np.bool_]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    targets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def n_groups(self) -> int:
        """Number of groups, such as the cases that tiles come from."""
        return len(set(self.groups)) if self.groups else len(self.case_ids)

    @property
    def n_tested_classes(self) -> int:
        """Number of classes that cases have; 0 but for classification."""
        return len(np.unique(self.labels)) if self.classes else 0

    @property
    def task(self) -> Task:
        """Regression when there are targets, classification when there are classes."""
        if self.targets:
            return Task.REGRESSION
        return Task.CLASSIFICATION if self.classes else Task.SURVIVAL

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1

    def fold_rows(self, number: int) -> NDArray[np.int64]:
        """Return the rows of a fold's test cases."""
        return np.flatnonzero(self.fold == number)

    def select(self, rows: NDArray[np.int64]) -> Truth:
        """Return the truth of some cases, which keep their folds."""
        return Truth(
            case_ids=tuple(self.case_ids[row] for row in rows),
            fold=self.fold[rows],
            time_months=self.time_months[rows],
            event=self.event[rows],
            labels=self.labels[rows],
            classes=self.classes,
            values=self.values[rows] if self.targets else np.zeros((len(rows), 0)),
            targets=self.targets,
            groups=tuple(self.groups[row] for row in rows) if self.groups else (),
        )


def truth_of_cases(
    cases: Sequence[Case],
    *,
    splits: Splits,
    classes: Sequence[str] = (),
    targets: Sequence[str] = (),
) -> Truth:
    """Return the truth of the cases that the splits test.

    Args:
        cases: at least the tested cases.
        splits: the folds.
        classes: all class names; empty but for classification.
        targets: all targets; empty but for regression.

    Raises:
        ConfigError: tested cases are unknown or have no outcome; names them.
    """
    fold_of = _fold_of(splits)
    known = {case.case_id: case for case in cases}
    _raise_unknown([case_id for case_id in fold_of if case_id not in known])
    found = [known[case_id] for case_id in fold_of]
    without = [case for case in found if not _has_outcome(case, classes=classes, targets=targets)]
    if without:
        told = _lacking(without, classes=classes, targets=targets)
        raise ConfigError(
            f"{len(without)} tested case(s) have {told}: "
            f"{listed([case.case_id for case in without])}; complete the cohort table, or leave "
            "them out of it, and run again"
        )
    index = {name: number for number, name in enumerate(classes)}
    return Truth(
        case_ids=tuple(fold_of),
        fold=np.array(list(fold_of.values()), dtype=np.int64),
        time_months=np.array([case.time_months or 0.0 for case in found], dtype=np.float64),
        event=np.array([case.event is True for case in found], dtype=np.bool_),
        labels=np.array([index.get(case.label or "", 0) for case in found], dtype=np.int64),
        classes=tuple(classes),
        values=_values_of(found, targets=targets),
        targets=tuple(targets),
        groups=tuple(case.group_id for case in found),
    )


def truth_of_arrays(outcomes: OutcomeArrays, *, splits: Splits) -> Truth:
    """Return the truth of the cases that the splits test, from arrays.

    Raises:
        ConfigError: tested cases are not among the outcomes; names them.
    """
    fold_of = _fold_of(splits)
    row = {case_id: number for number, case_id in enumerate(outcomes.case_ids)}
    _raise_unknown([case_id for case_id in fold_of if case_id not in row])
    rows = np.array([row[case_id] for case_id in fold_of], dtype=np.int64)
    zeros = np.zeros(len(outcomes.case_ids))
    time_months = zeros if outcomes.time_months is None else outcomes.time_months
    event = zeros.astype(np.bool_) if outcomes.event is None else outcomes.event
    labels = zeros.astype(np.int64) if outcomes.labels is None else outcomes.labels
    values = np.zeros((len(zeros), 0)) if outcomes.values is None else outcomes.values
    return Truth(
        case_ids=tuple(fold_of),
        fold=np.array(list(fold_of.values()), dtype=np.int64),
        time_months=time_months[rows],
        event=event[rows],
        labels=labels[rows],
        classes=tuple(outcomes.classes),
        values=values[rows],
        targets=tuple(outcomes.targets),
    )


def _fold_of(splits: Splits) -> Mapping[str, int]:
    fold_of = {case: number for number, fold in enumerate(splits.folds) for case in fold.test}
    return {case_id: fold_of[case_id] for case_id in sorted(fold_of)}


def _raise_unknown(case_ids: Sequence[str]) -> None:
    if case_ids:
        raise ConfigError(
            f"{len(case_ids)} tested case(s) are not among the cases whose outcomes are given: "
            f"{listed(case_ids)}; make the splits again from the cohort that is evaluated"
        )


def _lacking(cases: Sequence[Case], *, classes: Sequence[str], targets: Sequence[str]) -> str:
    if targets:
        return f"no value of any target ({listed(targets)})"
    if not classes:
        return "no time_months or no event"
    labels = {case.label for case in cases if case.label is not None}
    strange = f", but {listed(labels)}" if labels else ""
    return f"no label among the classes {listed(classes)}{strange}"


def _values_of(cases: Sequence[Case], *, targets: Sequence[str]) -> NDArray[np.float64]:
    given = [dict(case.values) for case in cases]
    rows = [[own.get(name) for name in targets] for own in given]
    return np.array(rows, dtype=np.float64).reshape(len(cases), len(targets))


def _has_outcome(case: Case, *, classes: Sequence[str], targets: Sequence[str]) -> bool:
    if targets:
        return any(name in targets and value is not None for name, value in case.values)
    if classes:
        return case.label in classes
    return case.time_months is not None and case.event is not None
