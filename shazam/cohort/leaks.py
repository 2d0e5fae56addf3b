"""No case, site or slide content in two parts: asked wherever splits are used."""

from __future__ import annotations

from collections import defaultdict

from shazam.cohort.folds import Splits, check_splits
from shazam.cohort.model import Cohort
from shazam.errors import LeakError


def check_no_leaks(splits: Splits, *, cohort: Cohort) -> None:
    """Check splits against the cohort that they are used with.

    Args:
        splits: folds that may have been altered since they were made.
        cohort: tells groups, sites and slide contents of the cases.

    Raises:
        LeakError: a case, a group, a promised site or the content of a slide stands in two parts,
            or cases differ from the cohort's.
    """
    tested = {case_id for fold in splits.folds for case_id in fold.test}
    cases = [case for case in cohort.cases if case.case_id in tested]
    check_splits(splits, cases=cases)
    group_of = {case.case_id: case.group_id for case in cases}
    cases_of: dict[str, set[str]] = defaultdict(set)
    for slide in cohort.slides:
        if slide.case_id in tested and slide.size_bytes > 0 and slide.sha256:
            cases_of[slide.sha256].add(group_of[slide.case_id])
    if shared := [", ".join(sorted(cases)) for cases in cases_of.values() if len(cases) > 1]:
        raise LeakError(f"cases share slide content: {'; '.join(sorted(shared))}")
