import threading
import time
from collections.abc import Iterator

import pytest

from benchmark.threads import DaemonPool, in_parallel, map_ahead


def test_the_order_is_that_of_the_items_whatever_ends_first() -> None:
    def task(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    counted: list[int] = []
    waits = [0.05, 0.0, 0.02]
    assert in_parallel(task, waits, threads=3, finished=lambda: counted.append(1)) == waits
    assert len(counted) == len(waits)


def test_no_more_run_at_once_than_asked() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def task(_item: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    in_parallel(task, range(10), threads=2, finished=lambda: None)
    assert most == 2


def test_an_error_ends_all_at_once_and_begins_nothing_more() -> None:
    begun: list[int] = []

    def task(item: int) -> None:
        begun.append(item)
        if item == 0:
            raise ValueError("no")
        time.sleep(0.2)

    begin = time.monotonic()
    with pytest.raises(ValueError, match="no"):
        in_parallel(task, range(50), threads=2, finished=lambda: None)
    assert time.monotonic() - begin < 0.15
    time.sleep(0.5)
    assert len(begun) <= 3


def test_results_come_in_the_order_of_the_items() -> None:
    with DaemonPool(3) as pool:
        assert list(map_ahead(pool, lambda number: number * 2, range(500), ahead=7)) == list(range(0, 1000, 2))
        assert list(map_ahead(pool, str, [])) == []
    assert in_parallel(len, [], threads=4, finished=lambda: None) == []


def test_no_more_items_are_taken_than_may_be_ahead_of_the_reader() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with DaemonPool(2) as pool:
        for read, _ in enumerate(map_ahead(pool, str, items(), ahead=5)):
            assert len(taken) <= read + 1 + 5


def test_what_a_call_raises_reaches_the_reader() -> None:
    with DaemonPool(2) as pool, pytest.raises(ZeroDivisionError):
        list(map_ahead(pool, lambda number: 1 // number, [1, 0, 1]))
