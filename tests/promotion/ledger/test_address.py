"""URLs of ledgers, and that no message holds a password."""

import sys
import traceback

import pytest
from sqlalchemy.exc import NoResultFound, OperationalError

from shazam.errors import ConfigError, LedgerError
from shazam.promotion.ledger.address import Database, read_address
from shazam.promotion.ledger.faults import faults_told
from shazam.promotion.ledger.sql import create_ledger, open_ledger

SECRET = "s3cr3t"


def test_a_path_is_understood():
    address = read_address("sqlite:////srv/ledger.db")
    assert address.database is Database.SQLITE
    assert str(address.path) == address.shown == "/srv/ledger.db"


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_a_server_is_understood_and_shown_without_password_and_options(scheme):
    address = read_address(f"{scheme}://me:{SECRET}@db.lab:5433/ledger?sslmode=require")
    assert address.database is Database.POSTGRES
    assert address.url.drivername == "postgresql+psycopg"
    assert address.url.password == SECRET
    assert address.url.query == {"sslmode": "require"}
    assert address.shown == "postgresql://me@db.lab:5433/ledger"
    assert SECRET not in repr(address)


@pytest.mark.parametrize("password", ["p%40s%2Fs", "p%40s/s"])
def test_a_password_may_hold_any_sign(password):
    address = read_address(f"postgresql://me:{password}@db.lab/ledger")
    assert (address.url.password, address.url.host) == ("p@s/s", "db.lab")
    assert address.shown == "postgresql://me@db.lab/ledger"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "the ledger's URL is not one"),
        ("ledger.db", "the ledger's URL is not one"),
        (f"postgresql://me:{SECRET}/ledger", "the ledger's URL is not one"),
        (f"mysql://me:{SECRET}@db.lab/ledger", "is of another kind of database"),
        (f"postgresql+psycopg2://me:{SECRET}@db.lab/ledger", "is of another kind of database"),
        (f"postgresql://me:{SECRET}@db.lab", "names no database of PostgreSQL"),
        (f"postgresql://me:{SECRET}@db.lab/", "names no database of PostgreSQL"),
        (f"postgresql://me:12/{SECRET}@db.lab", "names no database of PostgreSQL"),
        (f"postgresql://db.lab/{SECRET}@db.lab", "with %2F for a slash"),
        (f"postgresql://me:a@b/{SECRET}@db.lab/ledger", "with %2F for a slash"),
        (f"postgresql://db.lab/a/{SECRET}", "with %2F for a slash"),
        (f"postgresql://me@db.lab/ledger?password={SECRET}", "has its password among the options"),
    ],
)
def test_a_url_that_is_not_understood_is_refused_and_not_repeated(url, said):
    for attempt in (open_ledger, create_ledger):
        with pytest.raises(ConfigError, match=said) as caught:
            attempt(url)
        assert "postgresql://USER:PASSWORD@HOST" in str(caught.value)
        told = "".join(traceback.format_exception(caught.value))
        assert SECRET not in told


def test_a_server_that_is_not_there_is_told():
    url = f"postgresql://me:{SECRET}@127.0.0.1:1/ledger"
    for attempt in (open_ledger, create_ledger):
        with pytest.raises(LedgerError) as caught:
            attempt(url, timeout_s=2)
        said = str(caught.value)
        assert said.startswith(
            "postgresql://me@127.0.0.1:1/ledger: look whether the server runs and can be reached ("
        )
        assert "\n" not in said
        assert SECRET not in "".join(traceback.format_exception(caught.value))


def failing(cause: Exception, *, url: str = f"postgresql://me:{SECRET}@db.lab/ledger") -> str:
    with pytest.raises(LedgerError) as caught, faults_told(read_address(url)):
        raise OperationalError("SELECT 1", None, cause)
    assert caught.value.__suppress_context__
    return str(caught.value)


def test_a_password_that_a_driver_repeats_is_left_out():
    assert failing(ValueError(f"no host\n  {SECRET}.lab")) == (
        "postgresql://me@db.lab/ledger: look whether the server runs and can be reached "
        "(no host ***.lab)"
    )


class CodedError(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__("as the server says")


@pytest.mark.parametrize(
    ("sqlstate", "hint"),
    [
        ("28P01", "the server refuses the password; look at the URL"),
        ("28000", "the server refuses this user; look at the URL"),
        ("3D000", "the server has no such database; create it first"),
        ("42501", "this user may not do that; the ledger needs SELECT and INSERT"),
        ("55P03", "another process holds it; run again"),
        ("57P01", "the database failed"),
    ],
)
def test_what_a_server_says_is_told_with_what_to_do(sqlstate, hint):
    said = failing(CodedError(sqlstate))
    assert said == f"postgresql://me@db.lab/ledger: {hint} (as the server says)"


def test_a_password_that_is_refused_is_told_though_it_has_no_code():
    said = failing(ValueError('FATAL: password authentication failed for user "me"'))
    assert said.startswith(
        "postgresql://me@db.lab/ledger: the server refuses the password; look at the URL ("
    )


class NamedError(Exception):
    def __init__(self, name: str) -> None:
        self.sqlite_errorname = name
        super().__init__("as SQLite says")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SQLITE_BUSY", "another process holds it; run again"),
        ("SQLITE_BUSY_SNAPSHOT", "another process holds it; run again"),
        ("SQLITE_NOTADB", "the file is no ledger; look whether the path is right"),
        ("SQLITE_CORRUPT_INDEX", "the file is damaged; restore it from a backup"),
        (
            "SQLITE_READONLY_DIRECTORY",
            "it cannot be written by this user; look at the rights of file and folder",
        ),
        ("SQLITE_CANTOPEN", "the file cannot be opened; look at the path and its rights"),
        ("SQLITE_FULL", "the disk is full; free some space and run again"),
        ("SQLITE_FULLER", "the database failed"),
        ("SQLITE_IOERR", "the database failed"),
    ],
)
def test_what_sqlite_says_is_told_with_what_to_do(name, hint):
    said = failing(NamedError(name), url="sqlite:///x.db")
    assert said == f"x.db: {hint} (as SQLite says)"


def test_a_url_without_a_password_is_told_as_it_is():
    said = failing(ValueError("a b"), url="postgresql://me@db.lab/ledger")
    assert said.endswith("(a b)")


def test_an_error_without_a_cause_is_told():
    address = read_address("sqlite:///x.db")
    said = r"^x\.db: .*\(nothing there\)$"
    with pytest.raises(LedgerError, match=said), faults_told(address):
        raise NoResultFound("nothing there")


def test_a_missing_driver_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"needs psycopg: pip install 'shazam\[postgres\]'"):
        open_ledger("postgresql://me@db.lab/ledger")
