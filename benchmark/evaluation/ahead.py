"""Working ahead in a pool of threads, by a bounded number of items: what waits takes memory, and a corpus is long."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 64


def map_ahead(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int = _AHEAD
) -> Iterator[Result]:
    """Apply a function to all items, in the pool and in their order, a few items ahead of the reader.

    `ThreadPoolExecutor.map` would put all of them into its queue at once, at a kilobyte or more each.

    Args:
        pool: Computes.
        function: What is applied.
        items: To what.
        ahead: How many may be computed or waiting at once.

    Yields:
        The results, in the order of the items.

    Examples:
        >>> with ThreadPoolExecutor(2) as threads:
        ...     list(map_ahead(threads, len, ["a", "bb", "ccc"], ahead=2))
        [1, 2, 3]
    """
    rest = iter(items)
    waiting: deque[Future[Result]] = deque(pool.submit(function, item) for item in islice(rest, ahead))
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(pool.submit(function, item) for item in islice(rest, 1))
