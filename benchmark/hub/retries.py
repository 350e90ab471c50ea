"""A time limit for calls that cannot be trusted to have one.

The limits of an HTTP client hold for each read, so that a server which drips bytes is waited for without end; resolving
a name has no limit at all. So every call runs in a thread of its own, which is left behind when the time is over.
"""

import errno
import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import get_session  # type: ignore[attr-defined]  # documented there, not declared

from benchmark.hub.facts import HubFailure
from benchmark.hub.failures import HUB_ERRORS, WrongAnswerError, asked_wait, explain, is_connection_failure
from benchmark.results.environment import HubFact
from benchmark.results.files import explain_write_failure
from benchmark.results.status import Status

logger = logging.getLogger(__name__)


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


REACH_TIMEOUT_S = 4.0


def look_at_hub(*, endpoint: str | None = None, timeout_s: float = REACH_TIMEOUT_S) -> HubFact:
    """Ask the Hub once, unless the user switched the network off.

    Args:
        endpoint: The server; the library's default (`$HF_ENDPOINT`) where None.
        timeout_s: How long to wait, in seconds.

    Returns:
        What is known; the token itself is not in it.
    """
    fact = HubFact(
        endpoint=endpoint or constants.ENDPOINT, offline=constants.is_offline_mode(), token=get_token() is not None
    )
    if fact.offline:
        return fact
    begin = time.monotonic()
    try:
        problem = within(Patience(timeout_s), lambda: _ask(fact.endpoint, timeout_s))
    except HUB_ERRORS as error:
        problem = explain(error, what="its list of repositories").reason.partition(";")[0] + "."
    seconds = time.monotonic() - begin
    return fact.model_copy(update={"reached": problem is None, "seconds": seconds, "problem": problem})


def answers(endpoint: str | None, timeout_s: float) -> bool:
    """Find out whether the Hub answers anything at all, be it with an error.

    Args:
        endpoint: The server; the library's default (`$HF_ENDPOINT`) where None.
        timeout_s: How long to wait, in seconds; never more than four.
    """
    limit_s = min(timeout_s, REACH_TIMEOUT_S)
    try:
        within(Patience(limit_s), lambda: _list_one(endpoint or constants.ENDPOINT, limit_s))
    except HUB_ERRORS:
        return False
    return True


def _list_one(endpoint: str, timeout_s: float) -> httpx2.Response:
    return get_session().get(f"{endpoint.rstrip('/')}/api/models", params={"limit": "1"}, timeout=timeout_s)


def _ask(endpoint: str, timeout_s: float) -> str | None:
    """Make one call, without the repetitions of the library's own; say what is wrong with the answer."""
    response = _list_one(endpoint, timeout_s)
    if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
        return f"it answers with error {response.status_code}."
    try:
        listed = response.json()
    except ValueError:
        listed = None
    return None if isinstance(listed, list | dict) else "something else answers in its place, such as a login page."


def hub_cache_folder() -> str:
    """Where the Hub's client keeps what it has downloaded."""
    return str(constants.HF_HUB_CACHE)
