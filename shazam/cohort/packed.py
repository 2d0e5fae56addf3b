"""The bytes of a table, plain or packed by gzip or zip: bounded, and never unpacked to disk."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from shazam.cohort.findings import Findings

MAX_TABLE_BYTES = 256 * 1024 * 1024

_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_KINDS = {
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
    b"7z\xbc\xaf": "packed by 7-Zip",
    b"%PDF": "a PDF",
    b"SQLite": "a database",
}
_UNPACKING = (
    *(EOFError, NotImplementedError, RuntimeError, ValueError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile),
)
_SHOWN = 10


def table_bytes(table: Path, *, member: str | None, findings: Findings) -> bytes | None:
    """Return the bytes of a table; its bytes say whether it is packed, not its name.

    Args:
        table: the file.
        member: name of the table inside a zip archive that holds several files.
        findings: collects what is wrong.

    Returns:
        None if the table cannot be read; ``findings`` says why.
    """
    if not table.is_file():
        findings.add("no such file; name a table that is there, such as a CSV file")
        return None
    try:
        with table.open("rb") as file:
            content = _unpacked(file, member=member, findings=findings)
    except OSError as error:
        findings.add(f"cannot be read ({error.strerror or error}); check file and permissions")
        return None
    return None if content is None or not _is_text(content, findings=findings) else content


def _unpacked(file: IO[bytes], *, member: str | None, findings: Findings) -> bytes | None:
    head = file.read(4)
    file.seek(0)
    try:
        if head.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as packed:
                return _bounded(packed, findings=findings)
        if head in _ZIP:
            return _member(file, member=member, findings=findings)
    except _UNPACKING as error:
        findings.add(f"cannot be unpacked ({error}); get the file again, or save it unpacked")
        return None
    if member is not None:
        findings.add("cohort.member names a file of a zip archive, but this is none; remove it")
    return _bounded(file, findings=findings)


def _bounded(file: IO[bytes] | gzip.GzipFile, *, findings: Findings) -> bytes | None:
    content = file.read(MAX_TABLE_BYTES + 1)
    if len(content) > MAX_TABLE_BYTES:
        findings.add(
            f"holds more than {MAX_TABLE_BYTES // 1024**2} MiB of text; keep only the columns "
            "and rows that are needed"
        )
        return None
    return content


def _member(file: IO[bytes], *, member: str | None, findings: Findings) -> bytes | None:
    with zipfile.ZipFile(file) as archive:
        entries = [entry for entry in archive.infolist() if _is_table(entry)]
        if any(entry.filename == "[Content_Types].xml" for entry in entries):
            findings.add("an Excel workbook; save the sheet as CSV, UTF-8")
            return None
        if member is not None:
            entries = [entry for entry in archive.infolist() if entry.filename == member]
        if len(entries) != 1:
            findings.add(_which(archive.namelist(), n_found=len(entries), member=member))
            return None
        if entries[0].flag_bits & 0x1:
            findings.add(f"its file {_named(entries[0].filename)} is encrypted; unpack it first")
            return None
        with archive.open(entries[0]) as packed:
            return _bounded(packed, findings=findings)


def _is_table(entry: zipfile.ZipInfo) -> bool:
    parts = entry.filename.replace("\\", "/").split("/")
    return not entry.is_dir() and "__MACOSX" not in parts and not parts[-1].startswith(".")


def _which(names: Sequence[str], *, n_found: int, member: str | None) -> str:
    shown = ", ".join(_named(name) for name in names[:_SHOWN]) or "nothing"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    if member is not None:
        return f"the zip archive holds {n_found} files {_named(member)}; it holds {shown}{more}"
    if not n_found:
        return f"the zip archive holds no table; it holds {shown}{more}"
    return (
        f"the zip archive holds several files ({shown}{more}); name one in cohort.member, or give "
        "an archive of one table"
    )


def _named(name: str) -> str:
    return ascii(name[:200])


def _is_text(content: bytes, *, findings: Findings) -> bool:
    kind = next((kind for magic, kind in _KINDS.items() if content.startswith(magic)), None)
    if content.startswith((_GZIP, *_ZIP)):
        kind = "packed twice"
    if kind is not None:
        findings.add(f"not a table of text but {kind}; save the table as CSV, UTF-8")
    return kind is None
