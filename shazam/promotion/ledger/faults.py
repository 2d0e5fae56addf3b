"""What a database's error means for a ledger, told without its password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shazam.errors import LedgerError
from shazam.promotion.ledger.address import Address

_HINTS = {
    "SQLITE_BUSY": "another process holds it; run again",
    "SQLITE_NOTADB": "the file is no ledger; look whether the path is right",
    "SQLITE_CORRUPT": "the file is damaged; restore it from a backup",
    "SQLITE_READONLY": "it cannot be written by this user; look at the rights of file and folder",
    "SQLITE_CANTOPEN": "the file cannot be opened; look at the path and its rights",
    "SQLITE_FULL": "the disk is full; free some space and run again",
    "28P01": "the server refuses the password; look at the URL",
    "28000": "the server refuses this user; look at the URL",
    "3D000": "the server has no such database; create it first",
    "42501": "this user may not do that; the ledger needs SELECT and INSERT",
    "55P03": "another process holds it; run again",
}
_UNKNOWN = "look whether the server runs and can be reached"


@contextmanager
def faults_told(address: Address) -> Iterator[None]:
    """Turn errors of a database into errors of the ledger.

    Raises:
        LedgerError: the database failed.
    """
    try:
        yield
    except SQLAlchemyError as error:
        # the cause is left out, because a driver may repeat how it was called
        raise LedgerError(f"{address.shown}: {_told(error, address=address)}") from None


def _told(error: SQLAlchemyError, *, address: Address) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    said = " ".join(str(cause).split())
    if address.url.password:
        said = said.replace(address.url.password, "***")
    return f"{_hint(cause)} ({said})"


def _hint(cause: BaseException) -> str:
    name = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
    for code, hint in _HINTS.items():
        if name == code or name.startswith(f"{code}_"):  # SQLITE_READONLY_DIRECTORY and the like
            return hint
    said = str(cause)
    # psycopg gives no code for a connection that is refused
    if "password authentication failed" in said:
        return _HINTS["28P01"]
    return "the database failed" if name else _UNKNOWN
