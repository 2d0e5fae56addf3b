"""The trust file: which ledger is ours and how far it was, kept outside of its database.

A database that is restored from an old copy, or rewritten by somebody with all rights on it, is
whole in itself; only what is kept elsewhere can tell.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator

from shazam.digest import canonical_json
from shazam.errors import LedgerError
from shazam.promotion.ledger.actions import Sha256
from shazam.promotion.ledger.chain import EMPTY
from shazam.promotion.ledger.entry import SignedEntry, told
from shazam.promotion.ledger.seen import Seen, check_seen
from shazam.promotion.policy.document import ROOTS_NEEDED
from shazam.publish import publish_bytes

_HOW = "take the file from a holder of a root key, or restore it from your backup"


class Trust(Seen):
    """What is trusted: the root keys of entry 1, and the head that was seen last.

    ``roots`` are fingerprints; later entries may name other root keys, and the chain proves them.
    """

    format: Literal["shazam-trust-1"] = "shazam-trust-1"
    roots: Annotated[tuple[Sha256, ...], Field(min_length=ROOTS_NEEDED)]

    @field_validator("roots")
    @classmethod
    def _are_distinct(cls, roots: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(roots)) != len(roots):
            raise ValueError("the same root key stands twice")
        return roots


def first_trust(roots: Sequence[str]) -> Trust:
    """Return the trust in root keys (fingerprints) before the first entry is made."""
    return Trust(ledger=None, roots=tuple(roots), seq=EMPTY.seq, hash=EMPTY.hash)


def read_trust(path: Path) -> Trust:
    """Return what a trust file holds.

    Raises:
        LedgerError: it is missing or damaged.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise LedgerError(
            f"{path}: no trust file can be read ({error.strerror}), and without it no ledger is "
            f"trusted; {_HOW}"
        ) from error
    try:
        trust = Trust.model_validate_json(text)
    except ValidationError as error:
        raise LedgerError(f"{path}: the trust file is damaged ({told(error)}); {_HOW}") from error
    if canonical_json(trust) != text:
        raise LedgerError(
            f"{path}: the trust file is damaged (not written in its one form); {_HOW}"
        )
    return trust


def write_first_trust(path: Path, trust: Trust) -> None:
    """Write a trust file where there is none.

    Raises:
        LedgerError: there is one already, or it cannot be written.
    """
    with _alone(path):
        if path.exists():
            raise LedgerError(f"{path}: there is a trust file already, and it is never replaced")
        publish_bytes(path, canonical_json(trust))


def check_trusted(entries: Sequence[SignedEntry], trust: Trust) -> None:
    """Refuse a verified ledger that does not hold what was seen of it before.

    Read the trust file first, then the ledger: the other way round, another process may append and
    take the file further than what was read.

    Raises:
        LedgerError: it is another ledger, was cut short or restored, or was rewritten.
    """
    check_seen(entries, seen=trust, by="the trust file")


def advanced(trust: Trust, entries: Sequence[SignedEntry]) -> Trust:
    """Return the trust in the head of a verified ledger that holds what was trusted before.

    Raises:
        LedgerError: it does not.
    """
    check_trusted(entries, trust)
    if not entries:
        return trust
    last = entries[-1]
    return Trust(ledger=entries[0].hash, roots=trust.roots, seq=last.entry.seq, hash=last.hash)


def keep_trust(path: Path, entries: Sequence[SignedEntry]) -> Trust:
    """Bring a trust file up to a verified ledger and return what it then holds.

    It never goes back: if another process has seen more of the same ledger meanwhile, its file
    stays.

    Args:
        path: the file, which exists.
        entries: all entries of the ledger, checked against the file when they were read.

    Raises:
        LedgerError: the file is missing, damaged or cannot be written, or the ledger is not the
            one that it trusts.
    """
    with _alone(path):
        trust = read_trust(path)
        if entries and trust.seq > len(entries) and trust.ledger == entries[0].hash:
            return trust
        newer = advanced(trust, entries)
        if newer != trust:
            publish_bytes(path, canonical_json(newer))
        return newer


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a trust file against other processes; the lock goes with the process."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise LedgerError(f"{path}: the trust file cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
