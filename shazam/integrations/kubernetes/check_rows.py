"""Rows of `shazam stack check`: what was looked at, how it is, and what to do about it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.pool import ThreadPool
from typing import TypeVar

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


class TooSlowError(Exception):
    """It did not end in time."""


def within(seconds: float, work: Callable[[], Value]) -> Value:
    """Return what work returns, if it does so in time; what it raises is raised.

    Work that is too slow is left alone in a thread that ends with the process.

    Raises:
        TooSlowError: it did not end in time.
    """
    pool = ThreadPool(1)  # its thread does not keep the process from ending
    outcome = pool.apply_async(work)
    pool.close()
    try:
        return outcome.get(seconds)
    except multiprocessing.TimeoutError as error:
        raise TooSlowError(f"no answer within {seconds:g} s") from error
