"""Verification of a ledger's chain: every entry whole, in its place, and bound to the one before.

Whose signatures are good is for the policy to say, which changes along the chain: it looks at each
entry in the same pass, before the next is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from shazam.errors import LedgerError, SignatureError
from shazam.promotion.ledger.entry import START, SignedEntry, read_entry
from shazam.promotion.signing.keys import PublicKey

Visit = Callable[[SignedEntry], object]


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a ledger: its number and hash; 0 and ``START`` when there is none."""

    seq: int
    hash: str


EMPTY = Head(0, START)


@dataclass(frozen=True, slots=True)
class Flag:
    """What is odd about an entry, and yet no reason to refuse the ledger."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A ledger whose chain is whole.

    Args:
        entries: all, the first has the number 1.
        flags: what is odd about some.
    """

    entries: tuple[SignedEntry, ...]
    flags: tuple[Flag, ...]


def read_chain(texts: Iterable[bytes], *, visit: Visit | None = None) -> Chain:
    """Return all entries of a ledger, verified.

    Args:
        texts: of all entries, in order.
        visit: looks at each entry before the next is read, such as at its signatures
            (:func:`signed_by`); what it raises ends the reading.

    Raises:
        LedgerError: an entry is damaged, altered or out of place; ``seq`` is that of the first.
    """
    entries: list[SignedEntry] = []
    for signed in walk(texts):
        if visit is not None:
            visit(signed)
        entries.append(signed)
    return Chain(tuple(entries), tuple(clock_flags(entries)))


def walk(texts: Iterable[bytes]) -> Iterator[SignedEntry]:
    """Yield the entries of a ledger, each verified against the one before.

    Raises:
        LedgerError: see :func:`read_chain`.
    """
    head = EMPTY
    for text in texts:
        signed = _next(text, head=head)
        yield signed
        head = Head(signed.entry.seq, signed.hash)


def signed_by(keys: Mapping[str, PublicKey]) -> Visit:
    """Return a visit that checks all signatures against the same keys, by fingerprint.

    It raises LedgerError with the number of the entry.
    """

    def visit(signed: SignedEntry) -> None:
        try:
            signed.check_signed(keys)
        except SignatureError as error:
            raise LedgerError(str(error), seq=signed.entry.seq) from error

    return visit


def clock_flags(entries: Iterable[SignedEntry]) -> Iterator[Flag]:
    """Yield a flag for each entry whose time is earlier than that of the entry before."""
    before: SignedEntry | None = None
    for signed in entries:
        if before is not None and signed.entry.time < before.entry.time:
            back_s = (before.entry.time - signed.entry.time).total_seconds()
            yield Flag(signed.entry.seq, f"the clock went back by {back_s:.3f} s")
        before = signed


def _next(text: bytes, *, head: Head) -> SignedEntry:
    """Return the entry that follows a head."""
    seq = head.seq + 1
    try:
        signed = read_entry(text)
    except LedgerError as error:
        raise LedgerError(f"entry {seq}: {error}", seq=seq) from error
    if signed.entry.seq != seq:
        raise LedgerError(
            f"entry {seq}: in its place stands one that says it is entry {signed.entry.seq}",
            seq=seq,
        )
    if signed.entry.previous != head.hash:
        last = "nothing" if head == EMPTY else f"entry {head.seq} as it stands"
        raise LedgerError(
            f"entry {seq}: it does not follow {last}; one of the two was replaced", seq=seq
        )
    return signed
