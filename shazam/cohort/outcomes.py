"""Cases from rows: outcome, site and clinical columns, which must agree between a case's rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from shazam.cohort.alike import check_alike
from shazam.cohort.barcodes import check_patients, patient_of
from shazam.cohort.clinical import clinical_kinds, clinical_text
from shazam.cohort.events import event_of
from shazam.cohort.findings import Findings, lines_of
from shazam.cohort.model import Case
from shazam.cohort.rows import Row, Rows
from shazam.cohort.sites import sites_of
from shazam.cohort.survival import check_survival, endpoint_of, months_of
from shazam.cohort.values import check_targets, number_of, value_problem
from shazam.config.cohort import ClinicalKind, CohortConfig, Task
from shazam.ids import is_valid_id


@dataclass(frozen=True, slots=True)
class ReadCases:
    """The cases of a table, and what its clinical columns hold."""

    cases: tuple[Case, ...]
    kinds: Mapping[str, ClinicalKind]


def read_cases(table: Rows, *, config: CohortConfig, findings: Findings) -> ReadCases:
    """Return the cases of a table; what is wrong goes to ``findings``.

    Columns that the table lacks are left out; the header's check has already named them.
    """
    by_case: dict[str, list[Row]] = defaultdict(list)
    if "case_id" in table.columns:
        for row in table.rows:
            by_case[row["case_id"]].append(row)
    compared = _columns(table, config=config)
    for case_id, rows in by_case.items():
        _check_id(case_id, rows, findings=findings)
        for column in compared:
            _check_agreement(case_id, rows, column=column, findings=findings)
    _check_values(table, config=config, findings=findings)
    check_survival(table, findings=findings)
    check_patients(by_case, table.rows if by_case else (), findings=findings)
    first = {case_id: rows[0] for case_id, rows in by_case.items()}
    # two spellings of a barcode are told as one patient in two cases
    line_of = {name: row.line for name, row in first.items() if patient_of(name) is None}
    check_alike("cases", line_of, findings=findings)
    kinds = clinical_kinds(table, config=config, findings=findings)
    sites = sites_of(table, first=first, findings=findings)
    cases = tuple(
        _case(case_id, row, table=table, site=sites[case_id], kinds=kinds, config=config)
        for case_id, row in first.items()
    )
    _check_outcomes(cases, table=table, task=config.task, findings=findings)
    if config.task is Task.REGRESSION:
        check_targets(cases, targets=config.targets, columns=table.columns, findings=findings)
    return ReadCases(cases, kinds)


def _columns(table: Rows, *, config: CohortConfig) -> tuple[str, ...]:
    named = [column for endpoint in table.endpoints for column in endpoint.columns]
    if config.task is Task.CLASSIFICATION:
        named.append("label")
    named += [*config.targets, *config.clinical_columns]
    wanted = [name for name in named if name in table.columns]
    if "site" in table.columns and any(row["site"] for row in table.rows):
        wanted.append("site")
    return tuple(dict.fromkeys(wanted))


def _check_id(case_id: str, rows: Sequence[Row], *, findings: Findings) -> None:
    for row in rows:
        if not case_id:
            findings.add("case_id is empty; name the case", line=row.line)
        elif not is_valid_id(case_id):
            findings.add(
                f"case_id '{case_id}' is not a valid id; use letters, digits, '.', '_' and '-', "
                "at most 128, starting with a letter or digit",
                line=row.line,
            )


def _check_agreement(case_id: str, rows: Sequence[Row], *, column: str, findings: Findings) -> None:
    first = rows[0]
    for row in rows[1:]:
        if case_id and not _same(row[column], first[column]):
            findings.add(
                f"case '{case_id}' has {column} '{row[column]}' here and '{first[column]}' in "
                f"{lines_of([first.line])}; a case has one {column}",
                line=row.line,
            )


def _same(left: str, right: str) -> bool:
    numbers = (number_of(left), number_of(right))
    return left == right or (None not in numbers and numbers[0] == numbers[1])


def _check_values(table: Rows, *, config: CohortConfig, findings: Findings) -> None:
    checks: dict[str, Callable[[str], str | None]] = {
        name: partial(value_problem, column=name) for name in config.targets
    }
    if config.task is Task.CLASSIFICATION:
        checks["label"] = _label_problem
    for row in table.rows:
        for column, check in checks.items():
            problem = check(row[column]) if column in table.columns else None
            if problem is not None:
                findings.add(problem, line=row.line)


def _label_problem(value: str) -> str | None:
    return None if value else "label is empty; give the case a class or remove it"


def _case(
    case_id: str,
    row: Row,
    *,
    table: Rows,
    site: str | None,
    kinds: Mapping[str, ClinicalKind],
    config: CohortConfig,
) -> Case:
    time_months, event = _outcome(row, table=table)
    labelled = config.task is Task.CLASSIFICATION and "label" in table.columns
    return Case(
        case_id=case_id,
        site=site,
        time_months=time_months,
        event=event,
        label=row["label"] or None if labelled else None,
        values=tuple(
            (name, number_of(row[name])) for name in config.targets if name in table.columns
        ),
        clinical=tuple(
            (name, clinical_text(row[name], column=name, kinds=kinds, config=config))
            for name in config.clinical_columns
            if name in table.columns
        ),
        endpoints=tuple(endpoint_of(row, endpoint=one) for one in table.endpoints[1:]),
    )


def _outcome(row: Row, *, table: Rows) -> tuple[float | None, bool | None]:
    if not table.endpoints:
        return None, None
    predicted = table.endpoints[0]
    time_months = months_of(row[predicted.time], unit=predicted.unit)
    return time_months, event_of(row[predicted.event], coding=predicted.coding)


def _check_outcomes(cases: Sequence[Case], *, table: Rows, task: Task, findings: Findings) -> None:
    if not cases:
        return
    if task is Task.SURVIVAL and table.endpoints:
        n_events = sum(case.event is True for case in cases)
        if n_events == 0:
            findings.add("no case has event 1; survival cannot be learnt from censored cases only")
        if n_events == len(cases):
            findings.note(
                f"every case has an event; make sure that column '{table.endpoints[0].event}' "
                "says who was censored"
            )
    labels = sorted({case.label for case in cases if case.label})
    if task is Task.CLASSIFICATION and "label" in table.columns and len(labels) < 2:
        findings.add(f"only {len(labels)} class ({', '.join(labels)}); give at least 2 classes")
