"""What is particular to a ledger in PostgreSQL."""

import secrets

import psycopg
import pytest
from psycopg import sql

from shazam.errors import LedgerError
from shazam.promotion.ledger.chain import read_chain, signed_by
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.ledger.sql import SqlLedger, create_ledger, open_ledger
from tests.promotion.ledger import made
from tests.promotion.ledger.postgres import Server

pytestmark = pytest.mark.integration

LENGTH = 4


@pytest.fixture
def database(postgres: Server) -> str:
    return postgres.new_database()


@pytest.fixture
def entries() -> list[SignedEntry]:
    return made.chain(LENGTH)


@pytest.fixture
def ledger(postgres, database, entries) -> SqlLedger:
    made_ledger = create_ledger(postgres.url(database))
    for entry in entries:
        made_ledger.append(entry)
    return made_ledger


def new_user(postgres: Server, database: str, *rights: str) -> str:
    name = f"user_{secrets.token_hex(4)}"
    with postgres.admin(database) as connection:
        user = sql.Identifier(name)
        secret = sql.Literal(postgres.password)
        connection.execute(sql.SQL("CREATE USER {} PASSWORD {}").format(user, secret))
        for right in rights:
            grant = sql.SQL(f"GRANT {right} TO {{}}")
            connection.execute(grant.format(user))
    return name


def test_a_wrong_password_is_told_and_not_shown(postgres, database):
    wrong = secrets.token_hex(8)
    with pytest.raises(LedgerError, match="the server refuses the password; look at") as caught:
        open_ledger(postgres.url(database, password=wrong))
    assert wrong not in str(caught.value)
    assert postgres.password not in str(caught.value)


def test_a_database_that_is_not_there_is_told(postgres):
    with pytest.raises(LedgerError, match='database "nowhere" does not exist'):
        open_ledger(postgres.url("nowhere"))


def test_a_database_without_a_ledger_is_told(postgres, database):
    with pytest.raises(LedgerError, match="no ledger; look whether the address is right"):
        open_ledger(postgres.url(database))


def test_a_ledger_may_stand_beside_other_tables(postgres, database):
    with postgres.admin(database) as connection:
        connection.execute("CREATE TABLE runs (id INTEGER)")
    create_ledger(postgres.url(database)).append(made.signed(1))
    assert open_ledger(postgres.url(database)).head().seq == 1


def test_a_user_needs_no_more_than_select_and_insert(postgres, database, ledger, entries):
    rights = "SELECT, INSERT ON shazam_ledger", "SELECT ON shazam_ledger_schema"
    user = new_user(postgres, database, *rights)
    mine = open_ledger(postgres.url(database, user=user))
    mine.append(made.signed(LENGTH + 1, previous=entries[-1].hash))
    assert mine.head().seq == LENGTH + 1
    assert len(list(mine.entries())) == LENGTH + 1


def test_a_temporary_table_of_the_same_name_hides_nothing(postgres, database, ledger, entries):
    user = new_user(postgres, database, "SELECT, INSERT ON shazam_ledger")
    with psycopg.connect(postgres.url(database, user=user), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE shazam_ledger (seq int, previous text, hash text)")
        connection.execute("INSERT INTO shazam_ledger VALUES (8, 'x', 'y')")
        with pytest.raises(psycopg.errors.UniqueViolation, match="not the entry that is next"):
            connection.execute("INSERT INTO public.shazam_ledger VALUES (9, 'y', 'z', 'text')")
    assert list(ledger.entries()) == entries


def test_a_user_without_rights_is_told(postgres, database, ledger, entries):
    stranger = new_user(postgres, database)
    with pytest.raises(LedgerError, match="this user may not do that; the ledger needs SELECT"):
        open_ledger(postgres.url(database, user=stranger))
    rights = "SELECT ON shazam_ledger", "SELECT ON shazam_ledger_schema"
    reader = open_ledger(postgres.url(database, user=new_user(postgres, database, *rights)))
    assert list(reader.entries()) == entries
    with pytest.raises(LedgerError, match="permission denied for table shazam_ledger"):
        reader.append(made.signed(LENGTH + 1, previous=entries[-1].hash))


def test_a_held_ledger_is_waited_for_and_then_told(postgres, database, ledger, entries):
    waiting = open_ledger(postgres.url(database), timeout_s=0.2)
    mine = made.signed(LENGTH + 1, previous=entries[-1].hash)
    with ledger.writing(), pytest.raises(LedgerError, match="another process holds it; run again"):
        waiting.append(mine)
    assert list(waiting.entries()) == entries
    waiting.append(mine)


@pytest.mark.parametrize("mode", ["origin", "replica"])
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE shazam_ledger SET text = 'x' WHERE seq = 2", "UPDATE is refused"),
        ("DELETE FROM shazam_ledger WHERE seq = 4", "DELETE is refused"),
        ("TRUNCATE shazam_ledger", "TRUNCATE is refused"),
        ("TRUNCATE shazam_ledger CASCADE", "TRUNCATE is refused"),
        (
            "INSERT INTO shazam_ledger VALUES (2, 'x', 'y', 'z') "
            "ON CONFLICT (seq) DO UPDATE SET text = 'z'",
            "(not the entry that is next|UPDATE is refused)",
        ),
        ("INSERT INTO shazam_ledger VALUES (9, 'x', 'y', 'z')", "not the entry that is next"),
        (
            "MERGE INTO shazam_ledger USING (SELECT 2 AS n) AS s ON seq = n "
            "WHEN MATCHED THEN DELETE",
            "DELETE is refused",
        ),
    ],
)
def test_no_entry_is_changed_or_deleted(postgres, database, ledger, entries, statement, said, mode):
    with postgres.admin(database) as connection:
        connection.execute(f"SET session_replication_role = {mode}")
        with pytest.raises(psycopg.Error, match=f"the ledger is append-only: {said}"):
            connection.execute(statement)
    assert list(ledger.texts()) == made.texts(entries)


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE shazam_ledger SET text = replace(text, '0', '1') WHERE seq = 2", 2),
        ("UPDATE shazam_ledger SET hash = 'x' WHERE seq = 3", 3),
        ("UPDATE shazam_ledger SET previous = 'x' WHERE seq = 3", 3),
        ("DELETE FROM shazam_ledger WHERE seq = 2", 2),
        ("INSERT INTO shazam_ledger VALUES (-1, 'x', 'y', 'z')", 1),
        ("INSERT INTO shazam_ledger VALUES (9, 'x', 'y', 'z')", LENGTH + 1),
    ],
)
def test_what_is_done_while_the_triggers_are_off_is_found(
    postgres, database, ledger, statement, seq
):
    with postgres.admin(database) as connection:
        connection.execute("ALTER TABLE shazam_ledger DISABLE TRIGGER ALL")
        connection.execute(statement)
        connection.execute("ALTER TABLE shazam_ledger ENABLE TRIGGER ALL")
    with pytest.raises(LedgerError) as caught:
        read_chain(ledger.texts(), visit=signed_by(made.KEYS))
    assert caught.value.seq == seq


def test_a_connection_that_is_cut_writes_nothing_and_is_told(postgres, database, ledger, entries):
    with pytest.raises(LedgerError, match="terminating connection"):
        _write_while_cut(postgres, database, ledger)
    assert list(ledger.entries()) == entries
    ledger.append(made.signed(LENGTH + 1, previous=entries[-1].hash))


def _write_while_cut(postgres: Server, database: str, ledger: SqlLedger) -> None:
    with ledger.writing() as held:
        pid = held.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        with postgres.admin(database) as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        held.exec_driver_sql("SELECT 1")
