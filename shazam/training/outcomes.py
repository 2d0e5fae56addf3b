"""What cases are predicted for, as arrays in the order of the bags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shazam.cohort.folds import Splits
from shazam.cohort.model import Case, Cohort
from shazam.config.cohort import Task
from shazam.errors import ConfigError

_MAX_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Outcomes of cases: times and events, or labels.

    Args:
        case_ids: names of the n cases.
        time_months: float64 ``[n]``, above 0; None for classification.
        event: bool ``[n]``, true when the event was seen; None for classification.
        labels: int64 ``[n]``, index into ``classes``; None for survival.
        classes: names of the classes; empty for survival.
    """

    case_ids: tuple[str, ...]
    time_months: npt.NDArray[np.float64] | None
    event: npt.NDArray[np.bool_] | None
    labels: npt.NDArray[np.int64] | None
    classes: tuple[str, ...]

    @property
    def task(self) -> Task:
        """Survival when there are times, else classification."""
        return Task.CLASSIFICATION if self.time_months is None else Task.SURVIVAL

    def survival(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """Return (time_months, event).

        Raises:
            ConfigError: the outcomes are labels.
        """
        if self.time_months is None or self.event is None:
            raise ConfigError("the cohort has labels, not survival times; set cohort.task")
        return self.time_months, self.event

    def class_labels(self) -> npt.NDArray[np.int64]:
        """Return the labels.

        Raises:
            ConfigError: the outcomes are survival times.
        """
        if self.labels is None:
            raise ConfigError("the cohort has survival times, not labels; set cohort.task")
        return self.labels


def outcomes_of(cohort: Cohort, case_ids: Sequence[str]) -> Outcomes:
    """Return the outcomes of some cases of a cohort, in the order given.

    Raises:
        ConfigError: a case is unknown or has no outcome.
    """
    known = {case.case_id: case for case in cohort.cases}
    if missing := sorted(set(case_ids) - set(known)):
        raise ConfigError(f"cases without a row in the cohort table: {', '.join(missing[:10])}")
    cases = [known[case_id] for case_id in case_ids]
    match cohort.task:
        case Task.SURVIVAL:
            return _survival_of(cases)
        case Task.CLASSIFICATION:
            return _labels_of(cases, classes=cohort.classes)


def permuted(outcomes: Outcomes, *, splits: Splits, seed: int) -> Outcomes:
    """Return the outcomes dealt anew among the cases: no feature can predict them any more.

    A case's time and event stay together. Draws that leave a training part without an event, or
    without one of the classes, are drawn again.

    Args:
        outcomes: the true ones.
        splits: the folds that will be fitted.
        seed: of the permutation.

    Raises:
        ConfigError: no usable permutation was drawn.
    """
    generator = np.random.default_rng(seed)
    train = [rows_of(fold.train, case_ids=outcomes.case_ids) for fold in splits.folds]
    for _ in range(_MAX_DRAWS):
        drawn = _reordered(outcomes, order=generator.permutation(len(outcomes.case_ids)))
        if all(_is_learnable(drawn, rows) for rows in train):
            return drawn
    raise ConfigError("permuted outcomes leave a training part without events or a class")


def check_learnable(outcomes: Outcomes, *, splits: Splits) -> None:
    """Refuse folds that nothing can be learnt from, before training starts.

    Raises:
        ConfigError: a training part has no event, or lacks a class.
    """
    for number, fold in enumerate(splits.folds):
        if not _is_learnable(outcomes, rows_of(fold.train, case_ids=outcomes.case_ids)):
            lacking = "an event" if outcomes.task is Task.SURVIVAL else "a class"
            raise ConfigError(f"fold {number}: training lacks {lacking}; use fewer folds")


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


def _reordered(outcomes: Outcomes, *, order: npt.NDArray[np.int64]) -> Outcomes:
    if outcomes.task is Task.CLASSIFICATION:
        return replace(outcomes, labels=outcomes.class_labels()[order])
    time_months, event = outcomes.survival()
    return replace(outcomes, time_months=time_months[order], event=event[order])


def _is_learnable(outcomes: Outcomes, rows: npt.NDArray[np.int64]) -> bool:
    if outcomes.task is Task.SURVIVAL:
        return bool(outcomes.survival()[1][rows].any())
    return len(np.unique(outcomes.class_labels()[rows])) == len(outcomes.classes)
