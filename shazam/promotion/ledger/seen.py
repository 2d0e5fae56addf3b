"""A place in a ledger that was seen before, and what it tells about the ledger of today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import NonNegativeInt, model_validator

from shazam.errors import LedgerError
from shazam.promotion.ledger.actions import Body, Sha256
from shazam.promotion.ledger.chain import EMPTY
from shazam.promotion.ledger.entry import SignedEntry


class Seen(Body):
    """Which ledger (hash of entry 1, None before there is one), and its head when it was seen."""

    ledger: Sha256 | None
    seq: NonNegativeInt
    hash: Sha256

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.ledger is None) != (self.seq == 0) or (
            (self.seq == 0) != (self.hash == EMPTY.hash)
        ):
            raise ValueError("before the first entry: no ledger, seq 0 and a hash of zeros")
        if self.seq == 1 and self.hash != self.ledger:
            raise ValueError("the ledger is named by the hash of entry 1, and two are given")
        return self


def check_seen(entries: Sequence[SignedEntry], *, seen: Seen, by: str) -> None:
    """Refuse a ledger in which something is missing or other than it was.

    Args:
        entries: all entries of the ledger as it is now.
        seen: what is known of it.
        by: what knows it, for the message.

    Raises:
        LedgerError: it is another ledger, was cut short, or was rewritten.
    """
    if seen.seq == 0:
        return
    if entries and entries[0].hash != seen.ledger:
        raise LedgerError(
            f"another ledger: its entry 1 is {entries[0].hash[:12]}, and {by} is of the ledger "
            f"that begins with {str(seen.ledger)[:12]}",
            seq=1,
        )
    if len(entries) < seen.seq:
        raise LedgerError(
            f"the ledger was cut short, or is an old copy: {by} has seen entry {seen.seq}, and "
            f"there are {len(entries)}; entries {len(entries) + 1} to {seen.seq} are missing",
            seq=len(entries) + 1,
        )
    if entries[seen.seq - 1].hash != seen.hash:
        raise LedgerError(
            f"the ledger was rewritten: {by} has seen entry {seen.seq} as {seen.hash[:12]}, and "
            f"it is {entries[seen.seq - 1].hash[:12]}",
            seq=seen.seq,
        )
