"""Honest splits: by case, site-preserved where asked, balanced in size and outcomes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from shazam.cohort.assignment import Assignment, Limits, NoAssignmentError, assign_groups
from shazam.cohort.feasibility import check_feasible, infeasible
from shazam.cohort.folds import Fold, Splits, check_splits
from shazam.cohort.groups import Groups, Quantities, by_case, by_site
from shazam.cohort.inner import carve_validation
from shazam.cohort.model import Case
from shazam.config.cohort import Task
from shazam.config.splits import SitePolicy, SplitsConfig
from shazam.errors import ConfigError

__all__ = ["Fold", "Splits", "check_splits", "make_splits"]


def make_splits(cases: Sequence[Case], *, task: Task, config: SplitsConfig) -> Splits:
    """Divide cases into outer folds with inner validation, the same for the same seed.

    Whole sites are assigned to folds when sites are preserved and known, single cases otherwise;
    folds are balanced in cases and in events (classification: in cases of each class) by an
    integer programme. The order of ``cases`` does not matter.

    Args:
        cases: the cases that go on, each once.
        task: what is balanced.
        config: number of folds, site policy, validation fraction, seed.

    Raises:
        ConfigError: the request cannot be met; the message says why.
        LeakError: the result breaks the rules of :func:`check_splits` (a defect).
    """
    preserved = _sites_preserved(cases, config=config)
    unit = "site" if preserved else "case"
    quantities = Quantities.of(cases, task=task)
    group = by_site if preserved else by_case
    groups = group(cases, quantities=quantities)
    check_feasible(groups, quantities=quantities, config=config, unit=unit)
    outer = _outer(groups, quantities=quantities, config=config, unit=unit)
    folds: list[Fold] = []
    fold_notes: dict[str, list[int]] = defaultdict(list)
    for number in range(config.n_folds):
        fold, note = _fold(
            groups, outer, number=number, quantities=quantities, config=config, apart=preserved
        )
        folds.append(fold)
        if note is not None:
            fold_notes[note].append(number)
    notes = _notes(cases, config=config, preserved=preserved, gap=outer.gap, fold_notes=fold_notes)
    splits = Splits(folds=tuple(folds), sites_preserved=preserved, notes=notes)
    check_splits(splits, cases=cases)
    return splits


def _sites_preserved(cases: Sequence[Case], *, config: SplitsConfig) -> bool:
    without = sorted(case.case_id for case in cases if case.site is None)
    if config.sites is SitePolicy.IGNORED or len(without) == len(cases):
        return False
    if without:
        raise ConfigError(
            f"sites cannot be preserved: {len(without)} case(s) have no site, such as "
            f"{', '.join(without[:5])}; complete the site column or set splits.sites=ignored"
        )
    return True


def _outer(
    groups: Groups, *, quantities: Quantities, config: SplitsConfig, unit: str
) -> Assignment:
    total = groups.counts.sum(axis=0)
    least = np.zeros((len(total), config.n_folds), dtype=np.int64)
    least[0] = 1
    if quantities.task is Task.SURVIVAL:
        least[1] = 1
    greatest = np.repeat((total - 1)[:, None], config.n_folds, axis=1)
    try:
        return assign_groups(
            groups.counts,
            shares=np.full(config.n_folds, 1 / config.n_folds),
            limits=Limits(least=least, greatest=greatest),
            seed=config.seed,
            time_limit_s=config.time_limit_s,
        )
    except NoAssignmentError as error:
        reason = (
            f"no way to give each fold its events and keep every class in training by {unit}"
            if error.proven
            else f"nothing found within {config.time_limit_s:g} s (splits.time_limit_s)"
        )
        raise ConfigError(infeasible([reason], config=config, unit=unit)) from error


def _fold(
    groups: Groups,
    outer: Assignment,
    *,
    number: int,
    quantities: Quantities,
    config: SplitsConfig,
    apart: bool,
) -> tuple[Fold, str | None]:
    tested: list[Case] = []
    fitted: list[Case] = []
    for members, fold in zip(groups.members, outer.bins, strict=True):
        (tested if fold == number else fitted).extend(members)
    inner = carve_validation(
        fitted,
        quantities=quantities,
        config=config,
        seed=config.seed + 1 + number,
        keep_sites_apart=apart,
    )
    test = tuple(sorted(case.case_id for case in tested))
    return Fold(train=inner.train, validation=inner.validation, test=test), inner.note


def _notes(
    cases: Sequence[Case],
    *,
    config: SplitsConfig,
    preserved: bool,
    gap: float,
    fold_notes: Mapping[str, Sequence[int]],
) -> tuple[str, ...]:
    notes = []
    if groups := {case.group for case in cases if case.group is not None}:
        notes.append(
            f"the units are {len(cases)} tiles of {len(groups)} cases: a case is never divided, "
            "and intervals draw whole cases"
        )
    if not preserved and any(case.site is not None for case in cases):
        notes.append("sites are ignored as configured: a site may stand in training and test")
    elif not preserved:
        notes.append("the cohort names no sites: a site may stand in training and test")
    if gap > 0:
        notes.append(
            f"the balance of the folds is not proven to be the best (gap {gap:.1%} after "
            f"{config.time_limit_s:g} s)"
        )
    for note, numbers in fold_notes.items():
        listed = ", ".join(str(number) for number in numbers)
        notes.append(f"fold {listed}: {note}")
    return tuple(notes)
