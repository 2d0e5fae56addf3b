"""The tables of a ledger, and the triggers that refuse all but the next entry."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    select,
)

from shazam.errors import LedgerError
from shazam.promotion.ledger.address import Address, Database

VERSION = 1
_METADATA = MetaData()

ENTRIES = Table(
    "shazam_ledger",
    _METADATA,
    Column(
        "seq",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("previous", String(64), unique=True, nullable=False),
    Column("hash", String(64), unique=True, nullable=False),
    Column("text", Text, nullable=False),
)
_SCHEMA = Table(
    "shazam_ledger_schema",
    _METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
)

# INSERT OR REPLACE deletes rows without asking the trigger on DELETE: what would collide with any
# row is refused before. What the first entry has before it are 64 zeros.
_SQLITE = (
    """CREATE TRIGGER shazam_ledger_next BEFORE INSERT ON shazam_ledger
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM shazam_ledger)
      OR NEW.previous IS NOT coalesce(
        (SELECT hash FROM shazam_ledger ORDER BY seq DESC LIMIT 1), printf('%064d', 0))
      OR EXISTS (SELECT 1 FROM shazam_ledger
        WHERE hash IS NEW.hash OR previous IS NEW.previous)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: not the entry that is next'); END""",
    """CREATE TRIGGER shazam_ledger_no_update BEFORE UPDATE ON shazam_ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE is refused'); END""",
    """CREATE TRIGGER shazam_ledger_no_delete BEFORE DELETE ON shazam_ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: DELETE is refused'); END""",
)
_POSTGRES = (
    # the table is named by its number: a temporary one of the same name would stand before it
    """CREATE FUNCTION shazam_ledger_next() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog AS $$
    DECLARE
      last_seq bigint;
      last_hash text;
    BEGIN
      EXECUTE 'SELECT seq, hash FROM ' || TG_RELID::regclass || ' ORDER BY seq DESC LIMIT 1'
        INTO last_seq, last_hash;
      IF NEW.seq IS DISTINCT FROM coalesce(last_seq, 0) + 1
        OR NEW.previous IS DISTINCT FROM coalesce(last_hash, repeat('0', 64))
      THEN RAISE EXCEPTION USING ERRCODE = 'unique_violation',
        MESSAGE = 'the ledger is append-only: not the entry that is next';
      END IF;
      RETURN NEW;
    END $$""",
    """CREATE FUNCTION shazam_ledger_refuse() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog AS $$
    BEGIN
      RAISE EXCEPTION USING MESSAGE = 'the ledger is append-only: ' || TG_OP || ' is refused';
    END $$""",
    """CREATE TRIGGER shazam_ledger_next BEFORE INSERT ON shazam_ledger
    FOR EACH ROW EXECUTE FUNCTION shazam_ledger_next()""",
    """CREATE TRIGGER shazam_ledger_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON shazam_ledger
    FOR EACH STATEMENT EXECUTE FUNCTION shazam_ledger_refuse()""",
    # ALWAYS: in sessions that replay a replica's changes too
    """ALTER TABLE shazam_ledger ENABLE ALWAYS TRIGGER shazam_ledger_next""",
    """ALTER TABLE shazam_ledger ENABLE ALWAYS TRIGGER shazam_ledger_refuse""",
)


def create_schema(connection: Connection, *, address: Address) -> None:
    """Make the tables and triggers, in a transaction that holds other creators off.

    Raises:
        LedgerError: the file holds something else, or a ledger of another version.
    """
    names = set(inspect(connection).get_table_names())
    if ENTRIES.name in names or _SCHEMA.name in names:
        check_schema(connection, address=address)
        return
    if names and address.database is Database.SQLITE:
        raise LedgerError(
            f"{address.shown}: the database of something else ({sorted(names)[0]}); a ledger has "
            "its own file"
        )
    _METADATA.create_all(connection)
    for statement in _SQLITE if address.database is Database.SQLITE else _POSTGRES:
        connection.exec_driver_sql(statement)
    connection.execute(_SCHEMA.insert().values(version=VERSION))


def check_schema(connection: Connection, *, address: Address) -> None:
    """Refuse a database that is no ledger, or one of another version.

    Raises:
        LedgerError: it is.
    """
    names = set(inspect(connection).get_table_names())
    if not {ENTRIES.name, _SCHEMA.name} <= names:
        raise LedgerError(
            f"{address.shown}: no ledger; look whether the address is right, and create or "
            "restore the ledger"
        )
    versions = connection.execute(select(_SCHEMA.c.version)).scalars().all()
    if versions != [VERSION]:
        raise LedgerError(
            f"{address.shown}: a ledger of the version {', '.join(map(str, versions)) or 'none'}, "
            f"and this is for version {VERSION}; use the release that wrote it, or a later one"
        )
