"""Outer folds with their inner validation parts, and the rules they must keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations

from pydantic import BaseModel, ConfigDict

from shazam.cohort.model import Case
from shazam.config.splits import Scheme
from shazam.errors import LeakError

_SHOWN = 10


class Fold(BaseModel):
    """Case ids of one outer fold, each part sorted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """The three parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


class Splits(BaseModel):
    """Outer folds. Every case stands in exactly one test part.

    ``sites_preserved`` promises that no site of a test part occurs in that fold's train or
    validation part. ``notes`` say, for a reader, what could not be had. ``scheme`` is how the
    folds were made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folds: tuple[Fold, ...]
    sites_preserved: bool
    notes: tuple[str, ...] = ()
    scheme: Scheme = Scheme.KFOLD


def check_splits(splits: Splits, *, cases: Sequence[Case]) -> None:
    """Check that no case, no group of cases, and where promised no site, leaks.

    Args:
        splits: the folds to check.
        cases: all cases that the folds divide.

    Raises:
        LeakError: names every overlapping case, group and site, and every case that is not in
            exactly one test part.
    """
    sites = {case.case_id: case.site for case in cases}
    groups = {case.case_id: case.group for case in cases if case.group is not None}
    problems = [*_coverage_problems(splits, sites)]
    if splits.sites_preserved:
        problems += _without_site(sites)
    for number, fold in enumerate(splits.folds):
        problems += _case_overlaps(number, fold)
        problems += _group_overlaps(number, fold, groups)
        if splits.sites_preserved:
            problems += _site_overlaps(number, fold, sites)
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise LeakError(f"the splits leak; make them again from the cohort\n{listed}")


def _coverage_problems(splits: Splits, sites: Mapping[str, str | None]) -> list[str]:
    tested = Counter(case for fold in splits.folds for case in fold.test)
    problems = []
    if repeated := [case for case, count in tested.items() if count > 1]:
        problems.append(f"cases in more than one test part: {listed(repeated)}")
    if missing := [case for case in sites if case not in tested]:
        problems.append(f"cases in no test part: {listed(missing)}")
    named = {case for fold in splits.folds for part in fold.parts.values() for case in part}
    if unknown := [case for case in named if case not in sites]:
        problems.append(f"cases that the cohort does not have: {listed(unknown)}")
    return problems


def _case_overlaps(number: int, fold: Fold) -> list[str]:
    problems = []
    for (left, left_ids), (right, right_ids) in combinations(fold.parts.items(), 2):
        if shared := set(left_ids) & set(right_ids):
            problems.append(f"fold {number}: cases in {left} and {right}: {listed(shared)}")
    for name, ids in fold.parts.items():
        if repeated := [case for case, count in Counter(ids).items() if count > 1]:
            problems.append(f"fold {number}: cases twice in {name}: {listed(repeated)}")
    return problems


def _group_overlaps(number: int, fold: Fold, groups: Mapping[str, str]) -> list[str]:
    found = {
        name: {groups[case] for case in ids if case in groups} for name, ids in fold.parts.items()
    }
    return [
        f"fold {number}: groups in {left} and {right}: {listed(shared)}"
        for left, right in combinations(found, 2)
        if (shared := found[left] & found[right])
    ]


def _without_site(sites: Mapping[str, str | None]) -> list[str]:
    without = [case for case, site in sites.items() if site is None]
    return [f"sites are promised, but not known of {listed(without)}"] if without else []


def _site_overlaps(number: int, fold: Fold, sites: Mapping[str, str | None]) -> list[str]:
    tested = {site for case in fold.test if (site := sites.get(case)) is not None}
    problems = []
    for name in ("train", "validation"):
        fitted = {site for case in fold.parts[name] if (site := sites.get(case)) is not None}
        if shared := tested & fitted:
            problems.append(f"fold {number}: sites in test and {name}: {listed(shared)}")
    return problems


def listed(names: Collection[str], *, most: int | None = _SHOWN) -> str:
    """Return names as text, sorted; of more than ``most`` only the first, and how many more."""
    ordered = sorted(names)
    if most is None or len(ordered) <= most:
        return ", ".join(ordered)
    return f"{', '.join(ordered[:most])} and {len(ordered) - most} more"
