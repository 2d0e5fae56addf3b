"""Times and events of the rows of a table: checked, in months, 1 for an event that was seen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shazam.cells import is_missing
from shazam.cohort.endpoints import EndpointColumns
from shazam.cohort.events import coding_of, event_of, event_problem, note_coding
from shazam.cohort.findings import Findings
from shazam.cohort.model import Endpoint
from shazam.cohort.rows import Row, Rows
from shazam.cohort.values import number_of
from shazam.config.cohort import TimeUnit

LONGEST_MONTHS = 1200.0
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


def endpoint_of(row: Row, *, endpoint: EndpointColumns) -> Endpoint:
    """Return the endpoint of a row; both values are None where one of them cannot be used."""
    time = months_of(row[endpoint.time], unit=endpoint.unit)
    event = event_of(row[endpoint.event], coding=endpoint.coding)
    if time is None or time <= 0 or event is None:
        return Endpoint(endpoint.name, None, None)
    return Endpoint(endpoint.name, time, event)


def months_of(text: str, *, unit: TimeUnit | None) -> float | None:
    """Return the months of a cell; a unit that nobody says counts as months, and is a finding."""
    number = number_of(text)
    return None if number is None else number * (unit or TimeUnit.MONTHS).months


def check_survival(table: Rows, *, findings: Findings) -> None:
    """Check the cells of all endpoints; those that are not predicted may be empty."""
    for place, endpoint in enumerate(table.endpoints):
        for row in table.rows:
            if place and any(is_missing(row[name]) for name in endpoint.columns[:2]):
                continue
            _check_row(row, endpoint=endpoint, predicted=place == 0, findings=findings)
        texts = [row[endpoint.event] for row in table.rows]
        note_coding(endpoint.event, texts, coding=endpoint.coding, findings=findings)
        if place:
            _note_unusable(table.rows, endpoint=endpoint, findings=findings)


def _check_row(row: Row, *, endpoint: EndpointColumns, predicted: bool, findings: Findings) -> None:
    time, event = row[endpoint.time], row[endpoint.event]
    problems = [
        _time_problem(time, endpoint=endpoint, predicted=predicted),
        event_problem(event, column=endpoint.event, coding=endpoint.coding),
    ]
    if endpoint.twin is not None and not is_missing(row[endpoint.twin]):
        seen = event_of(event, coding=endpoint.coding)
        other = event_of(row[endpoint.twin], coding=coding_of(endpoint.twin))
        if seen is not None and other is not seen:
            problems.append(
                f"{endpoint.event} '{event}' and {endpoint.twin} '{row[endpoint.twin]}' "
                "contradict each other; correct one, or remove the column"
            )
    for problem in problems:
        if problem is not None:
            findings.add(problem, line=row.line)


def _time_problem(text: str, *, endpoint: EndpointColumns, predicted: bool) -> str | None:
    column, unit = endpoint.time, endpoint.unit or TimeUnit.MONTHS
    months = months_of(text, unit=unit)
    if months is None:
        advice = f"give the {unit} of follow-up"
        if _DECIMAL_COMMA.fullmatch(text):
            advice = "write decimals with a point"
        return f"{column} '{text}' is not a number; {advice}"
    if months <= 0 and predicted:
        return f"{column} '{text}' is not above 0; correct it or remove the case"
    if months > LONGEST_MONTHS:
        return (
            f"{column} '{text}' is {months / 12:.0f} years, longer than any follow-up; correct it, "
            "or say its unit in cohort.time_unit"
        )
    return None


def _note_unusable(rows: Sequence[Row], *, endpoint: EndpointColumns, findings: Findings) -> None:
    cases = {row["case_id"]: endpoint_of(row, endpoint=endpoint) for row in rows}
    n_without = sum(one.time_months is None for one in cases.values())
    if n_without:
        findings.note(
            f"endpoint {endpoint.name}: {n_without} of {len(cases)} cases have no time above 0 "
            "with an event or censoring"
        )
