"""Cases, slides and outcomes of one cohort: frozen values with a digest."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from shazam.config.cohort import ClinicalKind, Task
from shazam.digest import digest_of


@dataclass(frozen=True, slots=True)
class Slide:
    """One slide file; ``path`` is posix and relative to the slide folder.

    A slide whose features are imported has no file: ``path`` and ``sha256`` are empty.
    """

    slide_id: str
    case_id: str
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The time and event of one survival endpoint; both are None where it is not known."""

    name: str
    time_months: float | None
    event: bool | None


@dataclass(frozen=True, slots=True)
class Excluded:
    """A case of the table that the config left out, and why."""

    case_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Case:
    """One patient, or one tile of a patient: what is known, and what is to be predicted.

    Cases of one ``group`` never stand in two parts; a case without one is a group of its own.
    ``event`` is true when the event (death, relapse) was seen at ``time_months`` and false when
    the case was censored then. ``clinical`` holds (column, text) pairs as the table gave them
    (ages in years),
    ``values`` (target, value) pairs of regression; None where nothing was measured.
    ``endpoints`` are those beside the one that is predicted.
    """

    case_id: str
    site: str | None
    time_months: float | None
    event: bool | None
    label: str | None
    clinical: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, float | None], ...] = ()
    group: str | None = None
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def group_id(self) -> str:
        """The group that is never divided: the patient of a tile, or the case itself."""
        return self.group if self.group is not None else self.case_id


@dataclass(frozen=True, slots=True)
class Cohort:
    """All cases and slides of one task, each sorted by id.

    ``endpoint`` is the name of the survival endpoint that is predicted, None for the only one of
    a table. ``clinical_kinds`` says of each clinical column whether it holds numbers.
    ``excluded`` are the cases that the config left out, and ``notes`` say how the table was read.
    """

    task: Task
    cases: tuple[Case, ...]
    slides: tuple[Slide, ...]
    endpoint: str | None = None
    clinical_kinds: tuple[tuple[str, ClinicalKind], ...] = ()
    excluded: tuple[Excluded, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "cases", tuple(sorted(self.cases, key=lambda c: c.case_id)))
        object.__setattr__(self, "slides", tuple(sorted(self.slides, key=lambda s: s.slide_id)))

    @property
    def digest(self) -> str:
        """SHA-256 of everything in the cohort, slide contents included."""
        return digest_of(self._plain())

    def _plain(self) -> dict[str, Any]:
        """Return all fields; later ones that are empty are left out, so old digests hold."""
        plain = asdict(self)
        for case in plain["cases"]:
            _drop_empty(case, ("endpoints",))
        _drop_empty(plain, ("endpoint", "clinical_kinds", "excluded", "notes"))
        return plain

    @property
    def n_events(self) -> int | None:
        """Number of cases with an event; None for other tasks than survival."""
        if self.task is not Task.SURVIVAL:
            return None
        return sum(case.event is True for case in self.cases)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that occur, sorted; empty for other tasks than classification."""
        return tuple(sorted({case.label for case in self.cases if case.label is not None}))

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the values that regression predicts; empty for other tasks."""
        return tuple(name for name, _ in self.cases[0].values) if self.cases else ()

    def select(self, case_ids: Collection[str]) -> tuple[Case, ...]:
        """Return the cases with these ids, sorted by id.

        Raises:
            KeyError: an id is not in the cohort.
        """
        known = {case.case_id: case for case in self.cases}
        return tuple(known[case_id] for case_id in sorted(set(case_ids)))


def _drop_empty(fields: dict[str, Any], names: Collection[str]) -> None:
    for name in names:
        if not fields[name]:
            del fields[name]
