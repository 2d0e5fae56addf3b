"""Ledgers in SQLite or PostgreSQL.

SQLite keeps its rollback journal: one file that can be copied, read where nothing can be written,
and kept on a network's disk, all of which its write-ahead log cannot. ``synchronous=EXTRA``: with
FULL a commit in this mode may be undone by a power failure.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Row, create_engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from shazam.errors import ConfigError, ConflictError, LedgerError
from shazam.promotion.ledger.address import Address, Database, read_address
from shazam.promotion.ledger.chain import EMPTY, Head, walk
from shazam.promotion.ledger.entry import SignedEntry, hash_of, read_entry
from shazam.promotion.ledger.faults import faults_told
from shazam.promotion.ledger.schema import ENTRIES, check_schema, create_schema

TIMEOUT_S = 10.0
_PAGE = 500
_LOCK = 0x5348415A414D  # of writers among each other, any number that others do not use


def create_ledger(url: str, *, timeout_s: float = TIMEOUT_S) -> SqlLedger:
    """Make a ledger where there is none yet, and open it.

    Args:
        url: ``sqlite:///PATH``, which is made for its owner only, or ``postgresql://...``.
        timeout_s: longest wait for other processes, in seconds.

    Raises:
        ConfigError: the URL is not understood.
        LedgerError: the database cannot be used, or holds something else.
    """
    address = read_address(url)
    if address.database is Database.SQLITE:
        _make_file(address)
    ledger = SqlLedger(address, timeout_s=timeout_s)
    with ledger.writing() as connection:
        create_schema(connection, address=address)
    return ledger


def open_ledger(url: str, *, timeout_s: float = TIMEOUT_S) -> SqlLedger:
    """Open a ledger that exists. See :func:`create_ledger`.

    Raises:
        ConfigError: the URL is not understood.
        LedgerError: there is none, or the database cannot be used.
    """
    address = read_address(url)
    if address.database is Database.SQLITE and not address.path.is_file():
        raise LedgerError(
            f"{address.shown}: no ledger; look whether the path is right, and create or restore it"
        )
    ledger = SqlLedger(address, timeout_s=timeout_s)
    with ledger.reading() as connection:
        check_schema(connection, address=address)
    return ledger


class SqlLedger:
    """A ledger in a database; a ``LedgerStore``. Every call has a connection of its own.

    Args:
        address: of the database.
        timeout_s: longest wait for other processes, in seconds.
    """

    def __init__(self, address: Address, *, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._engine = _engine(address, timeout_s=timeout_s)

    def append(self, signed: SignedEntry) -> None:
        """Add the entry that follows the head. See ``LedgerStore``."""
        if read_entry(signed.text) != signed:
            raise LedgerError(f"entry {signed.entry.seq}: its text is that of another entry")
        with self.writing() as connection:
            head = _head(connection)
            if (signed.entry.seq, signed.entry.previous) != (head.seq + 1, head.hash):
                raise _conflict(signed, head=head)
            row = {
                "seq": signed.entry.seq,
                "previous": signed.entry.previous,
                "hash": signed.hash,
                "text": signed.text.decode(),
            }
            try:
                connection.execute(ENTRIES.insert().values(row))
            except IntegrityError:  # of somebody who does not wait for the lock
                raise _conflict(signed, head=head) from None

    def head(self) -> Head:
        """Return the number and hash of the last entry. See ``LedgerStore``."""
        with self.reading() as connection:
            return _head(connection)

    def texts(self) -> Iterator[bytes]:
        """Yield the texts of all entries in order. See ``LedgerStore``.

        They are read in pages, each with a connection of its own, so that a slow reader never
        holds up a writer; what was read cannot change meanwhile.
        """
        head = EMPTY
        while page := self._page(after=head if head.seq else None):
            for row in page:
                content = _checked(row, head=head)
                yield content
                head = Head(row.seq, row.hash)

    def entries(self) -> Iterator[SignedEntry]:
        """Yield all entries, their chain verified, their signatures not.

        Raises:
            LedgerError: the store cannot be used, or an entry is damaged or out of place.
        """
        return walk(self.texts())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection."""
        with faults_told(self._address), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction that holds other writers off."""
        with faults_told(self._address), self._engine.begin() as connection:
            match self._address.database:
                case Database.SQLITE:
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                case Database.POSTGRES:
                    wait = f"{int(self._timeout_s * 1000)}ms"
                    connection.execute(
                        text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": wait}
                    )
                    # a lock on the table would need more rights than INSERT
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield connection

    def _page(self, *, after: Head | None) -> list[Row[Any]]:
        query = select(ENTRIES).order_by(ENTRIES.c.seq).limit(_PAGE)
        if after is not None:  # the first page begins with whatever is there, if it is -1
            query = query.where(ENTRIES.c.seq > after.seq)
        with self.reading() as connection:
            return list(connection.execute(query))


def _head(connection: Connection) -> Head:
    query = select(ENTRIES.c.seq, ENTRIES.c.hash).order_by(ENTRIES.c.seq.desc()).limit(1)
    row = connection.execute(query).first()
    return EMPTY if row is None else Head(row.seq, row.hash)


def _checked(row: Row[Any], *, head: Head) -> bytes:
    """Return the text of a row whose columns say of it what is so."""
    seq = head.seq + 1
    if row.seq != seq:
        raise LedgerError(f"entry {seq}: missing, the next is entry {row.seq}", seq=seq)
    content = row.text.encode(errors="surrogateescape") if isinstance(row.text, str) else b""
    if hash_of(content) != row.hash:
        raise LedgerError(f"entry {seq}: its text is not that of its hash", seq=seq)
    if row.previous != head.hash:
        raise LedgerError(f"entry {seq}: its row does not follow the one before", seq=seq)
    return content


def _conflict(signed: SignedEntry, *, head: Head) -> ConflictError:
    return ConflictError(
        f"entry {signed.entry.seq} was not appended: the ledger's head is entry {head.seq} "
        f"({head.hash[:12]}), and it follows {signed.entry.previous[:12]}; read the ledger again"
    )


def _make_file(address: Address) -> None:
    try:
        address.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(address.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise LedgerError(
            f"{address.shown}: no ledger can be made here: {error.strerror}"
        ) from error


def _engine(address: Address, *, timeout_s: float) -> Engine:
    match address.database:
        case Database.SQLITE:
            return create_engine(
                address.url,
                poolclass=NullPool,
                creator=lambda: _open_sqlite(address, timeout_s=timeout_s),
            )
        case Database.POSTGRES:
            return _postgres_engine(address, timeout_s=timeout_s)


def _open_sqlite(address: Address, *, timeout_s: float) -> sqlite3.Connection:
    """Return a connection that keeps what is committed, and gives back the bytes of any text."""
    connection = sqlite3.connect(address.path, timeout=timeout_s, isolation_level=None)
    connection.text_factory = lambda content: content.decode(errors="surrogateescape")
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _postgres_engine(address: Address, *, timeout_s: float) -> Engine:
    try:
        return create_engine(
            address.url,
            poolclass=NullPool,
            connect_args={"connect_timeout": max(2, int(timeout_s))},  # libpq's least is 2 s
        )
    except ImportError as error:
        raise ConfigError(
            "a ledger in PostgreSQL needs psycopg: pip install 'shazam[postgres]'"
        ) from error
