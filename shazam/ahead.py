"""Work done ahead of its use, in threads, with results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Work = TypeVar("Work")
Result = TypeVar("Result")


def ahead(
    work: Callable[[Work], Result], items: Iterable[Work], *, n_threads: int
) -> Generator[tuple[Work, Result], None, None]:
    """Give each item with its result, in order, while the next ones are worked on.

    Args:
        work: may be called from several threads at once.
        items: drawn ``n_threads`` ahead.
        n_threads: how many are in work at a time.
    """
    waiting: deque[tuple[Work, Future[Result]]] = deque()
    executor = ThreadPoolExecutor(n_threads, thread_name_prefix="ahead")
    try:
        for item in items:
            waiting.append((item, executor.submit(work, item)))
            if len(waiting) > n_threads:
                yield _first(waiting)
        while waiting:
            yield _first(waiting)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _first(waiting: deque[tuple[Work, Future[Result]]]) -> tuple[Work, Result]:
    """Take the first result; a variable of the generator would keep it until the next one."""
    work, future = waiting.popleft()
    return work, future.result()
