"""Work on all cores with a bounded number of jobs under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], *, window: int
) -> Generator[Result]:
    """Like pool.map, but never more than `window` jobs ahead of the consumer.

    A job's error is raised at its place, and then, or when the generator is closed, no waiting job is started: use it
    within contextlib.closing, inside the pool's own `with`, so that Ctrl-C and errors end the work at once.
    """
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
