"""Processes that serve one owner: they leave signals to it, and end when it ends."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from types import TracebackType

# a server that forks the processes: they share neither locks nor a GPU with the threads of the
# owner, and need not import everything anew
START_METHOD = "forkserver"


def serve_the_owner() -> None:
    """Let only the owner answer a signal to the whole group, and end when it ends.

    The parent of a process is the server that forked it, which lives on as long as its children
    do; so the owner itself is watched.
    """
    sys.excepthook = _tell_unless_the_owner_left
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    owner = multiprocessing.parent_process()
    if owner is not None:
        threading.Thread(target=_end_with, args=(owner.sentinel,), daemon=True).start()


def _tell_unless_the_owner_left(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Say what went wrong, but not that an owner who was stopped no longer takes what it asked for.

    The thread that hands over file descriptors tells it here.
    """
    if not issubclass(kind, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, trace)


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
