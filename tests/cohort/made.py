"""Small made cohorts for tests."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.cohort.model import Case, Cohort, Slide
from shazam.config.cohort import Task
from shazam.digest import digest_of


def survival_case(
    case_id: str, *, site: str | None = None, time_months: float = 1.0, event: int = 1
) -> Case:
    """Return a case with a survival outcome."""
    return Case(case_id, site, time_months, event == 1, None, (("age", "60"),))


def labelled_case(case_id: str, label: str, *, site: str | None = None) -> Case:
    """Return a case with a class."""
    return Case(case_id, site, None, None, label, ())


def cohort_of(cases: Sequence[Case], *, task: Task = Task.SURVIVAL) -> Cohort:
    """Return a cohort with one slide per case."""
    slides = [
        Slide(f"{case.case_id}.s", case.case_id, f"{case.case_id}.tiff", 1, digest_of(case.case_id))
        for case in cases
    ]
    return Cohort(task=task, cases=tuple(cases), slides=tuple(slides))
