import threading
import time

import pytest

from benchmark.errors import RequestError, UnavailableError
from benchmark.verification.parallel import in_parallel, spared


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


def test_nothing_to_do_is_done() -> None:
    assert in_parallel(len, [], threads=4, finished=lambda: None) == []


def test_what_ends_all_is_not_spared() -> None:
    def task(error: Exception) -> None:
        raise error

    def lost(_item: Exception, _error: Exception) -> None:
        return None

    assert in_parallel(spared(task, lost), [MemoryError(), OSError()], threads=2, finished=lambda: None) == [None, None]
    for ending in (RequestError("no"), UnavailableError("full"), InterruptedError()):
        with pytest.raises(type(ending)):
            in_parallel(spared(task, lost), [ending], threads=1, finished=lambda: None)
