"""The rows of a cohort table, one per slide, with their line numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shazam.cohort.columns import Layout, check_names, check_present, layout_of, sources
from shazam.cohort.endpoints import EndpointColumns
from shazam.cohort.findings import Findings
from shazam.cohort.lines import Line, table_lines
from shazam.config.cohort import CohortConfig, Columns
from shazam.ids import without_slide_suffix

SLIDE_NAME = "slide_name"
MAX_COLUMNS = 100_000
_MOST_UNEVEN = 1000
_ROW_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file (counted from 1) and its cells without outer blanks.

    A slide's id lacks the suffix of its file's name, which stands under ``slide_name``.
    """

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


@dataclass(frozen=True, slots=True)
class Rows:
    """All usable rows, which columns they have, and the endpoints, the predicted one first."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    endpoints: tuple[EndpointColumns, ...] = ()


def read_rows(
    table: Path, *, config: CohortConfig, findings: Findings, with_slides: bool = True
) -> Rows:
    """Read the rows; what is wrong goes to ``findings`` and the rest is read all the same.

    Args:
        table: a file of text, plain or packed by gzip or zip.
        config: names the task, the columns and the rows that are meant.
        findings: collects the problems.
        with_slides: whether the column ``slide_id`` must be there.
    """

    def layout(header: Sequence[str]) -> Layout:
        return layout_of(header, config=config, with_slides=with_slides, findings=findings)

    read = _read(table, member=config.member, layout_of=layout, findings=findings)
    return _chosen(read, where=config.where, findings=findings)


def read_columns(table: Path, *, required: Sequence[str], findings: Findings) -> Rows:
    """Read the rows of a table that needs other columns than a cohort; see :func:`read_rows`.

    Args:
        table: a file of text, plain or packed by gzip or zip.
        required: columns that must be there.
        findings: collects the problems.
    """

    def layout(header: Sequence[str]) -> Layout:
        check_names(header, findings=findings)
        source = sources(header, columns=Columns(), findings=findings)
        check_present(required, header=header, source=source, findings=findings)
        return Layout(source=source, index=bool(header) and not header[0])

    return _read(table, member=None, layout_of=layout, findings=findings)


def _read(
    table: Path,
    *,
    member: str | None,
    layout_of: Callable[[Sequence[str]], Layout],
    findings: Findings,
) -> Rows:
    lines = table_lines(table, member=member, findings=findings)
    first = next(lines, None)
    if first is None:
        return Rows(columns=(), rows=())
    header = tuple(name.strip() for name in first.cells)
    if len(header) > MAX_COLUMNS:
        findings.add(f"{len(header)} columns; at most {MAX_COLUMNS} are read", line=first.number)
        return Rows(columns=(), rows=())
    layout = layout_of(header)
    position = {name: header.index(column) for name, column in layout.source.items()}
    rows = tuple(
        Row(line.number, _cells(line, position))
        for line in _usable(lines, n_columns=len(header), index=layout.index, findings=findings)
    )
    if not rows and not findings.messages:
        findings.add("the table has a header but no rows; add one row per slide")
    return Rows(columns=tuple(position), rows=rows, endpoints=layout.endpoints)


def _cells(line: Line, position: Mapping[str, int]) -> dict[str, str]:
    cells = {name: line.cells[index].strip() for name, index in position.items()}
    if "slide_id" in cells:
        cells[SLIDE_NAME] = cells["slide_id"]
        cells["slide_id"] = without_slide_suffix(cells["slide_id"])
    return cells


def _usable(
    lines: Iterator[Line], *, n_columns: int, index: bool, findings: Findings
) -> Iterator[Line]:
    n_uneven = 0
    for line in lines:
        if len(line.cells) != n_columns:
            n_uneven += 1
            if n_uneven > _MOST_UNEVEN:
                findings.add("the table is not read on: too many rows do not fit its header")
                return
            findings.add(
                f"{len(line.cells)} cells where the header has {n_columns} columns; "
                "quote cells that hold a separator, or complete the row",
                line=line.number,
            )
        elif not any(cell.strip() for cell in line.cells):
            findings.add("all cells are empty; remove the row", line=line.number)
        else:
            if index and not _ROW_NUMBER.fullmatch(line.cells[0].strip()):
                findings.add("a column has no name; name it or remove it", line=1)
            yield line


def _chosen(table: Rows, *, where: Mapping[str, Sequence[str]], findings: Findings) -> Rows:
    if not where or not set(where) <= set(table.columns):
        return table
    kept = tuple(row for row in table.rows if all(row[name] in where[name] for name in where))
    findings.note(f"cohort.where keeps {len(kept)} of {len(table.rows)} rows")
    for name, values in where.items():
        there = {row[name] for row in table.rows}
        for value in values:
            if value not in there:
                findings.add(f"cohort.where: no row has {name} '{value}'; correct it")
    return Rows(columns=table.columns, rows=kept, endpoints=table.endpoints)
