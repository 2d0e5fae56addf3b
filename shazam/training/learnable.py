"""What can be learnt from: outcomes that are numbers, in training parts that hold them all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from shazam.cohort.folds import Splits
from shazam.config.cohort import Task
from shazam.errors import ConfigError
from shazam.training.outcomes import Outcomes, rows_of

_MAX_DRAWS = 1000
_GREATEST = 1e30
_SAME = 1e-9


def check_finite(outcomes: Outcomes) -> None:
    """Refuse outcomes that are no numbers, naming the first case and column.

    A value of regression may be NaN, which means that it was not measured.

    Raises:
        ConfigError: a time is NaN, infinite or not above 0; a value is infinite or beyond 1e30.
    """
    match outcomes.task:
        case Task.SURVIVAL:
            time_months = outcomes.survival()[0][:, None]
            usable = np.isfinite(time_months) & (time_months > 0)
            _refuse(outcomes, time_months, usable=usable, columns=("time_months",))
        case Task.REGRESSION:
            values = outcomes.target_values()
            usable = np.isnan(values) | (np.abs(values) <= _GREATEST)
            _refuse(outcomes, values, usable=usable, columns=outcomes.targets)
        case Task.CLASSIFICATION:
            pass


def check_learnable(outcomes: Outcomes, *, splits: Splits) -> None:
    """Refuse folds that nothing can be learnt from or judged by, before training starts.

    Raises:
        ConfigError: a training part has no event, lacks a class, or has a constant target; or a
            target varies in no test part.
    """
    for number, fold in enumerate(splits.folds):
        lacking = _lacking(outcomes, rows_of(fold.train, case_ids=outcomes.case_ids))
        if lacking is not None:
            raise ConfigError(f"fold {number}: training lacks {lacking}; use fewer folds")
    if outcomes.task is Task.REGRESSION:
        _check_tested(outcomes, splits=splits)


def permuted(
    outcomes: Outcomes,
    *,
    splits: Splits,
    seed: int,
    strata: npt.NDArray[np.int64] | None = None,
) -> Outcomes:
    """Return the outcomes dealt anew among the cases: no feature can predict them any more.

    What belongs to a case stays together: its time and event, or all its values; and what its
    tiles have in common, where tiles are the units and the outcome is their case's. Draws that
    leave a training part without an event, a class or a varying target are drawn again.

    Args:
        outcomes: the true ones.
        splits: the folds that will be fitted.
        seed: of the permutation.
        strata: int64 ``[n]``, such as the number of each case's site: outcomes are dealt among
            the cases of one number only; None deals them among all.

    Raises:
        ConfigError: no usable permutation was drawn.
    """
    generator = np.random.default_rng(seed)
    train = [rows_of(fold.train, case_ids=outcomes.case_ids) for fold in splits.folds]
    for _ in range(_MAX_DRAWS):
        drawn = _reordered(outcomes, order=_dealt(outcomes, generator, strata))
        if all(_lacking(drawn, rows) is None for rows in train):
            return drawn
    raise ConfigError("permuted outcomes leave a training part without events, a class or a target")


def _dealt(
    outcomes: Outcomes,
    generator: np.random.Generator,
    strata: npt.NDArray[np.int64] | None,
) -> npt.NDArray[np.int64]:
    """Return for each case whose outcome it gets, int64 ``[n]``."""
    groups = outcomes.groups
    if groups is not None:
        _, first = np.unique(groups, return_index=True)
        if _equal(_reordered(outcomes, order=first[groups]), outcomes):
            return _shuffled(first, generator, strata)[groups]
    return _shuffled(np.arange(len(outcomes.case_ids)), generator, strata)


def _shuffled(
    rows: npt.NDArray[np.int64],
    generator: np.random.Generator,
    strata: npt.NDArray[np.int64] | None,
) -> npt.NDArray[np.int64]:
    if strata is None:
        return generator.permutation(rows)
    shuffled = rows.copy()
    for number in np.unique(strata[rows]):
        own = strata[rows] == number
        shuffled[own] = generator.permutation(rows[own])
    return shuffled


def _equal(one: Outcomes, other: Outcomes) -> bool:
    match other.task:
        case Task.SURVIVAL:
            pairs = zip(one.survival(), other.survival(), strict=True)
            return all(np.array_equal(left, right) for left, right in pairs)
        case Task.CLASSIFICATION:
            return np.array_equal(one.class_labels(), other.class_labels())
        case Task.REGRESSION:
            return np.array_equal(one.target_values(), other.target_values(), equal_nan=True)


def varies(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell which columns hold at least two different numbers, ``[n, n_targets]`` to bool.

    NaN does not count; differences below 1e-9 of the greatest number are rounding.
    """
    least = np.where(np.isnan(values), np.inf, values).min(axis=0)
    greatest = np.where(np.isnan(values), -np.inf, values).max(axis=0)
    size = np.maximum(np.abs(least), np.abs(greatest))
    known = np.isfinite(size)
    moving: npt.NDArray[np.bool_] = known & (greatest - least > _SAME * np.where(known, size, 0.0))
    return moving


def _check_tested(outcomes: Outcomes, *, splits: Splits) -> None:
    tested = [rows_of(fold.test, case_ids=outcomes.case_ids) for fold in splits.folds]
    values = outcomes.target_values()
    n_parts = np.stack([varies(values[rows]) for rows in tested if len(rows)]).sum(axis=0)
    if still := [name for name, n in zip(outcomes.targets, n_parts, strict=True) if n == 0]:
        raise ConfigError(
            f"target {', '.join(still)}: no test part has two different values, so no correlation "
            "can be computed; remove it from cohort.targets or use fewer folds"
        )


def _lacking(outcomes: Outcomes, rows: npt.NDArray[np.int64]) -> str | None:
    match outcomes.task:
        case Task.SURVIVAL:
            return None if outcomes.survival()[1][rows].any() else "an event"
        case Task.CLASSIFICATION:
            present = set(outcomes.class_labels()[rows].tolist())
            absent = [name for n, name in enumerate(outcomes.classes) if n not in present]
            return f"cases of class {', '.join(absent)}" if absent else None
        case Task.REGRESSION:
            moving = varies(outcomes.target_values()[rows])
            still = [
                name for name, moves in zip(outcomes.targets, moving, strict=True) if not moves
            ]
            return f"two different values of target {', '.join(still)}" if still else None


def _reordered(outcomes: Outcomes, *, order: npt.NDArray[np.int64]) -> Outcomes:
    match outcomes.task:
        case Task.SURVIVAL:
            time_months, event = outcomes.survival()
            return replace(outcomes, time_months=time_months[order], event=event[order])
        case Task.CLASSIFICATION:
            return replace(outcomes, labels=outcomes.class_labels()[order])
        case Task.REGRESSION:
            return replace(outcomes, values=outcomes.target_values()[order])


def _refuse(
    outcomes: Outcomes,
    values: npt.NDArray[np.float64],
    *,
    usable: npt.NDArray[np.bool_],
    columns: tuple[str, ...],
) -> None:
    if usable.all():
        return
    row, column = np.argwhere(~usable)[0]
    raise ConfigError(
        f"case '{outcomes.case_ids[row]}': {columns[column]} is {values[row, column]:g}, which "
        "cannot be learnt; correct it in the cohort table or remove the case"
    )
