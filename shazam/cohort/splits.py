"""Honest splits: by case, site-preserved where asked, balanced in size and outcomes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shazam.cohort.assignment import Limits, NoAssignmentError, assign_groups
from shazam.cohort.balance import NO_GAP, Gap, balance_note
from shazam.cohort.feasibility import check_feasible, infeasible
from shazam.cohort.folds import Fold, Splits, check_splits
from shazam.cohort.groups import Groups, Quantities, by_case, by_site
from shazam.cohort.inner import Inner, carve_validation
from shazam.cohort.model import Case
from shazam.cohort.site_out import pool_small_sites
from shazam.cohort.site_policy import site_notes, sites_preserved
from shazam.config.cohort import Task
from shazam.config.splits import Scheme, SplitsConfig
from shazam.errors import ConfigError

__all__ = ["Fold", "Splits", "check_splits", "make_splits"]


def make_splits(cases: Sequence[Case], *, task: Task, config: SplitsConfig) -> Splits:
    """Divide cases into outer folds with inner validation.

    The same cases and config give the same folds where the programme ends before
    ``time_limit_s``. Where its time is up it gives the best found so far, which depends on how
    fast the machine is; a note then says so. The order of ``cases`` does not matter.

    Whole sites are assigned to folds when sites are preserved and known, single cases otherwise;
    folds are balanced in cases and in events (classification: in cases of each class) by an
    integer programme. With the scheme ``leave_one_site_out`` each site is a fold, and small sites
    are one together.

    Args:
        cases: the cases that go on, each once.
        task: what is balanced.
        config: scheme, number of folds, site policy, validation fraction, seed.

    Raises:
        ConfigError: the request cannot be met; the message says why.
        LeakError: the result breaks the rules of :func:`check_splits` (a defect).
    """
    preserved = sites_preserved(cases, config=config)
    quantities = Quantities.of(cases, task=task)
    match config.scheme:
        case Scheme.KFOLD:
            group = by_site if preserved else by_case
            outer = _balanced(
                group(cases, quantities=quantities),
                quantities=quantities,
                config=config,
                unit="site" if preserved else "case",
            )
        case Scheme.LEAVE_ONE_SITE_OUT:
            outer = _sites_left_out(cases, quantities=quantities, config=config)
        case Scheme.FILES:
            raise ConfigError("splits.files give the folds; they are read, not made")
    folds: list[Fold] = []
    inner: list[Inner] = []
    for number in range(outer.n_folds):
        fold, carved = _fold(
            outer, number=number, quantities=quantities, config=config, apart=preserved
        )
        folds.append(fold)
        inner.append(carved)
    notes = _notes(cases, config=config, preserved=preserved, outer=outer, inner=inner)
    splits = Splits(
        folds=tuple(folds), sites_preserved=preserved, notes=notes, scheme=config.scheme
    )
    check_splits(splits, cases=cases)
    return splits


@dataclass(frozen=True, slots=True)
class _Outer:
    """Groups and the fold in which each is tested, int64 ``[n_groups]``; see Assignment."""

    groups: Groups
    fold_of: NDArray[np.int64]
    n_folds: int
    gap: Gap = NO_GAP
    notes: tuple[str, ...] = ()


def _sites_left_out(
    cases: Sequence[Case], *, quantities: Quantities, config: SplitsConfig
) -> _Outer:
    if any(case.site is None for case in cases):
        raise ConfigError(
            "splits.scheme leave_one_site_out: the cohort names no sites; complete the site "
            "column or set splits.scheme=kfold"
        )
    sites = by_site(cases, quantities=quantities)
    groups, notes = pool_small_sites(sites, quantities=quantities, config=config)
    n_folds = len(groups.names)
    check_feasible(
        groups, quantities=quantities, config=config, unit="site", n_folds=max(n_folds, 2)
    )
    return _Outer(groups=groups, fold_of=np.arange(n_folds), n_folds=n_folds, notes=notes)


def _balanced(groups: Groups, *, quantities: Quantities, config: SplitsConfig, unit: str) -> _Outer:
    check_feasible(groups, quantities=quantities, config=config, unit=unit, n_folds=config.n_folds)
    total = groups.counts.sum(axis=0)
    least = np.zeros((len(total), config.n_folds), dtype=np.int64)
    least[0] = 1
    if quantities.task is Task.SURVIVAL:
        least[1] = 1
    greatest = np.repeat((total - 1)[:, None], config.n_folds, axis=1)
    try:
        assignment = assign_groups(
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
        raise ConfigError(
            infeasible([reason], config=config, unit=unit, n_folds=config.n_folds)
        ) from error
    return _Outer(
        groups=groups, fold_of=assignment.bins, n_folds=config.n_folds, gap=assignment.gap
    )


def _fold(
    outer: _Outer,
    *,
    number: int,
    quantities: Quantities,
    config: SplitsConfig,
    apart: bool,
) -> tuple[Fold, Inner]:
    tested: list[Case] = []
    fitted: list[Case] = []
    for members, fold in zip(outer.groups.members, outer.fold_of, strict=True):
        (tested if fold == number else fitted).extend(members)
    inner = carve_validation(
        fitted,
        quantities=quantities,
        config=config,
        seed=config.seed + 1 + number,
        keep_sites_apart=apart,
    )
    test = tuple(sorted(case.case_id for case in tested))
    return Fold(train=inner.train, validation=inner.validation, test=test), inner


def _notes(
    cases: Sequence[Case],
    *,
    config: SplitsConfig,
    preserved: bool,
    outer: _Outer,
    inner: Sequence[Inner],
) -> tuple[str, ...]:
    notes = [*outer.notes]
    if groups := {case.group for case in cases if case.group is not None}:
        notes.append(
            f"the units are {len(cases)} tiles of {len(groups)} cases: a case is never divided, "
            "and intervals draw whole cases"
        )
    notes += site_notes(cases, preserved=preserved)
    gaps: dict[str, dict[int | None, Gap]] = {
        "the folds": {None: outer.gap},
        "inner validation": {number: carved.gap for number, carved in enumerate(inner)},
    }
    told = (balance_note(what, own, time_limit_s=config.time_limit_s) for what, own in gaps.items())
    notes += [note for note in told if note is not None]
    numbers: dict[str, list[str]] = defaultdict(list)
    for number, carved in enumerate(inner):
        if carved.note is not None:
            numbers[carved.note].append(str(number))
    notes += [f"fold {', '.join(folds)}: {note}" for note, folds in numbers.items()]
    return tuple(notes)
