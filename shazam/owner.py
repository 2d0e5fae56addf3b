"""Processes that serve one owner: they leave signals to it, and end when it ends."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading

# a server that forks the processes: they share neither locks nor a GPU with the threads of the
# owner, and need not import everything anew
START_METHOD = "forkserver"


def serve_the_owner() -> None:
    """Let only the owner answer a signal to the whole group, and end when it ends.

    The parent of a process is the server that forked it, which lives on as long as its children
    do; so the owner itself is watched.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    owner = multiprocessing.parent_process()
    if owner is not None:
        threading.Thread(target=_end_with, args=(owner.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
