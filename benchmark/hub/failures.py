"""What each failure of a call to the Hub means for a candidate."""

import time
from collections.abc import Mapping
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

from benchmark.hub.repository_facts import HubFailure, not_in_cache, unreachable
from benchmark.results.status import Status

T = TypeVar("T")

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

_NO_ACCESS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS}
_LONGEST_DETAIL = 200


class WrongAnswerError(ValueError):
    """A server sent something else than requested, which another attempt may mend."""


def explain(error: BaseException, *, what: str) -> HubFailure:  # noqa: PLR0911 - one case per kind of error
    """Turn the exception of a call for `what`, a repository or file in words, into a status and a sentence.

    Examples:
        >>> explain(TimeoutError(), what="org/model").reason
        'the Hub did not answer in time; this says nothing about the model'
    """
    # The order matters: GatedRepoError is a RepositoryNotFoundError, most are HfHubHTTPErrors, and those are OSErrors.
    match error:
        case LocalEntryNotFoundError(__cause__=Exception() as cause):
            return explain(cause, what=what)
        case OfflineModeIsEnabled():
            return not_in_cache(what)
        case GatedRepoError():
            return HubFailure(
                Status.GATED,
                f"{what} is gated: accept its conditions on its page and log in with `hf auth login`, or set HF_TOKEN",
            )
        case DisabledRepoError():
            return HubFailure(Status.GATED, f"{what} exists, and access to it is disabled")
        case RepositoryNotFoundError():
            return _no_repository(what)
        case RevisionNotFoundError():
            return HubFailure(Status.NOT_FOUND, f"the Hub knows no {what}: the repository has no such revision")
        case RemoteEntryNotFoundError():
            return _not_served(what)
        case LocalEntryNotFoundError():
            return unreachable(f"a file of {what} is neither in the local cache nor to be had from the Hub")
        case HFValidationError():
            return HubFailure(Status.NOT_FOUND, f"{what} cannot be the name of a repository ({_detail(error)})")
        case HfHubHTTPError():
            return _explain_response(error.response, what)
        case TimeoutError() | httpx2.TimeoutException():
            return unreachable("the Hub did not answer in time")
        case httpx2.HTTPError() | httpx2.InvalidURL() | OSError():
            return unreachable(f"the Hub cannot be reached ({_detail(error)})")
    return unreachable(f"the Hub's answer about {what} makes no sense ({_detail(error)})")


def is_connection_failure(error: BaseException) -> bool:
    """Whether no server answered, as opposed to an answer that is an error."""
    if isinstance(error, LocalEntryNotFoundError):
        return error.__cause__ is not None and is_connection_failure(error.__cause__)
    return isinstance(error, httpx2.TransportError | TimeoutError) and not isinstance(error, HfHubHTTPError)


def of_listed_file(answer: T | HubFailure, what: str) -> T | HubFailure:
    """Turn `not-found` for a file that the Hub lists into `unreachable`: the repository is there."""
    is_missing = isinstance(answer, HubFailure) and answer.status is Status.NOT_FOUND
    return _not_served(what) if is_missing else answer


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds a server asks to wait; None where it says nothing that makes sense.

    `Retry-After` is in seconds or a date; `RateLimit` is the Hub's own.

    Examples:
        >>> retry_after({"Retry-After": "120"}), retry_after({"ratelimit": '"api";r=0;t=55'}), retry_after({})
        (120.0, 55.0, None)
        >>> retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), retry_after({"Retry-After": "soon"})
        (0.0, None)
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    if value:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - time.time())
    limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit is not None and limit.remaining == 0 else None


def _no_repository(what: str) -> HubFailure:
    return HubFailure(Status.NOT_FOUND, f"the Hub knows no {what}, or it is private: check the spelling, or log in")


def _not_served(what: str) -> HubFailure:
    return unreachable(f"the Hub lists {what} and does not serve it")


def _explain_response(response: httpx2.Response, what: str) -> HubFailure:
    code = response.status_code
    if code == HTTPStatus.UNAUTHORIZED and "Invalid credentials" in response.headers.get("X-Error-Message", ""):
        return unreachable("the Hub does not accept the access token of this machine: log in again or unset HF_TOKEN")
    if code in _NO_ACCESS:
        return HubFailure(Status.GATED, f"the Hub refuses access to {what} (HTTP {code}): log in, or set HF_TOKEN")
    if code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return _no_repository(what)
    wait = retry_after(response.headers)
    seconds = "" if wait is None else f" {wait:.0f} s"
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        return unreachable(f"the Hub asks to wait{seconds} (HTTP 429, too many requests)")
    return unreachable(f"the Hub failed (HTTP {code})" + (seconds and f" and asks to wait{seconds}"))


def _detail(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST_DETAIL else text[:_LONGEST_DETAIL] + "…"
