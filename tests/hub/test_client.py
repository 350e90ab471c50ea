import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmark.hub.client import Hub
from benchmark.hub.retries import FAILURES_IN_A_ROW
from benchmark.progress import Silent
from benchmark.results.status import Status
from tests.hub.conftest import (
    CONFIG,
    ID,
    PREPROCESSOR,
    Publish,
    facts_of,
    failure,
    failure_of,
    read_in_process,
    success,
)
from tests.support.hub_server import Fault, HubServer, Trouble, closed_port, silent_port

INDEX = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
SHARDED: dict[str, Any] = {"model.safetensors": None, "model.safetensors.index.json": INDEX}


def test_facts_tell_config_files_and_card_without_reading_weights(
    server: HubServer, hub: Hub, publish: Publish
) -> None:
    card = {"license": "mit", "language": "ko", "datasets": ["ravdess"]}
    sha = publish()
    server.repositories[ID].info.update(cardData=card)
    facts = facts_of(hub)
    assert (facts.revision, facts.config, facts.preprocessor) == (sha, CONFIG, PREPROCESSOR)
    assert (facts.license, facts.languages, facts.datasets) == ("mit", ("ko",), ("ravdess",))
    assert facts.names == {"config.json", "preprocessor_config.json", "model.safetensors"}
    assert not any("safetensors" in request for request in server.requests)


def test_a_branch_is_resolved_to_its_own_commit(hub: Hub, publish: Publish) -> None:
    publish()
    sha = publish(branch="v2", **{"config.json": {"model_type": "hubert"}})
    facts = facts_of(hub, revision="v2")
    assert (facts.revision, facts.config) == (sha, {"model_type": "hubert"})


def test_a_nested_feature_extractor_is_found(hub: Hub, publish: Publish) -> None:
    nested = {"processor_class": "Wav2Vec2Processor", "feature_extractor": PREPROCESSOR}
    publish(**{"preprocessor_config.json": None, "processor_config.json": nested})
    assert facts_of(hub).preprocessor == PREPROCESSOR


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": 1e999}', "Out of range"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"[]", "array"),
        (b"[" * 200_000, "nested"),
        (b'{"a": "\\ud800"}', "Unicode"),
        (b"", "not JSON"),
        (b'"' + b"x" * 4_100_000 + b'"', "4.1 MB"),
    ],
    ids=lambda value: str(value[:12]),
)
def test_a_document_that_cannot_be_used_is_a_fact_and_a_large_one_is_not_fetched(
    server: HubServer, hub: Hub, publish: Publish, content: bytes, problem: str
) -> None:
    publish(**{"config.json": content, "preprocessor_config.json": content})
    facts = facts_of(hub)
    assert problem in (facts.config_problem or "")
    assert problem in (facts.preprocessor_problem or "")
    assert server.bytes_sent[ID] < 500_000


def test_repositories_that_cannot_be_had_have_a_status_each(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish()
    for id, revision in (("org/nothing", None), (ID, "v9")):
        missing = failure_of(hub, id, revision)
        assert missing.status is Status.NOT_FOUND
        assert (revision or id) in missing.reason
    server.repositories[ID].info["disabled"] = True
    disabled = failure_of(hub)
    assert disabled.status is Status.GATED
    assert "disabled" in disabled.reason
    server.repositories[ID].gated = True
    assert failure_of(hub).status is Status.GATED


@pytest.mark.parametrize("fault", [Fault(503, times=1), Fault(429, times=2), Fault(Trouble.RESET, times=1)])
def test_a_passing_failure_is_survived(server: HubServer, publish: Publish, tmp_path: Path, fault: Fault) -> None:
    publish()
    server.break_(ID, Fault(fault.what, at="/api/", times=fault.times))
    assert facts_of(Hub(timeout_s=5.0, endpoint=server.url, cache=tmp_path / "hf"))


@pytest.mark.parametrize("network", ["refused", "silent", "unresolvable"])
def test_with_no_network_many_candidates_end_soon(network: str, tmp_path: Path) -> None:
    with silent_port() as silent:
        endpoint = {"refused": closed_port(), "silent": silent, "unresolvable": "http://no.such.host.invalid"}[network]
        hub = Hub(timeout_s=1.0, endpoint=endpoint, cache=tmp_path / "hf")
        begin = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            failures = list(pool.map(lambda number: failure_of(hub, f"org/model-{number}"), range(25)))
        assert time.monotonic() - begin < 5.0
    assert {failure.status for failure in failures} == {Status.UNREACHABLE}
    assert all("says nothing about the model" in failure.reason for failure in failures)


def test_a_name_server_that_never_answers_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def never(*_positional: Any, **_named: Any) -> list[Any]:
        release.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", never)
    begin = time.monotonic()
    assert failure_of(Hub(timeout_s=0.5, endpoint="http://hub.invalid", cache=tmp_path)).status is Status.UNREACHABLE
    assert time.monotonic() - begin < 2.0
    release.set()


def test_after_three_connection_failures_no_more_calls_are_made(tmp_path: Path) -> None:
    hub = Hub(timeout_s=0.2, endpoint=closed_port(), cache=tmp_path / "hf")
    reasons = [failure_of(hub).reason for _ in range(4)]
    assert ["not asked" in reason for reason in reasons] == [False, False, False, True]


@pytest.mark.parametrize("trouble", [Trouble.RESET, Trouble.HANG], ids=str)
def test_broken_repositories_cost_no_other_one_as_long_as_the_hub_answers(
    server: HubServer, publish: Publish, tmp_path: Path, trouble: Trouble
) -> None:
    # Time for a second attempt: after an error of connecting, the library closes the client that all calls share.
    hub = Hub(timeout_s=0.8, endpoint=server.url, cache=tmp_path / "hf")
    publish()
    for number in range(FAILURES_IN_A_ROW + 1):
        publish(f"org/broken-{number}")
        server.break_(f"org/broken-{number}", Fault(trouble))
        assert failure_of(hub, f"org/broken-{number}").status is Status.UNREACHABLE
    facts_of(hub)
    server.break_(None, Fault(trouble))
    for number in range(FAILURES_IN_A_ROW):
        failure_of(hub, f"org/broken-{number}")
    assert "not asked" in failure_of(hub, ID).reason


@pytest.mark.parametrize("what", [Trouble.RESET, 404])
def test_answers_in_between_and_errors_of_the_server_mean_that_the_network_is_there(
    server: HubServer, hub: Hub, publish: Publish, what: Trouble | int
) -> None:
    publish()
    for number in range(5):
        publish(f"org/broken-{number}")
        server.break_(f"org/broken-{number}", Fault(what))
        assert "not asked" not in failure_of(hub, f"org/broken-{number}").reason
        if what is Trouble.RESET:
            facts_of(hub)
    facts_of(hub)


def test_a_listed_file_that_is_not_served_says_nothing_about_the_repository(
    server: HubServer, hub: Hub, publish: Publish
) -> None:
    publish()
    server.break_(ID, Fault(404, at="model.safetensors"))
    facts = facts_of(hub)
    for answer in (hub.tensors(facts, read_in_process), hub.download(facts)):
        assert failure(answer).status is Status.UNREACHABLE
        assert "lists model.safetensors of org/model and does not serve it" in failure(answer).reason


class Recorder(Silent):
    """Records the stages and the amounts that they reported."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float | None]] = []
        self.done = 0.0

    def stage(self, description: str, *, total: float | None, unit: str = "") -> Any:
        self.stages.append((description, total))
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def advance(self, amount: float = 1) -> None:
        self.done += amount


def test_a_download_fetches_one_weight_format_and_reports_every_byte(
    server: HubServer, hub: Hub, publish: Publish
) -> None:
    others = ("pytorch_model.bin", "tf_model.h5", "training_args.bin")
    publish(**dict.fromkeys(others, b"b" * 90_000))
    facts, recorder = facts_of(hub), Recorder()
    folder = success(hub.download(facts, recorder))
    assert {path.name for path in folder.iterdir()} == {"config.json", "preprocessor_config.json", "model.safetensors"}
    # The descriptions came with the facts.
    assert recorder.stages == [(f"Downloading {ID}", (folder / "model.safetensors").stat().st_size)]
    assert recorder.done == recorder.stages[0][1]
    assert server.bytes_sent[ID] < 20_000


def test_a_download_is_shown_only_where_something_is_fetched(hub: Hub, publish: Publish, tmp_path: Path) -> None:
    publish()
    facts, recorder = facts_of(hub), Recorder()
    success(hub.download(facts))
    success(hub.download(facts, recorder))
    offline = Hub(offline=True, endpoint=closed_port(), cache=tmp_path / "hf")
    success(offline.download(facts_of(offline), recorder))
    assert recorder.stages == []


def test_the_pinned_revision_is_fetched_even_when_the_branch_moves(hub: Hub, publish: Publish) -> None:
    publish(**{"model.safetensors": b"old"})
    facts = facts_of(hub)
    publish(**{"model.safetensors": b"new"})
    assert (success(hub.download(facts)) / "model.safetensors").read_bytes() == b"old"


@pytest.mark.parametrize(
    "trouble", [Trouble.HANG, Trouble.DRIP, Trouble.TRUNCATE, Trouble.RESET, Trouble.NOWHERE, Trouble.WRONG_LENGTH]
)
def test_a_download_that_fails_says_nothing_about_the_model(
    server: HubServer, hub: Hub, publish: Publish, tmp_path: Path, trouble: Trouble
) -> None:
    publish()
    facts = facts_of(hub)
    server.break_(ID, Fault(trouble, at="model.safetensors"))
    hasty = Hub(timeout_s=0.6, endpoint=server.url, cache=tmp_path / "hf")
    begin = time.monotonic()
    assert failure(hasty.download(facts)).status is Status.UNREACHABLE
    assert time.monotonic() - begin < 10.0  # bounded, on a busy machine too
    assert not list((tmp_path / "hf").rglob("model.safetensors"))


def test_offline_everything_comes_from_the_cache(hub: Hub, publish: Publish, tmp_path: Path) -> None:
    publish()
    online = facts_of(hub)
    offline = Hub(offline=True, endpoint=closed_port(), cache=tmp_path / "hf")
    assert "all of the weights" in failure(offline.download(facts_of(offline))).reason
    success(hub.download(online))
    facts = facts_of(offline)
    assert (facts.revision, facts.config, facts.preprocessor) == (online.revision, CONFIG, PREPROCESSOR)
    assert facts.partial
    assert (success(offline.download(facts)) / "model.safetensors").is_file()
    shutil.rmtree(tmp_path / "hf")
    absent = failure_of(offline)
    assert absent.status is Status.UNREACHABLE
    assert "HF_HUB_OFFLINE" in absent.reason


def test_offline_a_shard_that_was_never_fetched_says_nothing_about_the_model(
    hub: Hub, publish: Publish, tmp_path: Path
) -> None:
    publish(**SHARDED, **{"model-00001-of-00002.safetensors": b"s"})
    success(hub.download(facts_of(hub)))
    offline = Hub(offline=True, cache=tmp_path / "hf")
    facts = facts_of(offline)
    for answer in (offline.download(facts), offline.tensors(facts, read_in_process)):
        assert "all of the weights" in failure(answer).reason


def test_where_the_index_of_shards_cannot_be_had_the_download_fails_and_no_limit_is_blamed(
    server: HubServer, hub: Hub, publish: Publish
) -> None:
    publish(**SHARDED)
    facts = facts_of(hub)
    server.break_(ID, Fault(503, "index.json"))
    assert hub.download_size(facts) == 0
    assert failure(hub.download(facts)).status is Status.UNREACHABLE


def test_what_is_known_of_a_commit_is_not_fetched_again(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish()
    facts = facts_of(hub)
    requests = len(server.requests)
    assert hub.facts(facts.id, facts.revision) is facts
    assert len(server.requests) == requests
    assert facts_of(hub).revision == facts.revision  # a branch may have moved
    assert len(server.requests) > requests
