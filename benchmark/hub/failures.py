"""How long a server asks to wait before it is asked again."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import httpx2
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import parse_ratelimit_headers  # type: ignore[attr-defined]  # documented there, not declared

from benchmark.hub.facts import NO_STATEMENT, HubFailure
from benchmark.results.status import Status


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Read how long a server asks to wait.

    Args:
        headers: Of its answer: `Retry-After` in seconds or as a date, or the Hub's own `RateLimit`.

    Returns:
        Seconds from now, none below zero; None where it asks for nothing that makes sense.

    Examples:
        >>> asked_wait({"Retry-After": "120"}), asked_wait({"ratelimit": '"api";r=0;t=55'}), asked_wait({})
        (120.0, 55.0, None)
        >>> asked_wait({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), asked_wait({"Retry-After": "soon"})
        (0.0, None)
    """
    told = headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdecimal():
        return float(told)
    if told:
        try:
            moment = parsedate_to_datetime(told)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - time.time())
    limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit is not None and limit.remaining == 0 else None


T = TypeVar("T")


class WrongAnswerError(ValueError):
    """What a server sends is not what it was asked for, in a way that another attempt may mend."""


HUB_ERRORS = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
)
"""Whatever a call to the Hub raises: its own errors, those of the network, and those of answers that make no sense."""


_LONGEST_DETAIL = 200


def explain(error: BaseException, *, what: str) -> HubFailure:
    """Tell what a failure means.

    Args:
        error: What a call to the Hub raised.
        what: The repository, and the revision where one was asked for, as a person would name it.

    Returns:
        The status it stands for and a sentence.

    Examples:
        >>> explain(TimeoutError(), what="org/model").reason
        'the Hub did not answer in time; this says nothing about the model'
    """
    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        return explain(error.__cause__, what=what)
    # The order matters: GatedRepoError is a RepositoryNotFoundError.
    for kinds, meaning in _MEANINGS:
        if isinstance(error, kinds):
            return meaning(error, what)
    return _unreachable(f"the Hub's answer about {what} makes no sense ({_detail(error)})")


def is_connection_failure(error: BaseException) -> bool:
    """Whether nobody answered, as opposed to an answer that is an error."""
    if isinstance(error, LocalEntryNotFoundError):
        return error.__cause__ is not None and is_connection_failure(error.__cause__)
    return isinstance(error, (httpx2.TransportError, TimeoutError)) and not isinstance(error, HfHubHTTPError)


def _unreachable(reason: str) -> HubFailure:
    return HubFailure(Status.UNREACHABLE, f"{reason}; {NO_STATEMENT}")


def _offline(_error: BaseException, what: str) -> HubFailure:
    return not_in_cache(what)


def not_in_cache(what: str) -> HubFailure:
    """Tell that nobody may ask the Hub and that the local cache does not help."""
    return _unreachable(f"HF_HUB_OFFLINE is set and {what} is not in the local cache: unset it and try again")


def _gated(_error: BaseException, what: str) -> HubFailure:
    return HubFailure(
        Status.GATED,
        f"{what} is gated: accept its conditions on its page and log in with `hf auth login`, or set HF_TOKEN",
    )


def disabled(what: str) -> HubFailure:
    """Tell that the Hub has switched a repository off."""
    return HubFailure(Status.GATED, f"{what} exists, and access to it is disabled")


def _disabled(_error: BaseException, what: str) -> HubFailure:
    return disabled(what)


def _no_repository(_error: BaseException, what: str) -> HubFailure:
    return HubFailure(Status.NOT_FOUND, f"the Hub knows no {what}, or it is private: check the spelling, or log in")


def _no_revision(_error: BaseException, what: str) -> HubFailure:
    return HubFailure(Status.NOT_FOUND, f"the Hub knows no {what}: the repository has no such revision")


def _no_valid_id(error: BaseException, what: str) -> HubFailure:
    return HubFailure(Status.NOT_FOUND, f"{what} cannot be the name of a repository ({_detail(error)})")


def _no_entry(_error: BaseException, what: str) -> HubFailure:
    return _unreachable(f"the Hub lists {what} and does not serve it")


def served(answer: T, what: str) -> T | HubFailure:
    """Tell of a listed file that is not served what that means: nothing about whether the repository is there.

    Args:
        answer: What asking for the file brought.
        what: The file, as a person would name it.
    """
    is_missing = isinstance(answer, HubFailure) and answer.status is Status.NOT_FOUND
    return _no_entry(FileNotFoundError(), what) if is_missing else answer


def _http(error: BaseException, what: str) -> HubFailure:
    response = error.response if isinstance(error, HfHubHTTPError) else None
    code = response.status_code if response is not None else 0
    said = response.headers.get("X-Error-Message", "") if response is not None else ""
    if code == HTTPStatus.UNAUTHORIZED and "Invalid credentials" in said:
        return _unreachable("the Hub does not accept the access token of this machine: log in again or unset HF_TOKEN")
    if code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS}:
        return HubFailure(Status.GATED, f"the Hub refuses access to {what} (HTTP {code}): log in, or set HF_TOKEN")
    if code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return _no_repository(error, what)
    wait = asked_wait(response.headers) if response is not None else None
    waiting = "" if wait is None else f" {wait:.0f} s"
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        return _unreachable(f"the Hub asks to wait{waiting} (HTTP 429, too many requests)")
    asking = waiting and f" and asks to wait{waiting}"
    return _unreachable(f"the Hub failed (HTTP {code}){asking}")


def _timed_out(_error: BaseException, _what: str) -> HubFailure:
    return _unreachable("the Hub did not answer in time")


def _network(error: BaseException, _what: str) -> HubFailure:
    return _unreachable(f"the Hub cannot be reached ({_detail(error)})")


def _local_entry(_error: BaseException, what: str) -> HubFailure:
    return _unreachable(f"a file of {what} is neither in the local cache nor to be had from the Hub")


def _detail(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST_DETAIL else text[:_LONGEST_DETAIL] + "…"


_Meaning = Callable[[BaseException, str], HubFailure]


_MEANINGS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], _Meaning], ...] = (
    (OfflineModeIsEnabled, _offline),
    (GatedRepoError, _gated),
    (DisabledRepoError, _disabled),
    (RepositoryNotFoundError, _no_repository),
    (RevisionNotFoundError, _no_revision),
    (RemoteEntryNotFoundError, _no_entry),
    (LocalEntryNotFoundError, _local_entry),
    (HFValidationError, _no_valid_id),
    (HfHubHTTPError, _http),
    ((TimeoutError, httpx2.TimeoutException), _timed_out),
    ((httpx2.HTTPError, httpx2.InvalidURL, OSError), _network),
)
