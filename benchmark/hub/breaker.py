"""Stops asking a network that is not there."""

import threading
from collections.abc import Callable

FAILURES_IN_A_ROW = 3


def _nobody() -> bool:
    return False


class Breaker:
    """Counts connection failures in a row, from all threads together.

    Several broken repositories in a row say nothing about the others, so somebody who asks for none of them is sent to
    find out whether the Hub itself still answers.

    Args:
        limit: After so many nobody needs to ask any more.
        is_there: Finds out whether the Hub answers at all, in bounded time.

    Examples:
        >>> breaker = Breaker(limit=2)
        >>> breaker.failed("no route to host")
        >>> breaker.failed("no route to host")
        >>> breaker.reason
        'no route to host'
        >>> breaker.answered()
        >>> breaker.reason is None
        True
    """

    def __init__(self, limit: int = FAILURES_IN_A_ROW, *, is_there: Callable[[], bool] = _nobody) -> None:
        self._limit = limit
        self._is_there = is_there
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._failures = 0
        self._last = ""
        self._gone = False

    @property
    def reason(self) -> str | None:
        """The last failure, where there were too many in a row and nobody answers at all; else None."""
        with self._lock:
            return self._last if self._gone else None

    def failed(self, reason: str) -> None:
        """Count a call that got no answer."""
        with self._lock:
            self._failures += 1
            self._last = reason
        with self._asking:
            with self._lock:
                is_open = self._gone or self._failures < self._limit
            if is_open:
                return
            is_there = self._is_there()
            with self._lock:
                self._gone = not is_there
                self._failures = 0 if is_there else self._failures

    def answered(self) -> None:
        """Start to count anew: somebody answered, be it with an error."""
        with self._lock:
            self._failures = 0
            self._gone = False
