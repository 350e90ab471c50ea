"""Whether the Hub answers, found out in a few seconds at most."""

import time

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.utils import get_session  # type: ignore[attr-defined]  # documented there, not declared

from benchmark.hub.deadline import Patience, within
from benchmark.hub.failures import HUB_ERRORS, explain
from benchmark.results.environment import HubFact

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
