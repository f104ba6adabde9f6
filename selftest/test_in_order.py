"""Jobs of several items on a pool: results in order, and nothing begun once the consumer has left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tools.base.parallel import in_order


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_results_come_in_the_order_of_the_items(chunk: int) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(in_order(pool, lambda item: item * item, range(50), window=2, chunk=chunk)) == [
            item * item for item in range(50)
        ]


@pytest.mark.parametrize(("window", "chunk"), [(1, 1), (2, 1), (3, 4)])
def test_the_source_is_never_pulled_further_than_the_window_ahead_of_the_consumer(window: int, chunk: int) -> None:
    pulled = list[int]()

    def source() -> Iterator[int]:
        for item in range(100):
            pulled.append(item)
            yield item

    with ThreadPoolExecutor(2) as pool, closing(in_order(pool, str, source(), window=window, chunk=chunk)) as found:
        for taken in range(50):
            assert next(found) == str(taken)
            assert len(pulled) == (taken // chunk + window) * chunk


def test_an_error_comes_behind_the_results_of_the_jobs_before_it() -> None:
    with (
        ThreadPoolExecutor(2) as pool,
        closing(in_order(pool, lambda item: 12 // (6 - item), range(9), window=2, chunk=2)) as found,
    ):
        assert [next(found) for _ in range(6)] == [2, 2, 3, 4, 6, 12]
        with pytest.raises(ZeroDivisionError):
            next(found)


def test_no_item_of_a_job_is_begun_once_the_consumer_has_left() -> None:
    begun, second, left = list[int](), threading.Event(), threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item == 2:
            second.set()
            assert left.wait(60)
        return item

    with ThreadPoolExecutor(1) as pool:
        with closing(in_order(pool, work, range(100), window=2, chunk=2)) as found:
            assert next(found) == 0
            assert second.wait(60)
        left.set()
    assert begun == [0, 1, 2]
