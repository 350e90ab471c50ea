from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmark.evaluation.ahead import map_ahead


def test_results_come_in_the_order_of_the_items() -> None:
    with ThreadPoolExecutor(3) as pool:
        assert list(map_ahead(pool, lambda number: number * 2, range(500), ahead=7)) == list(range(0, 1000, 2))


def test_no_more_items_are_taken_than_may_be_ahead_of_the_reader() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with ThreadPoolExecutor(2) as pool:
        for read, _ in enumerate(map_ahead(pool, str, items(), ahead=5)):
            assert len(taken) <= read + 1 + 5


def test_what_a_call_raises_reaches_the_reader() -> None:
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError):
        list(map_ahead(pool, lambda number: 1 // number, [1, 0, 1]))


def test_nothing_gives_nothing() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert list(map_ahead(pool, str, [])) == []
