"""Work on all cores with a bounded number of jobs under way."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

SMALL_JOBS = 16
"""The chunk for items that take a millisecond or two; with larger ones the threads end too far apart on small sets."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item], *, window: int, chunk: int = 1
) -> Generator[Result]:
    """Like pool.map, but never more than `window` jobs ahead of the consumer.

    A job is `chunk` items: threads that hand over each of many small items wait for the interpreter lock. A job's error
    is raised at its place, instead of its results, and then, or when the generator is closed, no item is begun any
    more: use it within contextlib.closing, inside the pool's own `with`, so that Ctrl-C and errors end all at once.
    """
    ended = threading.Event()

    def job(part: tuple[Item, ...]) -> list[Result]:
        return [work(item) for item in part if not ended.is_set()]

    rest, waiting = iter(items), deque[Future[list[Result]]]()
    try:
        while part := tuple(itertools.islice(rest, chunk)):
            waiting.append(pool.submit(job, part))
            if len(waiting) >= window:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        ended.set()
        for future in waiting:
            future.cancel()
