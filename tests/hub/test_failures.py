import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from benchmark.hub.failures import retry_after
from benchmark.hub.repository_facts import HubFailure
from benchmark.results.status import Status
from tests.hub.conftest import ID, WEIGHTS, ServedHub, failure, problem_of, read_in_process
from tests.support.hub_server import Fault, Trouble

NO_TOKEN = {"X-Error-Message": "Invalid credentials in Authorization header"}
DISABLED = {"X-Error-Message": "Access to this resource is disabled."}
API, FILE = "/api/", "config.json"


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(403, API), Status.GATED),
        (Fault(403, API, headers=DISABLED), Status.GATED),
        (Fault(403, FILE), Status.GATED),
        (Fault(404, API), Status.NOT_FOUND),
        (Fault(404, FILE), Status.NOT_FOUND),
        (Fault(401, API, headers=NO_TOKEN), Status.UNREACHABLE),
        (Fault(204, API), Status.UNREACHABLE),
        (Fault(204, FILE), Status.UNREACHABLE),
        (Fault(302, API), Status.UNREACHABLE),
        (Fault(302, FILE, headers={"Location": ""}), Status.UNREACHABLE),
        (Fault(429, API, headers={"Retry-After": "3600"}), Status.UNREACHABLE),
        (Fault(429, FILE, headers={"Retry-After": "3600"}), Status.UNREACHABLE),
        (Fault(500, FILE), Status.UNREACHABLE),
        (Fault(Trouble.LOOP, API), Status.UNREACHABLE),
        (Fault(Trouble.LOOP, FILE), Status.UNREACHABLE),
        (Fault(Trouble.HANG, API), Status.UNREACHABLE),
        (Fault(Trouble.HANG, FILE), Status.UNREACHABLE),
        (Fault(Trouble.DRIP, API), Status.UNREACHABLE),
        (Fault(Trouble.TRUNCATE, API), Status.UNREACHABLE),
        (Fault(Trouble.NOWHERE, FILE), Status.UNREACHABLE),
        (Fault(Trouble.GARBAGE, API), Status.UNREACHABLE),
        (Fault(Trouble.GARBAGE, FILE), Status.UNREACHABLE),
    ],
    ids=lambda value: f"{value.what} {value.at} {value.headers or ''}" if isinstance(value, Fault) else str(value),
)
def test_every_failure_ends_as_its_status_in_bounded_time(hub: ServedHub, fault: Fault, status: Status) -> None:
    hub.publish()
    hub.server.break_(ID, fault)
    # What may pass is asked again until the limit is over.
    limit_s = 0.6 if status is Status.UNREACHABLE else 2.0
    begin = time.monotonic()
    failed = failure(hub.client_with(limit_s).facts(ID))
    assert time.monotonic() - begin < limit_s + 2.0
    assert failed.status is status
    assert ("says nothing about the model" in failed.reason) == (status is Status.UNREACHABLE)
    if fault.what == 429 and fault.at == API:  # for files, the library waits until the time is over
        assert "wait 3600 s" in failed.reason


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
    hub: ServedHub, change: dict[str, Any]
) -> None:
    hub.publish()
    hub.server.repositories[ID].info.update(change)
    answer = hub.client.facts(ID)
    if isinstance(answer, HubFailure):
        assert answer.status is Status.UNREACHABLE


@pytest.mark.parametrize("name", ["../../../../evil.safetensors", "/evil", "a/../../b", "..", "con\0fig"])
def test_names_of_files_cannot_reach_beyond_the_cache(hub: ServedHub, name: str) -> None:
    hub.publish(**{"config.json": {"transformers_weights": name}, WEIGHTS: None})
    files = [{"rfilename": "config.json", "size": 1000}, {"rfilename": name, "size": 100}]
    hub.server.repositories[ID].info["siblings"] = files
    facts = hub.client.facts(ID)
    if isinstance(facts, HubFailure):
        return
    listing = hub.client.tensors(facts, read_in_process)
    assert isinstance(listing, HubFailure) or problem_of(listing).status is Status.LOAD_FAILED
    assert isinstance(hub.client.download(facts), HubFailure)
    assert not list(hub.cache.parent.rglob("*evil*"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        *(({"Retry-After": text}, None) for text in ("", " ", "soon", "-5", "1e9", "²", "٣")),
        ({"Retry-After": "99999999999999999 Foo 2020"}, None),
        ({"Retry-After": "9" * 400}, float("inf")),
        ({"ratelimit": '"api";r=5;t=55'}, None),  # the limit of the Hub counts only where nothing remains
        ({"ratelimit": '"api";r=0;t=55', "Retry-After": "7"}, 7.0),
    ],
)
def test_a_wait_that_makes_no_sense_is_none(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_date_is_so_many_seconds_from_now() -> None:
    wait = retry_after({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)})
    assert wait is not None
    assert 85 < wait <= 90
