"""The lines of a table of text: its encoding, its separator, its cells with line numbers."""

from __future__ import annotations

import codecs
import csv
import io
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
_LONGEST_LINE = 16 * 1024 * 1024


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
    text = _decoded(table, member=member, findings=findings)
    if text is None:
        return
    lines = list(io.StringIO(text, newline=""))
    skipped, separator = _above_header(lines, findings=findings)
    if skipped == len(lines):
        findings.add("the table is empty; give it a header and one row per slide")
        return
    separator = separator or _separator_of(lines[skipped])
    if separator in ";|":
        findings.note(f"columns are separated by {_SEPARATORS[separator]}")
    yield from _records(lines, skipped=skipped, separator=separator, findings=findings)


def _decoded(table: Path, *, member: str | None, findings: Findings) -> str | None:
    content = table_bytes(table, member=member, findings=findings)
    if content is None:
        return None
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding not in {"utf-8", "utf-8-sig"}:
        findings.note(f"the text is {encoding.upper()}, as its first bytes say")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        findings.add(
            f"not {encoding.removesuffix('-sig').upper()} text (byte {error.start} is "
            f"{error.object[error.start]:#04x}); save the table as CSV, UTF-8"
        )
        return None
    if "\0" in text:
        findings.add("holds zero bytes, which no table has; save the table as CSV, UTF-8")
        return None
    return text


def _above_header(lines: Iterable[str], *, findings: Findings) -> tuple[int, str | None]:
    """Return how many lines stand above the header, and the separator that one of them says."""
    skipped, n_comments, separator = 0, 0, None
    for line in lines:
        said = _SAID_SEPARATOR.fullmatch(line)
        if said is not None and skipped == 0:
            separator = said[1]
        elif line.startswith("#"):
            n_comments += 1
        elif line.strip():
            break
        skipped += 1
    if n_comments:
        findings.note(f"{n_comments} line(s) of comment (#) above the header are left out")
    return skipped, separator


def _separator_of(header: str) -> str:
    found = {mark: len(next(csv.reader([header], delimiter=mark), [])) for mark in _SEPARATORS}
    return max(found, key=lambda mark: found[mark])


def _records(
    lines: list[str], *, skipped: int, separator: str, findings: Findings
) -> Iterator[Line]:
    start = skipped + 1
    reader = csv.reader(_bounded(lines[skipped:]), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if cells:
                yield Line(start, cells)
            start = skipped + reader.line_num + 1
    except csv.Error as error:
        findings.add(f"not valid CSV from here on ({error}); look for a stray quote", line=start)


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if len(line) > _LONGEST_LINE:
            raise csv.Error(f"a line of {len(line)} characters")
        yield line
