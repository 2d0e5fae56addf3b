"""What is new in a cohort since a model was trained on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from shazam.cohort.model import Case, Cohort
from shazam.config.cohort import Task
from shazam.errors import ConfigError


class OutcomeKind(StrEnum):
    """What became of a known case.

    ``came``: the event was seen after the follow-up that was known, or a label or value that was
    not known is known now. ``longer``: still no event, later. ``corrected``: anything else, so what
    was trained on is no longer held to be true.
    """

    CAME = "came"
    LONGER = "longer"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class OutcomeChange:
    """The outcome of a case before and now, as texts, and what kind of change that is."""

    case_id: str
    kind: OutcomeKind
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class NewData:
    """What differs between two cohorts; all ids are sorted.

    Slides are compared by their id and the SHA-256 of their bytes, and those of new and lost cases
    are among them. ``slide_cases`` are the known cases that have other slides than before.
    ``changed_files`` are files of imported features that hold one slide, ``changed_tables`` those
    that hold many.
    """

    new_cases: tuple[str, ...] = ()
    lost_cases: tuple[str, ...] = ()
    new_slides: tuple[str, ...] = ()
    changed_slides: tuple[str, ...] = ()
    lost_slides: tuple[str, ...] = ()
    slide_cases: tuple[str, ...] = ()
    outcomes: tuple[OutcomeChange, ...] = ()
    changed_sites: tuple[str, ...] = ()
    changed_clinical: tuple[str, ...] = ()
    changed_files: tuple[str, ...] = ()
    changed_tables: tuple[str, ...] = ()

    def outcomes_of(self, kind: OutcomeKind) -> tuple[str, ...]:
        """Return the cases whose outcome changed in one way."""
        return tuple(change.case_id for change in self.outcomes if change.kind is kind)

    def with_files(self, *, files: tuple[str, ...], tables: tuple[str, ...]) -> NewData:
        """Return this with the files of imported features that changed."""
        return replace(self, changed_files=files, changed_tables=tables)

    @property
    def changed_cases(self) -> tuple[str, ...]:
        """Cases of which the last run knew what no longer holds, or that lost or got slides."""
        return tuple(
            sorted(
                {
                    *self.outcomes_of(OutcomeKind.CORRECTED),
                    *self.slide_cases,
                    *self.changed_sites,
                    *self.changed_clinical,
                    *self.lost_cases,
                }
            )
        )


def new_data(before: Cohort, now: Cohort) -> NewData:
    """Compare the cohort that a model was trained on with what the table and the slides are now.

    Where the cases of ``before`` are tiles, their patients are compared, without outcomes.

    Raises:
        ConfigError: they predict other things.
    """
    _check_same_task(before, now)
    known, current = _patients(before), _patients(now)
    both = known & current
    old_slides = {slide.slide_id: (slide.case_id, slide.sha256) for slide in before.slides}
    slides = {slide.slide_id: (slide.case_id, slide.sha256) for slide in now.slides}
    new = slides.keys() - old_slides.keys()
    lost = old_slides.keys() - slides.keys()
    changed = {
        name for name in slides.keys() & old_slides.keys() if slides[name] != old_slides[name]
    }
    touched = {slides[name][0] for name in new | changed}
    touched |= {old_slides[name][0] for name in lost | changed}
    pairs = _known_cases(before, now)
    return NewData(
        new_cases=_sorted(current - known),
        lost_cases=_sorted(known - current),
        new_slides=_sorted(new),
        changed_slides=_sorted(changed),
        lost_slides=_sorted(lost),
        slide_cases=_sorted(touched & both),
        outcomes=tuple(_outcome_changes(pairs, task=now.task)),
        changed_sites=tuple(old.case_id for old, case in pairs if old.site != case.site),
        changed_clinical=tuple(old.case_id for old, case in pairs if _clinical(old, case)),
    )


def _check_same_task(before: Cohort, now: Cohort) -> None:
    for name, then, asked in (
        ("cohort.task", before.task, now.task),
        ("cohort.endpoint", before.endpoint, now.endpoint),
        ("cohort.targets", before.targets, now.targets),
    ):
        if then != asked:
            raise ConfigError(
                f"{name} is {asked}, and the last registered version predicts {then}: that is "
                "another model; give it another cohort.name, or set the key back"
            )


def _patients(cohort: Cohort) -> set[str]:
    return {case.group_id for case in cohort.cases}


def _known_cases(before: Cohort, now: Cohort) -> list[tuple[Case, Case]]:
    if any(case.group is not None for case in before.cases):
        return []
    current = {case.case_id: case for case in now.cases}
    return [(case, current[case.case_id]) for case in before.cases if case.case_id in current]


def _clinical(before: Case, now: Case) -> bool:
    """Tell whether a value differs that both tables have a column of."""
    old, new = dict(before.clinical), dict(now.clinical)
    return any(old[column] != new[column] for column in old.keys() & new.keys())


def _outcome_changes(pairs: list[tuple[Case, Case]], *, task: Task) -> Iterator[OutcomeChange]:
    for before, now in pairs:
        kind = _kind(before, now, task=task)
        if kind is not None:
            yield OutcomeChange(
                before.case_id, kind, _told(before, task=task), _told(now, task=task)
            )


def _kind(before: Case, now: Case, *, task: Task) -> OutcomeKind | None:
    match task:
        case Task.SURVIVAL:
            return _survival_kind(before, now)
        case Task.CLASSIFICATION:
            return _known_kind({"label": before.label}, {"label": now.label})
        case Task.REGRESSION:
            return _known_kind(dict(before.values), dict(now.values))


def _survival_kind(before: Case, now: Case) -> OutcomeKind | None:
    then, later = before.time_months, now.time_months
    if (then, before.event) == (later, now.event):
        return None
    if then is None or later is None or before.event is not False or later < then:
        return OutcomeKind.CORRECTED
    return OutcomeKind.CAME if now.event else OutcomeKind.LONGER


def _known_kind(before: dict[str, object], now: dict[str, object]) -> OutcomeKind | None:
    differing = [name for name in before if before[name] != now[name]]
    if not differing:
        return None
    came = all(before[name] is None for name in differing)
    return OutcomeKind.CAME if came else OutcomeKind.CORRECTED


def _told(case: Case, *, task: Task) -> str:
    match task:
        case Task.SURVIVAL:
            return f"{case.time_months:g} months, {'event' if case.event else 'censored'}"
        case Task.CLASSIFICATION:
            return case.label or "not known"
        case Task.REGRESSION:
            named = (f"{name} {'-' if v is None else format(v, 'g')}" for name, v in case.values)
            return ", ".join(named)


def _sorted(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
