"""The rows of a cohort table: CSV, UTF-8, one row per slide, with their line numbers."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from shazam.cohort.findings import Findings
from shazam.config.cohort import CohortConfig, Task, Unit


def outcome_columns(config: CohortConfig) -> tuple[str, ...]:
    """Return the columns that say what is predicted."""
    match config.task:
        case Task.SURVIVAL:
            return ("time_months", "event")
        case Task.CLASSIFICATION:
            return ("label",)
        case Task.REGRESSION:
            return config.targets


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file (counted from 1) and its cells without outer blanks."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


@dataclass(frozen=True, slots=True)
class Rows:
    """All usable rows, and which columns the table has."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_rows(
    table: Path, *, config: CohortConfig, findings: Findings, with_slides: bool = True
) -> Rows:
    """Read the rows; what is wrong goes to ``findings`` and the rest is read all the same.

    Args:
        table: a CSV file.
        config: names the task and the clinical columns that must be there.
        findings: collects the problems.
        with_slides: whether the column ``slide_id`` must be there.
    """
    required = _required_columns(config, with_slides=with_slides)
    return read_columns(table, required=required, findings=findings)


def read_columns(table: Path, *, required: Sequence[str], findings: Findings) -> Rows:
    """Read the rows of a table that needs other columns than a cohort; see :func:`read_rows`.

    Args:
        table: a CSV file.
        required: columns that must be there.
        findings: collects the problems.
    """
    lines = _parsed(table, findings=findings)
    if not lines:
        return Rows(columns=(), rows=())
    header = tuple(name.strip() for name in lines[0][1])
    _check_header(header, required=required, findings=findings)
    rows = tuple(
        Row(line=line, cells=dict(zip(header, (cell.strip() for cell in cells), strict=True)))
        for line, cells in lines[1:]
        if _is_usable(cells, line=line, n_columns=len(header), findings=findings)
    )
    if not rows and not findings.messages:
        findings.add("the table has a header but no rows; add one row per slide")
    return Rows(columns=header, rows=rows)


def _parsed(table: Path, *, findings: Findings) -> list[tuple[int, list[str]]]:
    text = _decoded(table, findings=findings)
    if text is None:
        return []
    if not text.strip():
        findings.add("the table is empty; give it a header and one row per slide")
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            if cells:
                lines.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        findings.add(f"not valid CSV from here on ({error}); look for a stray quote", line=start)
    return lines


def _decoded(table: Path, *, findings: Findings) -> str | None:
    if not table.is_file():
        findings.add("no such file; cohort.table must name a CSV file")
        return None
    try:
        return table.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        findings.add(
            f"not UTF-8 text (byte {error.start} is {error.object[error.start]:#04x}); "
            "save the table as CSV, UTF-8"
        )
    except OSError as error:
        findings.add(f"cannot be read ({error.strerror}); check the permissions")
    return None


def _check_header(header: Sequence[str], *, required: Sequence[str], findings: Findings) -> None:
    for name, count in Counter(header).items():
        if not name:
            findings.add("a column has no name; name it or remove it", line=1)
        elif count > 1:
            findings.add(f"column '{name}' stands {count} times; keep one of them", line=1)
    for column in required:
        if column not in header:
            findings.add(_missing_column(column, header), line=1)


def _required_columns(config: CohortConfig, *, with_slides: bool) -> tuple[str, ...]:
    ids = ("case_id", "slide_id") if with_slides else ("case_id",)
    # tiles may bring labels of their own
    outcome = () if config.unit is Unit.TILE else outcome_columns(config)
    return (*ids, *outcome, *config.clinical_columns)


def _missing_column(column: str, header: Sequence[str]) -> str:
    lowered = {name.lower(): name for name in header}
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        return f"column '{column}' is missing; separate the columns by commas"
    near = get_close_matches(column.lower(), lowered, n=1)
    if near:
        return f"column '{column}' is missing; is it '{lowered[near[0]]}'? Then rename that one"
    return f"column '{column}' is missing; the table has: {', '.join(header)}"


def _is_usable(cells: Sequence[str], *, line: int, n_columns: int, findings: Findings) -> bool:
    if len(cells) != n_columns:
        findings.add(
            f"{len(cells)} cells where the header has {n_columns} columns; "
            "quote cells that hold a comma, or complete the row",
            line=line,
        )
        return False
    if not any(cell.strip() for cell in cells):
        findings.add("all cells are empty; remove the row", line=line)
        return False
    return True
