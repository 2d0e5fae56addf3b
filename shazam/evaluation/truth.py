"""What really happened to the test cases, as arrays in one order for all arms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shazam.cohort.folds import Splits
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


@dataclass(frozen=True, slots=True)
class Truth:
    """Outcomes of the test cases, sorted by case id.

    Args:
        case_ids: the n cases.
        fold: int64 ``[n]``, the fold in which each case is tested.
        time_months: float64 ``[n]``; zeros for classification.
        event: bool ``[n]``; false for classification.
        labels: int64 ``[n]``, index into ``classes``; zeros for survival.
        classes: names of the classes; empty for survival.
        groups: of each case, what is drawn as a whole; empty where every case is alone.
    """

    case_ids: tuple[str, ...]
    fold: NDArray[np.int64]
    time_months: NDArray[np.float64]
    event: NDArray[np.bool_]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    groups: tuple[str, ...] = ()

    @property
    def n_groups(self) -> int:
        """Number of groups, such as the cases that tiles come from."""
        return len(set(self.groups)) if self.groups else len(self.case_ids)

    @property
    def task(self) -> Task:
        """Classification when there are classes, else survival."""
        return Task.CLASSIFICATION if self.classes else Task.SURVIVAL

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1

    def fold_rows(self, number: int) -> NDArray[np.int64]:
        """Return the rows of a fold's test cases."""
        return np.flatnonzero(self.fold == number)


def truth_of_cases(cases: Sequence[Case], *, splits: Splits, classes: Sequence[str]) -> Truth:
    """Return the truth of the cases that the splits test.

    Args:
        cases: at least the tested cases.
        splits: the folds.
        classes: all class names for classification; empty for survival.

    Raises:
        ConfigError: a tested case is unknown or has no outcome.
    """
    fold_of = _fold_of(splits)
    known = {case.case_id: case for case in cases}
    ordered = [known.get(case_id) for case_id in fold_of]
    found = [case for case in ordered if case is not None and _has_outcome(case, classes)]
    if len(found) < len(ordered):
        raise ConfigError(f"{len(ordered) - len(found)} tested case(s) have no outcome")
    index = {name: number for number, name in enumerate(classes)}
    return Truth(
        case_ids=tuple(fold_of),
        fold=np.array(list(fold_of.values()), dtype=np.int64),
        time_months=np.array([case.time_months or 0.0 for case in found], dtype=np.float64),
        event=np.array([case.event is True for case in found], dtype=np.bool_),
        labels=np.array([index.get(case.label or "", 0) for case in found], dtype=np.int64),
        classes=tuple(classes),
        groups=tuple(case.group_id for case in found),
    )


def truth_of_arrays(outcomes: OutcomeArrays, *, splits: Splits) -> Truth:
    """Return the truth of the cases that the splits test, from arrays.

    Raises:
        ConfigError: a tested case is not among the outcomes.
    """
    fold_of = _fold_of(splits)
    row = {case_id: number for number, case_id in enumerate(outcomes.case_ids)}
    if missing := [case_id for case_id in fold_of if case_id not in row]:
        raise ConfigError(f"tested cases without an outcome: {', '.join(missing[:10])}")
    rows = np.array([row[case_id] for case_id in fold_of], dtype=np.int64)
    zeros = np.zeros(len(outcomes.case_ids))
    time_months = zeros if outcomes.time_months is None else outcomes.time_months
    event = zeros.astype(np.bool_) if outcomes.event is None else outcomes.event
    labels = zeros.astype(np.int64) if outcomes.labels is None else outcomes.labels
    return Truth(
        case_ids=tuple(fold_of),
        fold=np.array(list(fold_of.values()), dtype=np.int64),
        time_months=time_months[rows],
        event=event[rows],
        labels=labels[rows],
        classes=tuple(outcomes.classes),
    )


def _fold_of(splits: Splits) -> Mapping[str, int]:
    fold_of = {case: number for number, fold in enumerate(splits.folds) for case in fold.test}
    return {case_id: fold_of[case_id] for case_id in sorted(fold_of)}


def _has_outcome(case: Case, classes: Sequence[str]) -> bool:
    if classes:
        return case.label in classes
    return case.time_months is not None and case.event is not None
