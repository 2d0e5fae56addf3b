"""Independent fits side by side: this process takes them from the front, others from the back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from torch.multiprocessing import get_context

from shazam.errors import TrainingError
from shazam.owner import START_METHOD, serve_the_owner

Work = Callable[[Any], None]

_work: list[Work] = []


def run_all(work: Work, items: Sequence[Any], *, n_workers: int) -> Iterator[None]:
    """Do some work for each item and yield as often; results are what the work leaves on disk.

    With one worker, or one item, everything is done in this process. Else it works as one of
    them, so that short work is done before another process has even started.

    Args:
        work: may be sent to another process; works alone on an item.
        items: from the first to the last.
        n_workers: processes, this one included.

    Raises:
        TrainingError: a process was killed.
    """
    if n_workers == 1 or len(items) == 1:
        for item in items:
            work(item)
            yield
        return
    context = get_context(START_METHOD)
    context.set_forkserver_preload([__name__, "shazam.training.units"])
    pool = ProcessPoolExecutor(
        min(n_workers, len(items)) - 1,
        mp_context=context,
        initializer=_begin,
        initargs=(work, os.sched_getaffinity(0)),
    )
    try:
        futures = [pool.submit(_do, item) for item in reversed(items)][::-1]
        for item, future in zip(items, futures, strict=True):
            if future.cancel():
                work(item)
            else:
                _wait(future)
            yield
    finally:
        _end(pool)


def _begin(work: Work, cores: set[int]) -> None:
    serve_the_owner()
    os.sched_setaffinity(0, cores)
    _work[:] = [work]


def _do(item: Any) -> None:
    _work[0](item)


def _wait(future: Future[None]) -> None:
    try:
        future.result()
    except BrokenProcessPool as error:
        raise TrainingError(
            "a process that fitted a network was killed, as happens when memory runs out; give "
            "more memory, or set SHAZAM_WORKERS to fewer, and run again: finished epochs are kept"
        ) from error


def _end(pool: ProcessPoolExecutor) -> None:
    """End the pool without waiting for what is in work: nobody wants it any more."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
