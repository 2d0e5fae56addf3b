"""What is particular to a ledger in a file."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shazam.errors import ConfigError, LedgerError
from shazam.promotion.ledger.chain import read_chain, signed_by
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.ledger.sql import SqlLedger, create_ledger, open_ledger
from tests.promotion.ledger import made

TRIGGERS = ("shazam_ledger_next", "shazam_ledger_no_update", "shazam_ledger_no_delete")
LENGTH = 5


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def entries() -> list[SignedEntry]:
    return made.chain(LENGTH)


@pytest.fixture
def ledger(path, entries) -> SqlLedger:
    made_ledger = create_ledger(f"sqlite:///{path}")
    for entry in entries:
        made_ledger.append(entry)
    return made_ledger


def run(path: Path, *statements: str, values: tuple = ()) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement, values)
        connection.commit()


def disarm(path: Path) -> None:
    run(path, *(f"DROP TRIGGER {name}" for name in TRIGGERS))


def first_bad(ledger: SqlLedger) -> int | None:
    with pytest.raises(LedgerError) as caught:
        read_chain(ledger.texts(), visit=signed_by(made.KEYS))
    assert str(caught.value).startswith(f"entry {caught.value.seq}: ")
    return caught.value.seq


# the file


def test_a_ledger_is_readable_by_its_owner_only(ledger, path):
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_ledger_makes_its_folder(tmp_path):
    path = tmp_path / "a" / "b" / "ledger.db"
    create_ledger(f"sqlite:///{path}")
    assert path.is_file()


def test_opening_makes_nothing(path):
    with pytest.raises(LedgerError, match=r"ledger\.db: no ledger; look whether the path is right"):
        open_ledger(f"sqlite:///{path}")
    assert not path.exists()


def test_a_ledger_is_one_file(ledger, path, tmp_path):
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.db"]


def test_a_copy_of_the_file_is_the_ledger(ledger, path, tmp_path, entries):
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    assert list(open_ledger(f"sqlite:///{copy}").entries()) == entries


def test_what_is_committed_is_on_the_disk(ledger):
    with ledger.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 3
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
        assert connection.exec_driver_sql("PRAGMA trusted_schema").scalar() == 0


def test_a_file_that_was_made_and_not_filled_becomes_a_ledger(path):
    """As after a stop between the two."""
    path.touch()
    with pytest.raises(LedgerError, match="no ledger; look whether the address is right"):
        open_ledger(f"sqlite:///{path}")
    create_ledger(f"sqlite:///{path}").append(made.signed(1))


@pytest.mark.parametrize("content", [b"not a database, but long enough to look at" * 50, b"PK"])
def test_a_file_that_is_no_database_is_refused_and_kept(path, content):
    path.write_bytes(content)
    for attempt in (open_ledger, create_ledger):
        with pytest.raises(LedgerError, match=r"ledger\.db: the file is no ledger; look whether"):
            attempt(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_the_database_of_something_else_is_refused_and_kept(path):
    run(path, "CREATE TABLE runs (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"something else \(runs\); a ledger has its own"):
        create_ledger(f"sqlite:///{path}")
    with pytest.raises(LedgerError, match="no ledger"):
        open_ledger(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_damaged_file_is_told(ledger, path):
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * len(content[4096:])
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"the file is damaged; restore it from a backup"):
        list(ledger.texts())


def test_a_folder_is_no_ledger(tmp_path):
    with pytest.raises(LedgerError, match="no ledger can be made here: Is a directory"):
        create_ledger(f"sqlite:///{tmp_path}")
    with pytest.raises(LedgerError, match="no ledger; look whether the path"):
        open_ledger(f"sqlite:///{tmp_path}")


def test_a_file_that_vanishes_is_told(ledger, path):
    path.unlink()
    path.mkdir()
    with pytest.raises(LedgerError, match="the file cannot be opened; look at the path"):
        ledger.head()


def test_a_held_ledger_is_waited_for_and_then_told(ledger, path, entries):
    waiting = open_ledger(f"sqlite:///{path}", timeout_s=0.2)
    mine = made.signed(LENGTH + 1, previous=entries[-1].hash)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for use in (lambda: waiting.append(mine), waiting.head, lambda: list(waiting.texts())):
            with pytest.raises(LedgerError, match="another process holds it; run again"):
                use()
        other.execute("ROLLBACK")
    waiting.append(mine)
    assert list(ledger.entries()) == [*entries, mine]


def test_an_entry_that_cannot_be_committed_is_not_there(ledger, path, entries):
    """A reader that stands still holds up a commit of SQLite, and nothing before it."""
    mine = made.signed(LENGTH + 1, previous=entries[-1].hash)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM shazam_ledger").fetchone()
        with pytest.raises(LedgerError, match="another process holds it; run again"):
            open_ledger(f"sqlite:///{path}", timeout_s=0.2).append(mine)
    assert list(ledger.entries()) == entries
    ledger.append(mine)
    assert ledger.head().hash == mine.hash


def test_a_read_only_ledger_can_be_read_and_not_written(entries):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "ledger.db"
        ledger = create_ledger(f"sqlite:///{path}")
        for entry in entries:
            ledger.append(entry)
        mine = made.signed(LENGTH + 1, previous=entries[-1].hash)
        path.chmod(0o444)
        path.parent.chmod(0o555)
        with _not_root():
            assert list(open_ledger(f"sqlite:///{path}").entries()) == entries
            with pytest.raises(LedgerError, match="cannot be written by this user; look at"):
                ledger.append(mine)
            with pytest.raises(LedgerError, match="no ledger can be made here: Permission"):
                create_ledger(f"sqlite:///{path}")
        path.parent.chmod(0o755)
        assert list(ledger.entries()) == entries


@contextmanager
def _not_root() -> Iterator[None]:
    """Act as nobody for a while if the tests run as root, who can write everywhere."""
    uid = os.geteuid()
    if uid == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(uid)


# what the triggers refuse


@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT"])
@pytest.mark.parametrize(
    ("seq", "previous", "digest"),
    [
        (2, "0" * 64, "f" * 64),
        (LENGTH, "0" * 64, "f" * 64),
        (LENGTH + 1, "head", "second"),
        (LENGTH + 1, "second", "f" * 64),
        (None, "head", "f" * 64),
        (-1, "head", "f" * 64),
    ],
)
def test_no_insert_replaces_an_entry(ledger, path, entries, verb, seq, previous, digest):
    known = {"head": entries[-1].hash, "second": entries[1].hash}
    row = (seq, known.get(previous, previous), known.get(digest, digest), "x")
    with pytest.raises(sqlite3.IntegrityError, match="append-only: not the entry that is next"):
        run(path, f"{verb} INTO shazam_ledger VALUES (?, ?, ?, ?)", values=row)
    assert list(ledger.texts()) == made.texts(entries)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE shazam_ledger SET text = 'x' WHERE seq = 2", "UPDATE is refused"),
        ("UPDATE OR REPLACE shazam_ledger SET seq = 1 WHERE seq = 2", "UPDATE is refused"),
        ("UPDATE shazam_ledger SET seq = 100 WHERE seq = 5", "UPDATE is refused"),
        ("DELETE FROM shazam_ledger WHERE seq = 5", "DELETE is refused"),
        ("DELETE FROM shazam_ledger", "DELETE is refused"),
        (
            "INSERT INTO shazam_ledger VALUES (2, 'x', 'y', 'z') "
            "ON CONFLICT (seq) DO UPDATE SET text = 'z'",
            "not the entry that is next",
        ),
    ],
)
def test_no_entry_is_changed_or_deleted(ledger, path, entries, statement, said):
    with pytest.raises(sqlite3.IntegrityError, match=f"the ledger is append-only: {said}"):
        run(path, statement)
    assert list(ledger.texts()) == made.texts(entries)


# and what is found when somebody takes them away


@pytest.mark.parametrize("seq", range(1, LENGTH + 1))
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE shazam_ledger SET text = replace(text, '0', '1') WHERE seq = {seq}",
        "UPDATE shazam_ledger SET text = '' WHERE seq = {seq}",
        "UPDATE shazam_ledger SET text = CAST(text AS BLOB) WHERE seq = {seq}",
        "UPDATE shazam_ledger SET text = CAST(x'ff' || text AS TEXT) WHERE seq = {seq}",
        "UPDATE shazam_ledger SET hash = 'x' WHERE seq = {seq}",
        "UPDATE shazam_ledger SET previous = 'x' WHERE seq = {seq}",
        "UPDATE shazam_ledger SET seq = seq + 100 WHERE seq = {seq}",
    ],
)
def test_an_edit_behind_the_triggers_is_found(ledger, path, statement, seq):
    disarm(path)
    run(path, statement.format(seq=seq))
    assert first_bad(ledger) == seq


@pytest.mark.parametrize("seq", range(1, LENGTH))
def test_a_deletion_behind_the_triggers_is_found(ledger, path, seq):
    disarm(path)
    run(path, "DELETE FROM shazam_ledger WHERE seq = ?", values=(seq,))
    with pytest.raises(LedgerError, match=f"entry {seq}: missing, the next is entry {seq + 1}"):
        list(ledger.texts())
    assert first_bad(ledger) == seq


@pytest.mark.parametrize("seq", [0, -7, -(2**63), 9])
def test_an_insertion_behind_the_triggers_is_found(ledger, path, seq):
    disarm(path)
    run(path, "INSERT INTO shazam_ledger VALUES (?, 'x', 'y', 'z')", values=(seq,))
    assert first_bad(ledger) == (1 if seq < 1 else LENGTH + 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE shazam_ledger SET text = 'x' WHERE seq = 2",
        "UPDATE shazam_ledger SET hash = 'x' WHERE seq = 2",
        "UPDATE shazam_ledger SET previous = 'x' WHERE seq = 2",
        "UPDATE shazam_ledger SET seq = 99 WHERE seq = 2",
    ],
)
def test_a_row_is_looked_at_before_its_text_is_given(ledger, path, statement):
    disarm(path)
    run(path, statement)
    given = []
    with pytest.raises(LedgerError, match=r"entry 2: (missing|its text|its row)"):
        given.extend(ledger.texts())


def test_an_edit_with_its_hash_made_anew_is_found(ledger, path, entries):
    disarm(path)
    forged = made.signed(3, previous=entries[1].hash, reason="forged", keys=[made.UNKNOWN_KEY])
    run(
        path,
        "UPDATE shazam_ledger SET text = ?, hash = ? WHERE seq = 3",
        values=(forged.text.decode(), forged.hash),
    )
    assert first_bad(ledger) == 3


# addresses


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "sqlite://h/x"],
)
def test_a_url_that_names_no_file_is_refused(url):
    with pytest.raises(ConfigError, match="names no file of SQLite: give sqlite:///PATH"):
        create_ledger(url)


def test_a_relative_path_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    create_ledger("sqlite:///here/ledger.db").append(made.signed(1))
    assert (tmp_path / "here" / "ledger.db").is_file()
    assert open_ledger("sqlite:///here/ledger.db").head().seq == 1
