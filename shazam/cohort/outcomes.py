"""Cases from rows: outcome, site and clinical columns, which must agree between a case's rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from shazam.cohort.findings import Findings, lines_of
from shazam.cohort.model import Case
from shazam.cohort.rows import Row, Rows, outcome_columns
from shazam.cohort.values import check_targets, number_of, value_problem
from shazam.config.cohort import CohortConfig, Task
from shazam.ids import is_valid_id


def read_cases(table: Rows, *, config: CohortConfig, findings: Findings) -> tuple[Case, ...]:
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
    cases = tuple(
        _case(case_id, rows[0], columns=compared, config=config)
        for case_id, rows in by_case.items()
    )
    _check_values(table, columns=compared, config=config, findings=findings)
    _check_outcomes(cases, task=config.task, columns=compared, findings=findings)
    if config.task is Task.REGRESSION:
        check_targets(cases, targets=config.targets, columns=compared, findings=findings)
    return cases


def _columns(table: Rows, *, config: CohortConfig) -> tuple[str, ...]:
    named = (*outcome_columns(config), *config.clinical_columns)
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


def _check_values(
    table: Rows, *, columns: Sequence[str], config: CohortConfig, findings: Findings
) -> None:
    checks: dict[str, Callable[[str], str | None]] = {
        "time_months": _time_problem,
        "event": _event_problem,
        "label": _label_problem,
        "site": _site_problem,
        **{name: partial(value_problem, column=name) for name in config.targets},
    }
    for row in table.rows:
        for column in columns:
            problem = checks[column](row[column]) if column in checks else None
            if problem is not None:
                findings.add(problem, line=row.line)


def _time_problem(value: str) -> str | None:
    time_months = number_of(value)
    if time_months is None:
        return f"time_months '{value}' is not a number; give the months of follow-up"
    if time_months <= 0:
        return f"time_months '{value}' is not above 0; correct it or remove the case"
    return None


def _event_problem(value: str) -> str | None:
    if number_of(value) in (0.0, 1.0):
        return None
    return f"event '{value}' is not 0 (censored) or 1 (event seen)"


def _label_problem(value: str) -> str | None:
    return None if value else "label is empty; give the case a class or remove it"


def _site_problem(value: str) -> str | None:
    return None if value else "site is empty; give every case its site, or remove the column"


def _case(case_id: str, row: Row, *, columns: Sequence[str], config: CohortConfig) -> Case:
    number = {name: number_of(row[name]) for name in ("time_months", "event") if name in columns}
    event = number.get("event")
    return Case(
        case_id=case_id,
        site=row["site"] or None if "site" in columns else None,
        time_months=number.get("time_months"),
        event=None if event is None else event == 1.0,
        label=row["label"] or None if "label" in columns else None,
        values=tuple((name, number_of(row[name])) for name in config.targets if name in columns),
        clinical=tuple((name, row[name]) for name in config.clinical_columns if name in columns),
    )


def _check_outcomes(
    cases: Sequence[Case], *, task: Task, columns: Sequence[str], findings: Findings
) -> None:
    if not cases:
        return
    if task is Task.SURVIVAL and "event" in columns and not any(case.event for case in cases):
        findings.add("no case has event 1; survival cannot be learnt from censored cases only")
    labels = sorted({case.label for case in cases if case.label})
    if task is Task.CLASSIFICATION and "label" in columns and len(labels) < 2:
        findings.add(f"only {len(labels)} class ({', '.join(labels)}); give at least 2 classes")
