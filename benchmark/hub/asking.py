"""One call to the Hub: bounded in time, repeated where that can help, and not made at all where nobody answers."""

import errno
import logging
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx2
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import HfHubHTTPError

from benchmark.hub.breaker import Breaker
from benchmark.hub.deadline import Patience, within
from benchmark.hub.facts import HubFailure
from benchmark.hub.failures import HUB_ERRORS, WrongAnswerError, explain, is_connection_failure
from benchmark.hub.retry_after import asked_wait
from benchmark.results.files import explain_write_failure
from benchmark.results.status import Status

logger = logging.getLogger(__name__)

T = TypeVar("T")

_ATTEMPTS = 4
_FIRST_WAIT_S = 0.4
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_WORTH_REPEATING = frozenset({408, 429, 500, 502, 503, 504})


class Asking:
    """Makes calls to the Hub for several threads at once.

    Args:
        timeout_s: How long one call may take, all its repetitions included.
        breaker: Who knows whether anybody answers.
    """

    def __init__(self, timeout_s: float, breaker: Breaker) -> None:
        self._timeout_s = timeout_s
        self._breaker = breaker

    def ask(self, task: Callable[[float], T], *, what: str, patience: Patience | None = None) -> T | HubFailure:
        """Make one call.

        Args:
            task: The call; it is told how many seconds are left.
            what: The repository, as a person would name it.
            patience: How long to wait, where that is not one `timeout_s` from now.

        Returns:
            What the call returns, or what its failure means.

        Raises:
            RequestError: The library's cache cannot be written.
            UnavailableError: The disk is full.
        """
        refused = self._breaker.reason
        if refused is not None:
            reason = f"not asked for {what}, since the last calls to the Hub all failed: {refused}"
            return HubFailure(Status.UNREACHABLE, reason)
        patience = patience or Patience(self._timeout_s)
        for attempt in range(_ATTEMPTS):
            try:
                answer = within(patience, lambda: task(patience.left))
            except HUB_ERRORS as error:
                _raise_for_full_disk(error)
                wait = _wait_before_next(error, attempt)
                if wait is None or wait >= patience.left:
                    return self._failed(error, what)
                logger.info("asking the Hub for %s again in %.1f s: %s", what, wait, error)
                time.sleep(wait)
            else:
                self._breaker.answered()
                return answer
        raise AssertionError("the last attempt either returns or fails")

    def _failed(self, error: BaseException, what: str) -> HubFailure:
        failure = explain(error, what=what)
        if is_connection_failure(error):
            self._breaker.failed(failure.reason)
        else:
            self._breaker.answered()
        logger.info("%s: %s (%s: %s)", what, failure.reason, type(error).__name__, error)
        return failure


def _wait_before_next(error: BaseException, attempt: int) -> float | None:
    """Seconds until it is worth another try; None where it is not."""
    if attempt == _ATTEMPTS - 1:
        return None
    backoff: float = _FIRST_WAIT_S * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, guards no secret
    if isinstance(error, HfHubHTTPError):
        if error.response.status_code not in _WORTH_REPEATING:
            return None
        return max(backoff, asked_wait(error.response.headers) or 0.0)
    # RuntimeError: another thread met a connection error, on which the library closes the client that all share.
    return backoff if isinstance(error, (httpx2.TransportError, WrongAnswerError, RuntimeError)) else None


def _raise_for_full_disk(error: BaseException) -> None:
    """An error of our own disk is nobody's verdict."""
    if not isinstance(error, OSError) or error.errno is None:
        return
    if error.filename is not None or error.errno in _DISK_FULL:
        place = Path(error.filename or HF_HUB_CACHE)
        raise explain_write_failure(error, place, remedy="choose another folder with HF_HOME") from error
