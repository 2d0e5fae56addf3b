"""No case, site or slide content in two parts: asked wherever splits are used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from shazam.cohort.alike import HOW, alike_across, folded, pairs_text
from shazam.cohort.folds import Splits, check_splits
from shazam.cohort.model import Case, Cohort
from shazam.errors import LeakError


def check_no_leaks(splits: Splits, *, cohort: Cohort) -> None:
    """Check splits against the cohort that they are used with.

    Args:
        splits: folds that may have been altered since they were made.
        cohort: tells groups, sites and slide contents of the cases.

    Raises:
        LeakError: a case, a group, a promised site or the content of a slide stands in two parts,
            under one spelling or under two that differ only in letter case or white space; or
            cases differ from the cohort's.
    """
    tested = {case_id for fold in splits.folds for case_id in fold.test}
    cases = [case for case in cohort.cases if case.case_id in tested]
    check_splits(splits, cases=cases)
    if alike := [*_look_alikes(splits, cases=cases)]:
        shown = "\n".join(f"  - {problem}" for problem in alike)
        raise LeakError(
            "the splits leak; write these alike in the cohort table and the split files if they "
            f"are one, else make them differ in more\n{shown}"
        )
    group_of = {case.case_id: case.group_id for case in cases}
    cases_of: dict[str, set[str]] = defaultdict(set)
    for slide in cohort.slides:
        if slide.case_id in tested and slide.size_bytes > 0 and slide.sha256:
            cases_of[slide.sha256].add(group_of[slide.case_id])
    if shared := [", ".join(sorted(cases)) for cases in cases_of.values() if len(cases) > 1]:
        raise LeakError(f"cases share slide content: {'; '.join(sorted(shared))}")


def _look_alikes(splits: Splits, *, cases: Sequence[Case]) -> Iterator[str]:
    group_of = {case.case_id: case.group_id for case in cases}
    site_of = {case.case_id: case.site for case in cases if case.site is not None}
    form = {name: folded(name) for name in {*group_of.values(), *site_of.values()}}
    for number, fold in enumerate(splits.folds):
        for (left, left_ids), (right, right_ids) in combinations(fold.parts.items(), 2):
            kinds = {"cases": group_of}
            if splits.sites_preserved and "test" in (left, right):
                kinds["sites"] = site_of
            for kind, name_of in kinds.items():
                sides = (
                    {name_of[case]: form[name_of[case]] for case in ids if case in name_of}
                    for ids in (left_ids, right_ids)
                )
                if pairs := alike_across(*sides):
                    told = f"{kind} in {left} and {right} that differ {HOW}: {pairs_text(pairs)}"
                    yield f"fold {number}: {told}"
