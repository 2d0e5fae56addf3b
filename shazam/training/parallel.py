"""Independent fits side by side: this process takes them from the front, others from the back."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
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

    This process begins alone. Once what is left would take longer than others take to start, they
    are started beside the work, and join in when they are there.

    Args:
        work: may be sent to another process; works alone on an item.
        items: this process takes them from the front, the others from the back.
        n_workers: processes, this one included.

    Raises:
        TrainingError: a process was killed.
    """
    helpers = _Helpers(work, items, n_helpers=n_workers - 1)
    try:
        while (item := helpers.take()) is not None:
            with helpers.started_if_long():
                work(item[0])
            yield
            yield from helpers.news(wait=False)
        yield from helpers.news(wait=True)
    finally:
        helpers.end()


class _Helpers:
    """Other processes that work on the items that are left, one each at a time."""

    def __init__(self, work: Work, items: Sequence[Any], *, n_helpers: int) -> None:
        self._work, self._n_helpers = work, n_helpers
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="start")
        self._starts: list[Future[None]] = []
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()
        self._ended = False
        self._running: set[Future[None]] = set()
        self.waiting = deque(items)

    @contextmanager
    def started_if_long(self) -> Iterator[None]:
        """Start the processes inside the block, as soon as it takes long enough to be worth it.

        Each item that is left is expected to take at least as long as this one has taken so far.
        """
        n_left = len(self.waiting)
        if self._pool is not None or n_left == 0 or self._n_helpers == 0:
            yield
            return
        is_done = threading.Event()
        self._starts.append(self._starter.submit(self._start, is_done, after_s=_WORTH_S / n_left))
        try:
            yield
        finally:
            is_done.set()

    def _start(self, is_done: threading.Event, *, after_s: float) -> None:
        if is_done.wait(after_s):
            return
        context = get_context(START_METHOD)
        context.set_forkserver_preload([__name__, "shazam.training.units"])
        with self._lock:
            n_helpers = min(self._n_helpers, len(self.waiting))
            if self._ended or self._pool is not None or n_helpers == 0:
                return
            self._pool = ProcessPoolExecutor(
                n_helpers, mp_context=context, initializer=_begin, initargs=(self._work,)
            )
        # the first one takes seconds to be there, in which nothing may be locked
        for there in [self._pool.submit(_nothing) for _ in range(n_helpers)]:
            there.result()
        for _ in range(n_helpers):
            self._give()

    def take(self) -> tuple[Any] | None:
        """Return the first item that is left."""
        with self._lock:
            return (self.waiting.popleft(),) if self.waiting else None

    def news(self, *, wait: bool) -> Iterator[None]:
        """Yield once for each item that a helper has done, and wait for the rest if asked to."""
        for start in self._starts:
            if start.done():
                _raise_from(start)
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
        self._starter.shutdown(wait=False)
        if self._pool is None:
            return
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()

    def _give(self, done: Future[None] | None = None) -> None:
        failed = done is not None and done.exception() is not None
        with self._lock:
            if self._pool is None or self._ended or failed or not self.waiting:
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


def _nothing() -> None:
    """Show that a process is there."""


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
