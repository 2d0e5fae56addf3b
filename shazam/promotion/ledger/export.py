"""A ledger as a file for others: the texts of its entries, one a line, as they were signed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from shazam.errors import LedgerError
from shazam.promotion.ledger.entry import MOST_BYTES
from shazam.publish import publish_bytes


def export_entries(target: Path, texts: Iterable[bytes]) -> str:
    """Write the texts of entries to a file and return its SHA-256.

    Raises:
        LedgerError: there is no entry, or one whose text cannot stand on a line.
    """
    lines = []
    for seq, text in enumerate(texts, start=1):
        if not text or b"\n" in text:
            raise LedgerError(f"entry {seq}: its text is empty or has several lines", seq=seq)
        lines.append(text + b"\n")
    if not lines:
        raise LedgerError("an empty ledger is not exported: make its first entry")
    return publish_bytes(target, b"".join(lines))


def exported_entries(path: Path) -> Iterator[bytes]:
    """Yield the texts of an exported ledger; nothing about them is verified.

    Raises:
        LedgerError: the file cannot be read, or is cut off in an entry.
    """
    seq = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(MOST_BYTES + 2):
                seq += 1
                if not line.endswith(b"\n"):
                    raise LedgerError(
                        f"{path}: entry {seq} is cut off, or longer than {MOST_BYTES} bytes",
                        seq=seq,
                    )
                yield line[:-1]
    except OSError as error:
        raise LedgerError(f"{path}: the ledger cannot be read: {error.strerror}") from error
