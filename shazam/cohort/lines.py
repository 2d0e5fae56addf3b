"""The lines of a table of text: its encoding, its separator, its cells with line numbers."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shazam.cohort.findings import Findings
from shazam.cohort.packed import table_bytes

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_SAID_SEPARATOR = re.compile(r'"?sep=([,;|\t])"?\s*')
_QUOTED = re.compile(r'"[^"]*"')
MAX_ROWS = 500_000
_LONGEST_LINE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One record: the line in the file where it starts (counted from 1), and its cells."""

    number: int
    cells: list[str]


def table_lines(table: Path, *, member: str | None, findings: Findings) -> Iterator[Line]:
    """Yield the header and the rows of a table; what is wrong goes to ``findings``.

    Lines at the top that start with ``#`` are comments. The header says which of comma, tab,
    semicolon and bar separates the columns.

    Args:
        table: a file of text, plain or packed by gzip or zip.
        member: name of the table inside a zip archive that holds several files.
        findings: collects the problems, and notes on what is unusual.
    """
    file = _text(table, member=member, findings=findings)
    if file is None:
        return
    header, number, separator = _header(file, findings=findings)
    if header is None:
        findings.add("the table is empty; give it a header and one row per slide")
        return
    if len(header) > _LONGEST_LINE:
        findings.add(f"its first line has more than {_LONGEST_LINE} characters", line=number)
        return
    separator = separator or _separator_of(header)
    if separator in ";|":
        findings.note(f"columns are separated by {_SEPARATORS[separator]}")
    lines = itertools.chain([header], file)
    yield from _records(lines, above=number - 1, separator=separator, findings=findings)


def _text(table: Path, *, member: str | None, findings: Findings) -> io.TextIOWrapper | None:
    content = table_bytes(table, member=member, findings=findings)
    if content is None:
        return None
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding not in {"utf-8", "utf-8-sig"}:
        findings.note(f"the text is {encoding.upper()}, as its first bytes say")
    try:
        has_zeros = "\0" in content.decode(encoding)
    except UnicodeDecodeError as error:
        findings.add(
            f"not {encoding.removesuffix('-sig').upper()} text (byte {error.start} is "
            f"{content[error.start]:#04x}); save the table as CSV, UTF-8"
        )
        return None
    if has_zeros:
        findings.add("holds zero bytes, which no table has; save the table as CSV, UTF-8")
        return None
    return io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")


def _header(lines: Iterable[str], *, findings: Findings) -> tuple[str | None, int, str | None]:
    """Return the header, its line (counted from 1), and the separator that the first line says."""
    n_comments, separator, header, number = 0, None, None, 0
    for number, line in enumerate(lines, start=1):
        said = _SAID_SEPARATOR.fullmatch(line)
        if said is not None and number == 1:
            separator = said[1]
        elif line.startswith("#"):
            n_comments += 1
        elif line.strip():
            header = line
            break
    if n_comments:
        findings.note(f"{n_comments} line(s) of comment (#) above the header are left out")
    return header, number, separator


def _separator_of(header: str) -> str:
    unquoted = _QUOTED.sub("", header)
    return max(_SEPARATORS, key=unquoted.count)


def _records(
    lines: Iterable[str], *, above: int, separator: str, findings: Findings
) -> Iterator[Line]:
    start = above + 1
    reader = csv.reader(_bounded(lines), delimiter=separator, strict=True)
    n_records = 0
    try:
        for cells in reader:
            if cells:
                yield Line(start, cells)
                n_records += 1
            start = above + reader.line_num + 1
            if n_records > MAX_ROWS + 1:
                findings.add(f"more than {MAX_ROWS} rows; give one row per slide", line=start)
                return
    except csv.Error as error:
        findings.add(f"not valid CSV from here on ({error}); look for a stray quote", line=start)


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if len(line) > _LONGEST_LINE:
            raise csv.Error(f"a line of {len(line)} characters")
        yield line
