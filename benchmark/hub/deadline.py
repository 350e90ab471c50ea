"""A time limit for calls that cannot be trusted to have one.

The limits of an HTTP client hold for each read, so that a server which drips bytes is waited for without end; resolving
a name has no limit at all. So every call runs in a thread of its own, which is left behind when the time is over.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Patience:
    """How much longer something is waited for; can be renewed while it makes progress.

    Args:
        seconds: From now.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def renew(self, seconds: float) -> None:
        """Wait for `seconds` from now."""
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, zero where the time is over."""
        return max(0.0, self._end - time.monotonic())


class _Call(Generic[T]):
    def __init__(self, task: Callable[[], T]) -> None:
        self._task = task
        self.done = threading.Event()
        self.value: T
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.value = self._task()
        except BaseException as error:
            # Whatever it is, it is raised again in the thread that waits for it.
            self.error = error
        finally:
            self.done.set()


def within(patience: Patience, task: Callable[[], T]) -> T:
    """Run `task`, and give up on it when `patience` is over.

    Args:
        patience: How long to wait; `task` may renew it.
        task: What to run, in a thread of its own. When it is given up on, that thread is left to end by itself, and
            it does not keep the process alive.

    Returns:
        What `task` returns.

    Raises:
        TimeoutError: The patience is over.
        BaseException: Whatever `task` raises.

    Examples:
        >>> within(Patience(5.0), lambda: "done")
        'done'
        >>> within(Patience(0.01), lambda: time.sleep(1))
        Traceback (most recent call last):
        ...
        TimeoutError: no answer in time
    """
    call = _Call(task)
    threading.Thread(target=call.run, name="hub-call", daemon=True).start()
    while not call.done.is_set():
        left = patience.left
        if left == 0.0:
            raise TimeoutError("no answer in time")
        call.done.wait(left)
    if call.error is not None:
        raise call.error
    return call.value
