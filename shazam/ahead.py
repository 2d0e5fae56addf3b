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
                first, result = waiting.popleft()
                yield first, result.result()
        for first, result in waiting:
            yield first, result.result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
