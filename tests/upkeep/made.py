"""Small cohorts whose parts are changed one at a time."""

from __future__ import annotations

from dataclasses import replace

from shazam.cohort.model import Case, Cohort, Slide
from shazam.config.cohort import Task


def case(name: str, **more: object) -> Case:
    given = {"site": "h1", "time_months": 10.0, "event": False, "label": None, "clinical": ()}
    return Case(case_id=name, **(given | more))  # type: ignore[arg-type]


def slide(name: str, *, of: str, sha256: str = "a" * 64) -> Slide:
    return Slide(slide_id=name, case_id=of, path=f"{name}.svs", size_bytes=3, sha256=sha256)


def cohort(*cases: Case, slides: tuple[Slide, ...] = (), task: Task = Task.SURVIVAL) -> Cohort:
    return Cohort(task=task, cases=cases, slides=slides)


BEFORE = cohort(
    case("a", clinical=(("age", "60"),)),
    case("b", event=True),
    case("c"),
    slides=(slide("a1", of="a"), slide("b1", of="b"), slide("c1", of="c")),
)


def with_case(before: Cohort, name: str, **changes: object) -> Cohort:
    """Return the cohort with one of its cases changed."""
    cases = tuple(
        replace(one, **changes) if one.case_id == name else one  # type: ignore[arg-type]
        for one in before.cases
    )
    return replace(before, cases=cases)
