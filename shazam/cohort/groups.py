"""Cases grouped by site or by patient, with what is to be balanced counted per group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shazam.cohort.model import Case
from shazam.config.cohort import Task


@dataclass(frozen=True, slots=True)
class Quantities:
    """What a split balances: cases, then events or the cases of each class.

    Regression balances cases alone.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    task: Task

    @classmethod
    def of(cls, cases: Sequence[Case], *, task: Task) -> Quantities:
        """Return the quantities of a task; the classes are those that occur."""
        if task is Task.SURVIVAL:
            return cls(names=("cases", "events"), classes=(), task=task)
        classes = tuple(sorted({case.label for case in cases if case.label is not None}))
        names = ("cases", *(f"cases of class '{name}'" for name in classes))
        return cls(names=names, classes=classes, task=task)

    def count(self, cases: Sequence[Case]) -> NDArray[np.int64]:
        """Return the counts, int64 ``[n_quantities]``."""
        if self.task is Task.SURVIVAL:
            return np.array([len(cases), sum(case.event is True for case in cases)], dtype=np.int64)
        labels = [case.label for case in cases]
        return np.array([len(cases), *(labels.count(name) for name in self.classes)], np.int64)


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups that may not be divided; ``counts`` is int64 ``[n_groups, n_quantities]``."""

    names: tuple[str, ...]
    members: tuple[tuple[Case, ...], ...]
    counts: NDArray[np.int64]


def by_site(cases: Sequence[Case], *, quantities: Quantities) -> Groups:
    """Group cases by site, sorted; one without a site stands with its own group only."""
    grouped: dict[tuple[str, str], list[Case]] = {}
    for case in sorted(cases, key=lambda case: case.case_id):
        key = (case.site, "") if case.site is not None else ("", case.group_id)
        grouped.setdefault(key, []).append(case)
    keys = sorted(grouped)
    return _groups(
        [site or group_id for site, group_id in keys], [grouped[key] for key in keys], quantities
    )


def by_case(cases: Sequence[Case], *, quantities: Quantities) -> Groups:
    """Group the tiles of a patient, sorted; a case that is a patient is its own group."""
    grouped: dict[str, list[Case]] = {}
    for case in sorted(cases, key=lambda case: case.case_id):
        grouped.setdefault(case.group_id, []).append(case)
    names = sorted(grouped)
    return _groups(names, [grouped[name] for name in names], quantities)


def _groups(
    names: Sequence[str], members: Sequence[Sequence[Case]], quantities: Quantities
) -> Groups:
    return Groups(
        names=tuple(names),
        members=tuple(tuple(cases) for cases in members),
        counts=np.array([quantities.count(cases) for cases in members], dtype=np.int64),
    )
