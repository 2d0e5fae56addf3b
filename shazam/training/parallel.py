"""Independent fits side by side: this process takes them from the front, others from the back."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from torch.multiprocessing import get_context

from shazam.errors import TrainingError
from shazam.owner import START_METHOD, serve_the_owner

Work = Callable[[Any], None]

# what a process takes to start, which is mostly importing
_WORTH_S = 10.0

_work: list[Work] = []


def run_all(work: Work, items: Sequence[Any], *, n_workers: int) -> Iterator[None]:
    """Do some work for each item and yield as often; results are what the work leaves on disk.

    This process begins alone. Others are started once an item took so long that what is left would
    take longer than they take to start; it then works as one of them.

    Args:
        work: may be sent to another process; works alone on an item.
        items: this process takes them from the front, the others from the back.
        n_workers: processes, this one included.

    Raises:
        TrainingError: a process was killed.
    """
    expected_s = 0.0
    left = deque(items)
    while left and (n_workers == 1 or len(left) < 2 or expected_s < _WORTH_S):
        start = time.monotonic()
        work(left.popleft())
        expected_s = (time.monotonic() - start) * len(left)
        yield
    if not left:
        return
    helpers = _Helpers(work, left, n_helpers=min(n_workers, len(left)) - 1)
    try:
        while helpers.waiting:
            item = helpers.take()
            if item is not None:
                work(item[0])
                yield
            yield from helpers.news(wait=False)
        yield from helpers.news(wait=True)
    finally:
        helpers.end()


class _Helpers:
    """Other processes that work on the items that are left, one each at a time."""

    def __init__(self, work: Work, items: Sequence[Any], *, n_helpers: int) -> None:
        context = get_context(START_METHOD)
        context.set_forkserver_preload([__name__, "shazam.training.units"])
        self._pool = ProcessPoolExecutor(
            n_helpers, mp_context=context, initializer=_begin, initargs=(work,)
        )
        self._lock = threading.Lock()
        self._ended = False
        self._running: set[Future[None]] = set()
        self.waiting = deque(items)
        for _ in range(n_helpers):
            self._give()

    def take(self) -> tuple[Any] | None:
        """Return the first item that is left."""
        with self._lock:
            return (self.waiting.popleft(),) if self.waiting else None

    def news(self, *, wait: bool) -> Iterator[None]:
        """Yield once for each item that a helper has done, and wait for the rest if asked to."""
        while True:
            with self._lock:
                running = set(self._running)
            if not running:
                return
            done = {future for future in running if future.done()}
            if not done and not wait:
                return
            done = done or futures.wait(running, return_when=futures.FIRST_COMPLETED).done
            for future in done:
                _raise_from(future)
                with self._lock:
                    self._running.discard(future)
                yield

    def end(self) -> None:
        """End the processes without waiting: what they still work on, nobody wants any more."""
        with self._lock:
            self._ended = True
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False)
        for process in processes:
            process.kill()

    def _give(self, done: Future[None] | None = None) -> None:
        failed = done is not None and done.exception() is not None
        with self._lock:
            if self._ended or failed or not self.waiting:
                return
            item = self.waiting.pop()
            try:
                future = self._pool.submit(_do, item)
            except BrokenProcessPool:  # told when the fit that it worked on is asked for
                self.waiting.append(item)
                return
            self._running.add(future)
        future.add_done_callback(self._give)


def _begin(work: Work) -> None:
    serve_the_owner()
    _work[:] = [work]


def _do(item: Any) -> None:
    _work[0](item)


def _raise_from(future: Future[None]) -> None:
    try:
        future.result()
    except BrokenProcessPool as error:
        raise TrainingError(
            "a process that fitted a network was killed, as happens when memory runs out; give "
            "more memory, or set SHAZAM_WORKERS to fewer, and run again: finished epochs are kept"
        ) from error
