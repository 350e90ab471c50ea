import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from benchmark.hub.client import Hub
from benchmark.hub.failures import retry_after
from benchmark.hub.repository_facts import HubFailure
from benchmark.results.status import Status
from tests.hub.conftest import ID, Publish, failure_of, problem_of, read_in_process
from tests.support.hub_server import Fault, HubServer, Trouble

NO_TOKEN = {"X-Error-Message": "Invalid credentials in Authorization header"}
DISABLED = {"X-Error-Message": "Access to this resource is disabled."}


@pytest.mark.parametrize("at", ["/api/", "config.json"])
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(403), Status.GATED),
        (Fault(403, headers=DISABLED), Status.GATED),
        (Fault(404), Status.NOT_FOUND),
        (Fault(401, headers=NO_TOKEN), Status.UNREACHABLE),
        (Fault(204), Status.UNREACHABLE),
        (Fault(302), Status.UNREACHABLE),
        (Fault(302, headers={"Location": ""}), Status.UNREACHABLE),
        (Fault(429, headers={"Retry-After": "3600"}), Status.UNREACHABLE),
        (Fault(500), Status.UNREACHABLE),
        (Fault(Trouble.LOOP), Status.UNREACHABLE),
        (Fault(Trouble.HANG), Status.UNREACHABLE),
        (Fault(Trouble.DRIP), Status.UNREACHABLE),
        (Fault(Trouble.TRUNCATE), Status.UNREACHABLE),
        (Fault(Trouble.RESET), Status.UNREACHABLE),
        (Fault(Trouble.NOWHERE), Status.UNREACHABLE),
        (Fault(Trouble.GARBAGE), Status.UNREACHABLE),
    ],
    ids=lambda value: f"{value.what} {value.headers or ''}" if isinstance(value, Fault) else str(value),
)
def test_every_failure_ends_as_its_status_in_bounded_time(
    server: HubServer, publish: Publish, tmp_path: Path, fault: Fault, at: str, status: Status
) -> None:
    publish()
    server.break_(ID, Fault(fault.what, at=at, headers=fault.headers))
    # What may pass is asked again until the limit is over.
    limit_s = 0.6 if status is Status.UNREACHABLE else 2.0
    begin = time.monotonic()
    failure = failure_of(Hub(timeout_s=limit_s, endpoint=server.url, cache=tmp_path / "hf"))
    assert failure.status is status
    assert ("says nothing about the model" in failure.reason) == (status is Status.UNREACHABLE)
    if "Retry-After" in (fault.headers or {}) and at == "/api/":  # for files, the library waits until the time is over
        assert "wait 3600 s" in failure.reason
    assert time.monotonic() - begin < limit_s + 2.0


@pytest.mark.parametrize(
    "change",
    [
        {"sha": None},
        {"sha": "main"},
        {"siblings": 3},
        {"siblings": [3]},
        {"siblings": [{}]},
        {"siblings": [{"rfilename": None}]},
        {"siblings": [{"rfilename": "config.json", "size": "big"}]},
        {"cardData": [1]},
        {"lastModified": "yesterday"},
    ],
    ids=json.dumps,
)
def test_an_answer_that_is_json_and_makes_no_sense_never_ends_in_a_traceback(
    server: HubServer, hub: Hub, publish: Publish, change: dict[str, Any]
) -> None:
    publish()
    server.repositories[ID].info.update(change)
    answer = hub.facts(ID)
    if isinstance(answer, HubFailure):
        assert answer.status is Status.UNREACHABLE


@pytest.mark.parametrize("name", ["../../../../evil.safetensors", "/evil", "a/../../b", "..", "con\0fig"])
def test_names_of_files_cannot_reach_beyond_the_cache(
    server: HubServer, hub: Hub, publish: Publish, tmp_path: Path, name: str
) -> None:
    publish(**{"config.json": {"transformers_weights": name}, "model.safetensors": None})
    server.repositories[ID].info["siblings"] = [
        {"rfilename": "config.json", "size": 1000},
        {"rfilename": name, "size": 100},
    ]
    facts = hub.facts(ID)
    if isinstance(facts, HubFailure):
        return
    listing = hub.tensors(facts, read_in_process)
    assert isinstance(listing, HubFailure) or problem_of(listing).status is Status.LOAD_FAILED
    assert isinstance(hub.download(facts), HubFailure)
    assert not list(tmp_path.rglob("*evil*"))


def test_a_date_is_so_many_seconds_from_now() -> None:
    wait = retry_after({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)})
    assert wait is not None
    assert 85 < wait <= 90


def test_a_wait_that_makes_no_sense_is_none_and_one_beyond_all_bounds_is_long() -> None:
    for value in ("", " ", "soon", "-5", "1e9", "²", "99999999999999999 Foo 2020", "٣"):
        assert retry_after({"Retry-After": value}) is None, value
    assert retry_after({"Retry-After": "9" * 400}) == float("inf")


def test_the_limit_of_the_hub_counts_only_where_nothing_remains() -> None:
    assert retry_after({"ratelimit": '"api";r=5;t=55'}) is None
    assert retry_after({"ratelimit": '"api";r=0;t=55', "Retry-After": "7"}) == 7.0
