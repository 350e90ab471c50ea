"""Thread pools that do not delay the end of the process, and bounded prefetching."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from functools import partial
from itertools import islice
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Item = TypeVar("Item")
Result = TypeVar("Result")

_WAIT_S = 0.5
_AHEAD = 64


class DaemonPool(Executor):
    """A thread pool that does not keep the process alive.

    `ThreadPoolExecutor` joins its threads when the interpreter ends: Ctrl-C would wait for every call that hangs in a
    system call or waits for a server.
    """

    def __init__(self, threads: int, name: str = "daemon") -> None:
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._threads = threads
        self._ended = threading.Event()
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def submit(
        self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        """Queue a call."""
        future: Future[Result] = Future()
        self._tasks.put((future, partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Start no further call; running calls are abandoned, whatever the arguments are."""
        self._ended.set()
        for _ in range(self._threads):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None and not self._ended.is_set():
            future, call = task
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # raised again in the thread that waits for the result
                    future.set_exception(error)


def in_parallel(
    task: Callable[[Item], Result], items: Sequence[Item], *, threads: int, finished: Callable[[], object]
) -> list[Result]:
    """Apply a function to all items in daemon threads.

    Args:
        task: The function.
        items: Its arguments.
        threads: Number of threads.
        finished: Called in the calling thread after each item.

    Returns:
        The results in the order of the items.

    Raises:
        BaseException: The first exception of a task, or an interruption. No further task starts then, and running tasks
            are abandoned.

    Examples:
        >>> in_parallel(len, ["a", "bcd", ""], threads=2, finished=lambda: None)
        [1, 3, 0]
    """
    with DaemonPool(min(threads, len(items)), "parallel") as pool:
        futures = [pool.submit(task, item) for item in items]
        pending = set(futures)
        while pending:
            # Without a time limit, Ctrl-C would not come through on Windows.
            done, pending = wait(pending, timeout=_WAIT_S, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
                finished()
    return [future.result() for future in futures]


def map_ahead(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int = _AHEAD
) -> Iterator[Result]:
    """Apply a function to all items in a pool, at most `ahead` items before the reader.

    `Executor.map` would queue all items at once, at a kilobyte or more each.

    Yields:
        The results in the order of the items.

    Examples:
        >>> with DaemonPool(2) as threads:
        ...     list(map_ahead(threads, len, ["a", "bb", "ccc"], ahead=2))
        [1, 2, 3]
    """
    rest = iter(items)
    waiting: deque[Future[Result]] = deque(pool.submit(function, item) for item in islice(rest, ahead))
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(pool.submit(function, item) for item in islice(rest, 1))
