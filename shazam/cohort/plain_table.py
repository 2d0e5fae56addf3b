"""Tables of text made elsewhere: CSV or TSV, plain, gzip or the one member of a zip archive."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shazam.errors import ConfigError

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zip")
_MOST_BYTES = 1 << 29
_NO_TABLE = (UnicodeDecodeError, csv.Error, zipfile.BadZipFile, zlib.error, EOFError)


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
    """Read a table.

    Args:
        path: a file with one of :data:`SUFFIXES`; the delimiter is a tab where the header has one.

    Raises:
        ConfigError: it cannot be read, is no table, or a row has too many or too few cells.
    """
    try:
        text = _bytes_of(path).decode("utf-8-sig")
        delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines = [[cell.strip() for cell in cells] for cells in reader if cells]
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except _NO_TABLE as error:
        raise ConfigError(f"{path}: no table of text: {error}") from error
    if len(lines) < 2:
        raise ConfigError(f"{path}: has no rows; give a header and one row for each case")
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) != len(lines[0]):
            raise ConfigError(
                f"{path}: row {number} has {len(cells)} cells, the header {len(lines[0])}"
            )
    return PlainTable(path, tuple(lines[0]), tuple(tuple(cells) for cells in lines[1:]))


def _bytes_of(path: Path) -> bytes:
    if path.suffix == ".zip":
        return _member_of(path)
    if path.suffix != ".gz":
        return path.read_bytes()
    with gzip.open(path) as file:
        return _bounded(file.read(_MOST_BYTES + 1), path)


def _member_of(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if len(names) != 1:
            raise ConfigError(f"{path}: holds {len(names)} files; give an archive of one table")
        with archive.open(names[0]) as file:
            return _bounded(file.read(_MOST_BYTES + 1), path)


def _bounded(content: bytes, path: Path) -> bytes:
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{path}: unpacks to more than {_MOST_BYTES >> 20} MiB; no split file")
    return content
