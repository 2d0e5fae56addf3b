"""Cases that the config leaves out because their outcome cannot be used, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.cells import is_missing
from shazam.cohort.findings import Findings, some_of
from shazam.cohort.model import Excluded
from shazam.cohort.rows import Row, Rows
from shazam.cohort.values import number_of
from shazam.config.cohort import CohortConfig, Exclusion, Task


def leave_out(
    table: Rows, *, config: CohortConfig, findings: Findings
) -> tuple[Rows, tuple[Excluded, ...]]:
    """Return the table without the cases that the config excludes, and these with their reason.

    A case is left out if one of its rows is such.
    """
    if not config.exclude or "case_id" not in table.columns:
        return table, ()
    outcome = _outcome(table, config=config)
    reasons: dict[str, Exclusion] = {}
    for row in table.rows:
        reason = _reason(row, outcome=outcome, config=config)
        if reason in config.exclude:
            reasons.setdefault(row["case_id"], reason)
    for kind in Exclusion:
        names = sorted(name for name, reason in reasons.items() if reason is kind)
        if names:
            findings.note(f"{len(names)} cases are left out, {kind}: {some_of(names)}")
    rows = tuple(row for row in table.rows if row["case_id"] not in reasons)
    if table.rows and not rows:
        findings.add("cohort.exclude leaves no case; correct the outcomes or the config")
    kept = Rows(columns=table.columns, rows=rows, endpoints=table.endpoints)
    return kept, tuple(Excluded(name, reason.value) for name, reason in sorted(reasons.items()))


def _outcome(table: Rows, *, config: CohortConfig) -> tuple[str, ...]:
    match config.task:
        case Task.SURVIVAL:
            columns = table.endpoints[0].columns[:2] if table.endpoints else ()
        case Task.CLASSIFICATION:
            columns = ("label",)
        case Task.REGRESSION:
            columns = config.targets
    return tuple(column for column in columns if column in table.columns)


def _reason(row: Row, *, outcome: Sequence[str], config: CohortConfig) -> Exclusion | None:
    if not outcome:
        return None
    empty = [is_missing(row[column]) for column in outcome]
    if all(empty) if config.task is Task.REGRESSION else any(empty):
        return Exclusion.WITHOUT_OUTCOME
    time = number_of(row[outcome[0]])
    if config.task is Task.SURVIVAL and time is not None and time <= 0:
        return Exclusion.TIME_NOT_POSITIVE
    return None
