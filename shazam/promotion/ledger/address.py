"""Where a ledger is: the URL of its database, and how it is shown without its password."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from shazam.errors import ConfigError

_FORMS = "give sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


class Database(StrEnum):
    """What keeps a ledger."""

    SQLITE = "sqlite"
    POSTGRES = "postgresql"


@dataclass(frozen=True, slots=True)
class Address:
    """A database's URL, understood.

    Args:
        database: its kind.
        url: with the driver that is used; its text form hides the password.
        shown: for messages, with neither password nor options.
    """

    database: Database
    url: URL
    shown: str

    @property
    def path(self) -> Path:
        """The file of an SQLite database."""
        return Path(self.url.database or "")


def read_address(text: str) -> Address:
    """Return the address that a URL is.

    Raises:
        ConfigError: it is none, or of a database that keeps no ledgers; the URL is not repeated,
            because a misspelt one may hold its password anywhere.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # the cause would repeat parts of the URL
        raise ConfigError(f"the ledger's URL is not one: {_FORMS}") from None
    match url.drivername:
        case "sqlite" | "sqlite+pysqlite":
            return _sqlite(url)
        case "postgresql" | "postgresql+psycopg":
            return _postgres(url)
    raise ConfigError(f"the ledger's URL is of another kind of database: {_FORMS}")


def _sqlite(url: URL) -> Address:
    path = url.database or ""
    if not path or path.startswith((":", "file:")) or url.query or url.host:
        raise ConfigError("the ledger's URL names no file of SQLite: give sqlite:///PATH")
    return Address(Database.SQLITE, url, path)


def _postgres(url: URL) -> Address:
    name = url.database or ""
    if not name or "@" in name or "/" in name:
        raise ConfigError(
            f"the ledger's URL names no database of PostgreSQL: {_FORMS}, with %2F for a slash "
            "and %40 for an @ in the password"
        )
    if "password" in url.query:
        raise ConfigError(f"the ledger's URL has its password among the options: {_FORMS}")
    shown = URL.create(
        "postgresql", username=url.username, host=url.host, port=url.port, database=name
    )
    return Address(
        Database.POSTGRES,
        url.set(drivername="postgresql+psycopg"),
        shown.render_as_string(hide_password=True),
    )
