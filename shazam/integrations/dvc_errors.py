"""Failures of DVC and of the store behind a remote, as errors that name object and remote."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module

from shazam.errors import DataError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def at_remote(what: str, *, remote: str) -> Iterator[None]:
    """Turn a failure at a remote into one of ours.

    Args:
        what: the object in hand, as a user knows it.
        remote: where it is kept.

    Raises:
        DataError: names the object, the remote and what can be done.
    """
    try:
        yield
    except _failures() as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise
        raise DataError(f"{what}: {_told(error, remote)}") from error


@contextmanager
def by_dvc(what: str, *, advice: str) -> Iterator[None]:
    """Turn a refusal of DVC into one of ours.

    Raises:
        DataError: says what DVC said, and what can be done.
    """
    from dvc.exceptions import DvcException

    try:
        yield
    except DvcException as error:
        said = str(error).strip().rstrip(".")
        raise DataError(f"{what}: DVC refused it ({said}); {advice}") from error


def _told(error: Exception, remote: str) -> str:
    if isinstance(error, FileNotFoundError):
        return (
            f"missing from the remote {remote}; run 'shazam data push' where its bytes are, or "
            "correct the remote's address"
        )
    if isinstance(error, PermissionError) or _is(error, _CREDENTIALS):
        return (
            f"the remote {remote} has no credentials or refuses them ({_said(error)}); set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        )
    if isinstance(error, TimeoutError) or _is(error, _NO_ANSWER):
        return (
            f"the remote {remote} does not answer ({_said(error)}); check its address and the "
            "network, then run again: what came before is kept"
        )
    return f"the remote {remote} failed ({type(error).__name__}: {_said(error)})"


_CREDENTIALS = (
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"),
    *("ProfileNotFound", "TokenRetrievalError", "UnauthorizedSSOTokenError", "AuthError"),
)
_NO_ANSWER = ("ConnectionError", "HTTPClientError")


def _is(error: Exception, names: tuple[str, ...]) -> bool:
    """Tell whether an error is of a class of these names; their library may not be there."""
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _said(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


@cache
def _failures() -> tuple[type[Exception], ...]:
    from dvc.exceptions import DvcException
    from dvc_objects.fs.errors import AuthError, ConfigError, RemoteMissingDepsError

    known: list[type[Exception]] = [
        *(OSError, DvcException),
        *(AuthError, ConfigError, RemoteMissingDepsError),
    ]
    try:
        boto = import_module("botocore.exceptions")
    except ImportError:  # the extra for S3 is not installed
        return tuple(known)
    return (*known, boto.BotoCoreError, boto.ClientError)
