"""Stops asking a network that is not there."""

import threading

FAILURES_IN_A_ROW = 3


class Breaker:
    """Counts connection failures in a row, from all threads together.

    Args:
        limit: After so many nobody needs to ask any more.

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

    def __init__(self, limit: int = FAILURES_IN_A_ROW) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._failures = 0
        self._last = ""

    @property
    def reason(self) -> str | None:
        """The last failure, where there were too many in a row; else None."""
        with self._lock:
            return self._last if self._failures >= self._limit else None

    def failed(self, reason: str) -> None:
        """Count a call that got no answer."""
        with self._lock:
            self._failures += 1
            self._last = reason

    def answered(self) -> None:
        """Start to count anew: somebody answered, be it with an error."""
        with self._lock:
            self._failures = 0
