import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.corpora import fetch_actor
from benchmark.corpora.fetch_actor import FetchActor, Problem
from tests.support.recording_server import RecordingServer, recording_server

MB = 1_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[RecordingServer]:
    with recording_server(recording=b"content" * 100, secret=b"secret") as served:
        yield served


def fetch(
    address: str, path: Path, *, actor: FetchActor | None = None, max_bytes: int = MB, timeout_s: float = 20.0
) -> tuple[str, str]:
    """The problem and the reason; two empty texts for none."""
    failure = (actor or FetchActor()).fetch(address, str(path), max_bytes, timeout_s) or {}
    return failure.get("problem", ""), failure.get("reason", "")


def test_a_recording_is_written_for_its_owner_only(server: RecordingServer, tmp_path: Path) -> None:
    path = tmp_path / "copy"
    assert fetch(server.address("/recording"), path) == ("", "")
    assert path.read_bytes() == b"content" * 100
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_endless_answer_ends_at_the_limit(server: RecordingServer, tmp_path: Path) -> None:
    problem, reason = fetch(server.address("/endless"), tmp_path / "copy")
    assert problem == Problem.REFUSED
    assert "more than 1 MB" in reason
    assert (tmp_path / "copy").stat().st_size <= MB


@pytest.mark.parametrize(("path", "words"), [("/slow", "less than 30 kB came"), ("/silent", "no answer came")])
def test_what_hardly_comes_is_given_up(
    path: str, words: str, server: RecordingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_actor, "_WATCHED_S", 2.5)
    started = time.monotonic()
    problem, reason = fetch(server.address(path), tmp_path / "copy")
    assert (problem, words in reason) == (Problem.SLOW, True)
    assert time.monotonic() - started < 10


def test_all_of_it_must_come_in_time(server: RecordingServer, tmp_path: Path) -> None:
    problem, reason = fetch(server.address("/endless"), tmp_path / "copy", max_bytes=10**12, timeout_s=0.5)
    assert (problem, "within 0.5 s" in reason) == (Problem.SLOW, True)


def test_what_is_not_there_and_who_does_not_answer_are_told_apart(
    server: RecordingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetch(server.address("/gone"), tmp_path / "a")[0] == Problem.MISSING
    assert fetch("http://127.0.0.1:9/a.wav", tmp_path / "b")[0] == Problem.HOST
    assert fetch(str(tmp_path / "gone"), tmp_path / "c")[0] == Problem.MISSING
    monkeypatch.setitem(sys.modules, "gcsfs", None)  # as where it is not installed
    problem, reason = fetch("gs://bucket/a.wav", tmp_path / "d")
    assert (problem, "library that is not installed" in reason) == (Problem.OTHER, True)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a.wav", "data:audio/wav;base64,AAAA"])
def test_a_redirect_leads_to_no_other_protocol(target: str, server: RecordingServer, tmp_path: Path) -> None:
    problem, reason = fetch(server.address(f"/to?{target}"), tmp_path / "copy")
    assert (problem, "is redirected from http to" in reason) == (Problem.REFUSED, True)


def test_redirects_are_followed_without_the_password_of_another_host(server: RecordingServer, tmp_path: Path) -> None:
    with recording_server(recording=b"from another") as other:
        address = f"http://user:password@127.0.0.1:{server.port}/to?/to?{other.address('/recording')}"
        assert fetch(address, tmp_path / "copy") == ("", "")
        assert (tmp_path / "copy").read_bytes() == b"from another"
        assert ["Authorization" in headers for _, headers in server.requests[-2:]] == [True, True]
        assert ["Authorization" in headers for _, headers in other.requests] == [False]


def test_endless_redirects_end(server: RecordingServer, tmp_path: Path) -> None:
    own = server.address("/to?")
    problem, reason = fetch(own + own * 12 + "/recording", tmp_path / "copy")
    assert (problem, "more than 10 times" in reason) == (Problem.REFUSED, True)


def test_a_public_host_redirects_to_no_private_address(server: RecordingServer, tmp_path: Path) -> None:
    # Tests reach only loopback, so that one of its addresses stands for a public host.
    actor = FetchActor(is_private=lambda ip: ip == "127.0.0.1")
    public, private = server.address("/recording", "127.0.0.2"), server.address("/secret")
    for target in (private, private.replace("127.0.0.1", "localhost")):
        problem, reason = fetch(server.address(f"/to?{target}", "127.0.0.2"), tmp_path / "a", actor=actor)
        assert (problem, "into a private network" in reason) == (Problem.REFUSED, True)
        (tmp_path / "a").unlink()
    assert server.count("/secret") == 0
    assert fetch(server.address(f"/to?{public}"), tmp_path / "b", actor=actor) == ("", "")
    assert fetch(server.address(f"/to?{private}"), tmp_path / "c", actor=actor) == ("", "")


def test_the_connection_goes_to_the_ip_address_that_was_judged(
    server: RecordingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name that belongs to a public address once, and to a private one the next time (DNS rebinding).
    answers, judged, look_up = ["127.0.0.2", "127.0.0.1"], list[str](), socket.getaddrinfo

    def rebinding(host: str, *arguments: Any, **options: Any) -> Any:
        return look_up(answers.pop(0) if host == "voices.example" else host, *arguments, **options)

    def is_private(ip: str) -> bool:
        judged.append(ip)
        return ip == "127.0.0.1"

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    address = server.address("/recording", "voices.example")
    assert fetch(address, tmp_path / "copy", actor=FetchActor(is_private)) == ("", "")
    assert (answers, judged) == (["127.0.0.1"], ["127.0.0.2"])
    assert server.requests[-1][1]["Host"] == f"voices.example:{server.port}"
