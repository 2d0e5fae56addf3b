"""What keeps a ledger: it can be read, and only be appended to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from shazam.promotion.ledger.chain import Head
from shazam.promotion.ledger.entry import SignedEntry


class LedgerStore(Protocol):
    """An append-only chain of entries."""

    def append(self, signed: SignedEntry) -> None:
        """Add the entry that follows the head.

        Raises:
            ConflictError: another entry was appended meanwhile; nothing was written.
            LedgerError: the entry is malformed, or the store cannot be used; when a connection
                is lost the entry may be there all the same: look at the head before going on.
        """

    def head(self) -> Head:
        """Return the number and hash of the last entry.

        Raises:
            LedgerError: the store cannot be used.
        """

    def texts(self) -> Iterator[bytes]:
        """Yield the texts of all entries in order; ``chain`` verifies them.

        Raises:
            LedgerError: the store cannot be used, or what it says of an entry is not so.
        """
