"""Several things at once, in a way that an interruption ends at once."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from benchmark.errors import BenchError

T = TypeVar("T")
R = TypeVar("R")

_LOOK_UP_S = 0.5

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Done(Generic[R]):
    place: int
    value: R | None
    error: BaseException | None


def in_parallel(task: Callable[[T], R], items: Sequence[T], *, threads: int, finished: Callable[[], object]) -> list[R]:
    """Do a task for every item, several at once.

    The threads do not keep the process alive, as those of a thread pool would: whoever presses Ctrl-C wants to leave.

    Args:
        task: What to do.
        items: For what.
        threads: How many at once.
        finished: Called after each, in the calling thread.

    Returns:
        What the task gave, in the order of the items.

    Raises:
        BaseException: Whatever a task raises first, or an interruption; nothing further is begun then, and what has
            been begun is left behind.

    Examples:
        >>> in_parallel(len, ["a", "bcd", ""], threads=2, finished=lambda: None)
        [1, 3, 0]
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[_Done[R]] = queue.SimpleQueue()
    over = threading.Event()
    for place in range(len(items)):
        waiting.put(place)

    def serve() -> None:
        while not over.is_set():
            try:
                place = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put(_Done(place, task(items[place]), None))
            except BaseException as error:
                # Raised again in the thread that waits.
                done.put(_Done(place, None, error))

    for number in range(min(threads, len(items))):
        threading.Thread(target=serve, name=f"parallel-{number}", daemon=True).start()
    values: dict[int, R] = {}
    try:
        while len(values) < len(items):
            one = _next(done)
            if one.error is not None:
                raise one.error
            values[one.place] = one.value  # type: ignore[assignment]  # R may be None itself
            finished()
    finally:
        over.set()
    return [values[place] for place in range(len(items))]


def spared(task: Callable[[T], R], lost: Callable[[T, Exception], R]) -> Callable[[T], R]:
    """Let what nobody foresaw, such as a want of memory, cost the item that it happened to, and no other.

    Args:
        task: What to do.
        lost: What to give for an item whose task raised.

    Returns:
        The task, which raises only what ends all: a wrong request, a full disk, an interruption.

    Examples:
        >>> [spared(len, lambda item, error: -1)(item) for item in ("ab", 3)]
        [2, -1]
    """

    def do(item: T) -> R:
        try:
            return task(item)
        except (BenchError, InterruptedError):
            raise
        except Exception as error:  # the edge of one candidate: whatever it is becomes its verdict
            logger.info("unforeseen", exc_info=error)
            return lost(item, error)

    return do


def _next(done: "queue.SimpleQueue[_Done[R]]") -> _Done[R]:
    while True:
        try:
            # Without a time limit, Ctrl-C would not come through on Windows.
            return done.get(timeout=_LOOK_UP_S)
        except queue.Empty:
            continue
