"""Survival endpoints of a table: which columns hold their times and events, in which unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shazam.cohort.events import coding_of
from shazam.cohort.findings import Findings, missing_column, some_of
from shazam.config.cohort import Coding, CohortConfig, EndpointConfig, TimeUnit

PLAIN = "outcome"
_PLAIN_TIMES = (
    *("time_months", "survival_months", "time_days", "survival_days", "time_years"),
    *("survival_years", "time_weeks", "time", "survival_time"),
)
_PLAIN_EVENTS = ("event", "censorship", "censored", "vital_status")
_EVENT_ENDINGS = ("event", "status", "censorship", "censored")
_TIME = re.compile(r"(.+?)(?:[_. ]survival)?[_. ](months|days|years|weeks|time)")
_UNIT_WORDS = {unit.value.rstrip("s"): unit for unit in TimeUnit}


@dataclass(frozen=True, slots=True)
class EndpointColumns:
    """The columns of an endpoint; ``unit`` is that of the times, None where nobody says it.

    ``twin`` says the same as ``event`` in another column: where both stand, they must agree.
    """

    name: str
    time: str
    event: str
    unit: TimeUnit | None
    coding: Coding
    twin: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns."""
        return (self.time, self.event, *(() if self.twin is None else (self.twin,)))


def unit_of(column: str) -> TimeUnit | None:
    """Return the unit that a column's name says: ``OS_MONTHS``, ``time_days``, ``age.years``."""
    words = re.split(r"[^a-z]+", column.lower())
    units = {_UNIT_WORDS[word.rstrip("s")] for word in words if word.rstrip("s") in _UNIT_WORDS}
    return units.pop() if len(units) == 1 else None


def find_endpoints(
    header: Sequence[str], *, config: CohortConfig, findings: Findings
) -> tuple[EndpointColumns, ...]:
    """Return the endpoints of a table, the predicted one first; none if it cannot be told.

    Args:
        header: names of the columns.
        config: names endpoints, and the one that is predicted.
        findings: collects what is missing or ambiguous, and notes on how columns are read.
    """
    seen = _seen(header)
    chosen = (
        [_configured(one, header=header, seen=seen, findings=findings) for one in config.endpoints]
        if config.endpoints
        else [_detected(config.endpoint, header=header, seen=seen, findings=findings)]
    )
    found = [
        EndpointColumns(
            one.name,
            one.time,
            one.event,
            _unit(one, config=config, findings=findings),
            coding_of(one.event, told=one.coding),
            _twin(one.event, header=header),
        )
        for one in chosen
        if one is not None and one.time is not None and one.event is not None
    ]
    predicted = config.endpoint or (config.endpoints[0].name if config.endpoints else None)
    return tuple(sorted(found, key=lambda one: predicted not in (None, one.name)))


def _seen(header: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return (time, event) columns by the name of the endpoint, in the order of the table."""
    names = {name.lower(): name for name in reversed(header)}
    found: dict[str, tuple[str, str]] = {}
    times = [name for name in _PLAIN_TIMES if name in names]
    events = [name for name in _PLAIN_EVENTS if name in names]
    if times and events:
        found[PLAIN] = (names[times[0]], names[events[0]])
    for column in header:
        match = _TIME.fullmatch(column.lower())
        if match is None or column.lower() in _PLAIN_TIMES:
            continue
        stem = match[1]
        endings = [f"{stem}{mark}{end}" for end in _EVENT_ENDINGS for mark in "_. "]
        event = next((names[name] for name in (*endings, stem) if name in names), None)
        if event is not None:
            found.setdefault(stem, (column, event))
    return found


def _configured(
    one: EndpointConfig,
    *,
    header: Sequence[str],
    seen: dict[str, tuple[str, str]],
    findings: Findings,
) -> EndpointConfig | None:
    if one.time is None or one.event is None:
        return _named(one, header=header, seen=seen, findings=findings)
    missing = [name for name in (one.time, one.event) if name not in header]
    for name in missing:
        findings.add(
            f"column '{name}' of endpoint {one.name} is missing; the table has: "
            f"{some_of(header, shown=30)}",
            line=1,
        )
    return None if missing else one


def _named(
    one: EndpointConfig,
    *,
    header: Sequence[str],
    seen: dict[str, tuple[str, str]],
    findings: Findings,
) -> EndpointConfig | None:
    columns = seen.get(one.name.lower())
    if columns is not None:
        return one.model_copy(update={"time": columns[0], "event": columns[1]})
    there = f"it has {', '.join(seen)}" if seen else f"it has: {some_of(header, shown=30)}"
    findings.add(
        f"the table has no time and event columns of endpoint {one.name} that are known by their "
        f"names ({there}); name them in cohort.endpoints",
        line=1,
    )
    return None


def _detected(
    name: str | None,
    *,
    header: Sequence[str],
    seen: dict[str, tuple[str, str]],
    findings: Findings,
) -> EndpointConfig | None:
    if name is not None:
        return _named(EndpointConfig(name=name), header=header, seen=seen, findings=findings)
    if not seen:
        _add_missing(header, findings=findings)
        return None
    chosen = PLAIN if PLAIN in seen else next(iter(seen))
    if chosen != PLAIN and len(seen) > 1:
        findings.add(
            f"the table has several endpoints ({', '.join(seen)}); say in cohort.endpoint which "
            "is predicted",
            line=1,
        )
        return None
    time, event = seen[chosen]
    if (time, event) != ("time_months", "event"):
        findings.note(f"the outcome is read from columns '{time}' and '{event}'")
    if others := [other for other in seen if other != chosen]:
        findings.note(
            f"other endpoints of the table are left out: {', '.join(others)}; name them in "
            "cohort.endpoints to keep them"
        )
    return EndpointConfig(name=PLAIN, time=time, event=event)


def _add_missing(header: Sequence[str], *, findings: Findings) -> None:
    timed = [name for name in header if unit_of(name) not in (None, TimeUnit.MONTHS)]
    for column in ("time_months", "event"):
        if column in header:
            continue
        if column == "time_months" and timed:
            findings.add(
                f"column 'time_months' is missing; if {some_of(timed)} is the time, name it with "
                "its event in cohort.endpoints",
                line=1,
            )
        else:
            findings.add(missing_column(column, header), line=1)


def _twin(event: str, *, header: Sequence[str]) -> str | None:
    if event not in _PLAIN_EVENTS[:3]:
        return None
    return next((name for name in _PLAIN_EVENTS[:3] if name != event and name in header), None)


def _unit(one: EndpointConfig, *, config: CohortConfig, findings: Findings) -> TimeUnit | None:
    column = one.time or ""
    told, said = one.unit or config.time_unit, unit_of(column)
    if told is None and said is None:
        findings.add(
            f"column '{column}' says no unit, and none is guessed; set cohort.time_unit to days, "
            "weeks, months or years",
            line=1,
        )
    if told is not None and said is not None and told is not said:
        findings.note(f"column '{column}' is read in {told} as configured, not in {said}")
    unit = told or said
    if unit is not None and unit is not TimeUnit.MONTHS:
        findings.note(f"column '{column}' is in {unit}: times {unit.months:.6g} are months")
    return unit
