"""Rows of `shazam stack check`: what was looked at, how it is, and what to do about it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Value = TypeVar("Value")


class State(StrEnum):
    """How it is with what was looked at."""

    OK = "ok"
    MISSING = "missing"
    UNASKED = "could not be asked"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a run needs.

    Args:
        what: what was looked at.
        state: how it is.
        found: what was seen, or why nothing could be.
        fix: a command or a key of the config; empty when all is well.
    """

    what: str
    state: State
    found: str
    fix: str = ""


@dataclass(slots=True)
class _Outcome(Generic[Value]):
    value: Value | None = None
    error: BaseException | None = None


class TooSlowError(Exception):
    """It did not end in time."""


def within(seconds: float, work: Callable[[], Value]) -> Value:
    """Return what work returns, if it does so in time; what it raises is raised.

    Work that is too slow is left alone in a thread that ends with the process.

    Raises:
        TooSlowError: it did not end in time.
    """
    outcome: _Outcome[Value] = _Outcome()

    def do() -> None:
        try:
            outcome.value = work()
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            outcome.error = error

    worker = threading.Thread(target=do, daemon=True)
    worker.start()
    worker.join(seconds)
    if worker.is_alive():
        raise TooSlowError(f"no answer within {seconds:g} s")
    if outcome.error is not None:
        raise outcome.error
    return outcome.value  # type: ignore[return-value]  # None only where work returns None
