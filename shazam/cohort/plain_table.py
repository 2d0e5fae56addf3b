"""Tables of text made elsewhere, whole: header and rows, however they are packed and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shazam.cohort.findings import Findings
from shazam.cohort.lines import table_lines
from shazam.errors import ConfigError

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zip")


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A header and rows as text, without outer blanks; a column may have an empty name."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> tuple[str, ...]:
        """Return the cells of a column."""
        place = self.header.index(name)
        return tuple(row[place] for row in self.rows)

    def first_of(self, names: Sequence[str]) -> str | None:
        """Return the header's spelling of the first of these lower-case names that it has."""
        spelt: Mapping[str, str] = {name.lower(): name for name in reversed(self.header)}
        return next((spelt[name] for name in names if name in spelt), None)


def read_plain_table(path: Path) -> PlainTable:
    """Read a table, plain or packed by gzip or zip; see :func:`shazam.cohort.lines.table_lines`.

    Raises:
        ConfigError: it cannot be read, is no table, or a row has too many or too few cells.
    """
    findings = Findings()
    lines = list(table_lines(path, member=None, findings=findings))
    if findings.messages:
        raise ConfigError(f"{path}: {'; '.join(findings.messages)}")
    if len(lines) < 2:
        raise ConfigError(f"{path}: has no rows; give a header and one row for each case")
    header = tuple(cell.strip() for cell in lines[0].cells)
    for line in lines[1:]:
        if len(line.cells) != len(header):
            raise ConfigError(
                f"{path}: line {line.number} has {len(line.cells)} cells, the header {len(header)}"
            )
    rows = (tuple(cell.strip() for cell in line.cells) for line in lines[1:])
    return PlainTable(path, header, tuple(rows))
