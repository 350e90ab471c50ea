import time

import pytest

from benchmark.hub.reachability import look_at_hub
from tests.support.hub_server import Fault, HubServer, Trouble, closed_port, silent_port


def test_a_hub_that_answers_is_reached() -> None:
    with HubServer() as server:
        found = look_at_hub(endpoint=server.url)
    assert (found.reached, found.problem, found.endpoint) == (True, None, server.url)


@pytest.mark.parametrize(
    ("what", "words"), [(Trouble.GARBAGE, "login page"), (503, "error 503"), (Trouble.RESET, "cannot be reached")]
)
def test_what_is_no_answer_of_the_hub_is_told(what: Trouble | int, words: str) -> None:
    with HubServer() as server:
        server.break_(None, Fault(what))
        found = look_at_hub(endpoint=server.url)
    assert found.reached is False
    assert words in (found.problem or "")


def test_nobody_waits_longer_than_asked() -> None:
    begin = time.monotonic()
    with silent_port() as silent:
        assert look_at_hub(endpoint=silent, timeout_s=0.3).reached is False
    assert look_at_hub(endpoint=closed_port()).reached is False
    assert time.monotonic() - begin < 4


def test_the_token_is_known_to_be_there_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    found = look_at_hub(endpoint=closed_port())
    assert found.token is True
    assert "verysecret" not in found.model_dump_json()
