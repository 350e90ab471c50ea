"""Calls to the Hub: limited in time, repeated where that can help, and refused while the network is down."""

import errno
import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import TypeVar

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import _http, get_session, set_client_factory  # type: ignore[attr-defined]  # documented

from benchmark.hub.failures import HUB_ERRORS, WrongAnswerError, explain, is_connection_failure, retry_after
from benchmark.hub.repository_facts import HubFailure
from benchmark.hub.tensor_listing import ListingProblem
from benchmark.results.environment import HubFact
from benchmark.results.files import explain_write_failure
from benchmark.results.status import Status
from benchmark.threads import DaemonPool

logger = logging.getLogger(__name__)

T = TypeVar("T")

FAILURES_IN_A_ROW = 3
REACH_TIMEOUT_S = 4.0

_ATTEMPTS = 4
_FIRST_WAIT_S = 0.4
_WORTH_REPEATING = frozenset({408, 429, 500, 502, 503, 504})
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Deadline:
    """A moment, in seconds from now, after which nobody waits any more; it can be extended while there is progress."""

    def __init__(self, seconds: float) -> None:
        self.extend(seconds)

    def extend(self, seconds: float) -> None:
        """Move it to `seconds` from now."""
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left; zero where it has passed."""
        return max(0.0, self._end - time.monotonic())


def call_until(deadline: Deadline, task: Callable[[], T]) -> T:
    """Run `task` in a thread of its own and leave it behind when the deadline passes; `task` may extend it.

    The time limits of an HTTP client hold for each read, so that a server which drips bytes is waited for without end;
    resolving a name has no limit at all.

    Raises:
        TimeoutError: The deadline has passed.
        BaseException: Whatever `task` raises.

    Examples:
        >>> call_until(Deadline(5.0), lambda: "done")
        'done'
        >>> call_until(Deadline(0.01), lambda: time.sleep(1))
        Traceback (most recent call last):
        ...
        TimeoutError: no answer in time
    """
    with DaemonPool(1, "hub-call") as pool:
        future = pool.submit(task)
        while not future.done():
            remaining = deadline.remaining
            if remaining == 0.0:
                raise TimeoutError("no answer in time")
            wait([future], timeout=remaining)
        return future.result()


class _SharedClient(httpx2.Client):
    """A client that stays open until nobody uses it.

    The library closes the client that all threads share where one of them meets a connection error. The others lose
    their sockets in the middle of a call then, or wait at a file descriptor that belongs to something else by now.
    """

    def close(self) -> None:
        """Leave the sockets to the calls that use them; Python closes each when the last of them ends."""


def share_client() -> None:
    """Keep the client of `huggingface_hub` open for all threads; one that the user has set with the library stays."""
    if _http._GLOBAL_CLIENT_FACTORY is _http.default_client_factory:
        set_client_factory(_new_client)


def _new_client() -> httpx2.Client:
    hooks = {"request": [_http.hf_request_event_hook]}
    return _SharedClient(event_hooks=hooks, follow_redirects=True, timeout=None)


class HubCalls:
    """Makes calls to the Hub for several threads, and refuses them while the network is down.

    After three connection failures in a row, counted over all threads, no more calls are made. Broken repositories say
    nothing about others, so that this happens only where the Hub itself does not answer either.

    Args:
        timeout_s: How long one call may take, all its attempts included.
        is_up: Finds out whether the Hub answers at all, in bounded time.
    """

    def __init__(self, timeout_s: float, is_up: Callable[[], bool] = lambda: False) -> None:
        self._timeout_s = timeout_s
        self._is_up = is_up
        self._lock = threading.Lock()
        self._probing = threading.Lock()
        self._failures = 0
        self._refusal: str | None = None

    def call(self, task: Callable[[float], T], *, what: str, deadline: Deadline | None = None) -> T | HubFailure:
        """Make one call; returns its answer, or what its failure means.

        Args:
            task: The call, given the seconds that are left.
            what: The repository, as a person would name it.
            deadline: When to give up, where that is not `timeout_s` from now.

        Raises:
            ListingProblem: The task raised it.
            RequestError: The library's cache cannot be written.
            UnavailableError: The disk is full.
        """
        if (refusal := self._refusal) is not None:
            reason = f"not asked for {what}, since the last calls to the Hub all failed: {refusal}"
            return HubFailure(Status.UNREACHABLE, reason)
        limit = deadline or Deadline(self._timeout_s)
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = call_until(limit, lambda: task(limit.remaining))
            except HUB_ERRORS as error:
                _raise_disk_errors(error)
                wait_s = _wait_before_retry(error, attempt)
                if wait_s is None or wait_s >= limit.remaining:
                    return self._failure(error, what)
                logger.info("asking the Hub for %s again in %.1f s: %s", what, wait_s, error)
                time.sleep(wait_s)
            except ListingProblem:  # what the server sent is of no use, but it answered
                self._count(None)
                raise
            else:
                self._count(None)
                return answer

    def _failure(self, error: BaseException, what: str) -> HubFailure:
        failure = explain(error, what=what)
        self._count(failure.reason if is_connection_failure(error) else None)
        logger.info("%s: %s (%s: %s)", what, failure.reason, type(error).__name__, error)
        return failure

    def _count(self, reason: str | None) -> None:
        """Count a call that no server answered, for this reason; None starts again, as after an error of a server."""
        with self._lock:
            if reason is None:
                self._failures, self._refusal = 0, None
                return
            self._failures += 1
        with self._probing:  # one thread finds out for all; those with answers do not wait for it
            with self._lock:
                if self._refusal is not None or self._failures < FAILURES_IN_A_ROW:
                    return
            is_up = self._is_up()
            with self._lock:
                self._failures, self._refusal = (0, None) if is_up else (self._failures, reason)


def _wait_before_retry(error: BaseException, attempt: int) -> float | None:
    """Seconds until another attempt can help; None where none can."""
    if attempt == _ATTEMPTS:
        return None
    backoff: float = _FIRST_WAIT_S * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load
    if isinstance(error, HfHubHTTPError):
        if error.response.status_code not in _WORTH_REPEATING:
            return None
        return max(backoff, retry_after(error.response.headers) or 0.0)
    return backoff if isinstance(error, httpx2.TransportError | WrongAnswerError) else None


def _raise_disk_errors(error: BaseException) -> None:
    """An error of our own disk is no answer of the Hub."""
    if not isinstance(error, OSError) or error.errno is None:
        return
    if error.filename is not None or error.errno in _DISK_FULL:
        path = Path(error.filename or constants.HF_HUB_CACHE)
        raise explain_write_failure(error, path, remedy="choose another folder with HF_HOME") from error


def probe_hub(*, endpoint: str | None = None, timeout_s: float = REACH_TIMEOUT_S) -> HubFact:
    """Find out for `bench doctor` whether the Hub answers; makes no call where the user switched the network off."""
    fact = HubFact(
        endpoint=endpoint or constants.ENDPOINT, offline=constants.is_offline_mode(), token=get_token() is not None
    )
    if fact.offline:
        return fact
    begin = time.monotonic()
    try:
        problem = _problem_of(_list_one_model(fact.endpoint, timeout_s))
    except HUB_ERRORS as error:
        problem = explain(error, what="its list of repositories").reason.partition(";")[0] + "."
    seconds = time.monotonic() - begin
    return fact.model_copy(update={"reached": problem is None, "seconds": seconds, "problem": problem})


def hub_answers(endpoint: str | None, timeout_s: float) -> bool:
    """Whether the Hub answers anything at all, be it with an error; waits four seconds at most."""
    try:
        _list_one_model(endpoint or constants.ENDPOINT, min(timeout_s, REACH_TIMEOUT_S))
    except HUB_ERRORS:
        return False
    return True


def _list_one_model(endpoint: str, timeout_s: float) -> httpx2.Response:
    """Make one call, without the retries of the library."""
    url = f"{endpoint.rstrip('/')}/api/models"
    return call_until(Deadline(timeout_s), lambda: get_session().get(url, params={"limit": "1"}, timeout=timeout_s))


def _problem_of(response: httpx2.Response) -> str | None:
    if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
        return f"it answers with error {response.status_code}."
    try:
        listed = response.json()
    except ValueError:
        listed = None
    return None if isinstance(listed, list | dict) else "something else answers in its place, such as a login page."
