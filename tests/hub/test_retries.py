import errno
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from huggingface_hub import close_session, get_session
from huggingface_hub.errors import HfHubHTTPError

from benchmark.errors import RequestError, UnavailableError
from benchmark.hub.failures import WrongAnswerError
from benchmark.hub.repository_facts import HubFailure
from benchmark.hub.retries import Deadline, HubCalls, probe_hub
from benchmark.results.status import Status
from tests.hub.conftest import ID, ServedHub, failure
from tests.support.hub_server import Fault, HubServer, Trouble, closed_port, silent_port


def refusal(code: int, headers: dict[str, str] | None = None) -> HfHubHTTPError:
    request = httpx2.Request("GET", "http://hub.invalid/")
    return HfHubHTTPError("refused", response=httpx2.Response(code, headers=headers, request=request))


class Task:
    """Raises what it was given, one after the other, and answers then."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, _left: float) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def answer_to(task: Callable[[float], Any], timeout_s: float = 10.0) -> Any:
    return HubCalls(timeout_s).call(task, what="org/model")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds between attempts, which pass at once."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def test_a_call_goes_on_where_another_thread_meets_an_error_and_the_library_closes_the_client(hub: ServedHub) -> None:
    revision = hub.publish(**{"large.bin": bytes(20_000_000)})
    with get_session().stream("GET", f"{hub.server.url}/{ID}/resolve/{revision}/large.bin") as response:
        parts = response.iter_bytes()
        received = len(next(parts))
        close_session()
        assert received + sum(map(len, parts)) == 20_000_000


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize(
    "error",
    [
        *(refusal(code) for code in (408, 429, 503)),
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        WrongAnswerError("half of it"),
    ],
    ids=repr,
)
def test_what_may_pass_is_tried_again_and_not_for_ever(error: BaseException) -> None:
    task = Task(error, error)
    assert answer_to(task) == "answer"
    assert task.calls == 3
    task = Task(*[error] * 10)
    assert answer_to(task).status is Status.UNREACHABLE
    assert task.calls == 4


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (refusal(400), Status.UNREACHABLE),
        (refusal(401), Status.GATED),
        (refusal(403), Status.GATED),
        (refusal(404), Status.NOT_FOUND),
        (refusal(410), Status.NOT_FOUND),
        (refusal(416), Status.UNREACHABLE),
        (refusal(451), Status.GATED),
        (refusal(501), Status.UNREACHABLE),
        (httpx2.TooManyRedirects("redirects"), Status.UNREACHABLE),
        (httpx2.InvalidURL("no address"), Status.UNREACHABLE),
        (ValueError("no JSON"), Status.UNREACHABLE),
    ],
    ids=repr,
)
def test_what_will_not_pass_is_asked_once(error: BaseException, status: Status) -> None:
    task = Task(error)
    assert answer_to(task).status is status
    assert task.calls == 1


def test_a_wait_that_the_server_asks_for_is_obeyed(waits: list[float]) -> None:
    assert answer_to(Task(refusal(429, {"Retry-After": "1"}))) == "answer"
    assert waits == [1.0]


@pytest.mark.parametrize(
    ("code", "headers"), [(429, {"Retry-After": "3600"}), (503, {"RateLimit": '"api";r=0;t=3600'})]
)
def test_a_wait_beyond_the_time_limit_is_not_waited_for_and_named(
    waits: list[float], code: int, headers: dict[str, str]
) -> None:
    task = Task(refusal(code, headers))
    refused = failure(answer_to(task))
    assert refused.status is Status.UNREACHABLE
    assert "asks to wait 3600 s" in refused.reason
    assert (task.calls, waits) == (1, [])


def test_waits_grow_and_differ(waits: list[float]) -> None:
    assert answer_to(Task(*[httpx2.ConnectError("refused")] * 3)) == "answer"
    first, second, third = waits
    assert 0.3 <= first < second < third


def test_all_attempts_together_and_calls_that_share_a_deadline_keep_it() -> None:
    def slow(left: float) -> None:
        time.sleep(min(left, 0.2))
        raise httpx2.ConnectError("refused")

    begin = time.monotonic()
    assert isinstance(answer_to(slow, timeout_s=0.5), HubFailure)
    calls, deadline = HubCalls(10.0), Deadline(0.3)
    for _ in range(3):
        calls.call(lambda left: time.sleep(left + 5), what="x", deadline=deadline)
    assert time.monotonic() - begin < 1.5


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(errno.ENOSPC, "no space left"), UnavailableError),
        (PermissionError(errno.EACCES, "denied", "/cache/x"), RequestError),
    ],
    ids=repr,
)
def test_a_full_disk_is_nobodys_verdict(error: OSError, raised: Any) -> None:
    with pytest.raises(raised, match="Cannot write"):
        answer_to(Task(error))


def test_a_hub_that_answers_is_reached() -> None:
    with HubServer() as server:
        fact = probe_hub(endpoint=server.url)
    assert (fact.reached, fact.problem, fact.endpoint) == (True, None, server.url)


@pytest.mark.parametrize(
    ("what", "words"), [(Trouble.GARBAGE, "login page"), (503, "error 503"), (Trouble.RESET, "cannot be reached")]
)
def test_what_is_no_answer_of_the_hub_is_named(what: Trouble | int, words: str) -> None:
    with HubServer() as server:
        server.break_(None, Fault(what))
        fact = probe_hub(endpoint=server.url)
    assert fact.reached is False
    assert words in (fact.problem or "")


def test_the_probe_keeps_its_time_limit() -> None:
    begin = time.monotonic()
    with silent_port() as silent:
        assert probe_hub(endpoint=silent, timeout_s=0.3).reached is False
    assert probe_hub(endpoint=closed_port()).reached is False
    assert time.monotonic() - begin < 4


def test_the_token_is_known_to_be_there_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    fact = probe_hub(endpoint=closed_port())
    assert fact.token is True
    assert "verysecret" not in fact.model_dump_json()
