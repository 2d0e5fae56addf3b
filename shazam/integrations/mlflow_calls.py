"""Calls of a model store that may fail: each failure named, what may be repeated is repeated.

MLflow repeats every failed request by itself, also those that make something: a reply that was
lost would then make it twice. That is switched off; what is repeated here looks first whether it
was done already.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from shazam.errors import StoreAccessError, StoreError

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException

T = TypeVar("T")
ATTEMPTS = 3
_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = "30"
_ABSENT = frozenset({"RESOURCE_DOES_NOT_EXIST"})
_ACCESS = frozenset({"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"})


def prepare_requests() -> None:
    """Let MLflow send each request once, wait no longer than a user has set, and print nothing."""
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", _TIMEOUT_SECONDS)


def repeated(what: str, call: Callable[[], T]) -> T:
    """Return what a call gives; one that fails for a time is made again, at most three times.

    Args:
        what: what is done, for messages: "read the alias".
        call: may be made more than once: it reads, or looks first whether it was done.

    Raises:
        StoreError: the store does not answer, or refuses.
        StoreAccessError: it wants other credentials.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return once(what, call)
        except StoreError:
            time.sleep(_PAUSE_SECONDS * attempt)
    return once(what, call)


def once(what: str, call: Callable[[], T]) -> T:
    """Return what a call gives that is made once.

    Raises:
        StoreError: the store does not answer, or refuses.
        StoreAccessError: it wants other credentials.
    """
    with _named(what):
        return call()


def is_absent(error: BaseException | None) -> bool:
    """Return whether a store said that what was asked for is not there."""
    return getattr(error, "error_code", None) in _ABSENT


@contextmanager
def _named(what: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    try:
        yield
    except MlflowException as error:
        if is_absent(error):
            raise
        raise _error_of(what, error) from error
    except RequestException as error:
        raise StoreError(f"the model store failed to {what}: {error}") from error


def _error_of(what: str, error: MlflowException) -> StoreError | StoreAccessError:
    told = str(error.message).splitlines()[0][:300]
    if error.error_code in _ACCESS or _denied(told):
        return StoreAccessError(
            f"the model store refuses to {what}: {told}; set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, to credentials that may"
        )
    return StoreError(f"the model store failed to {what}: {told}")


def _denied(told: str) -> bool:
    return "error code 401" in told or "error code 403" in told
