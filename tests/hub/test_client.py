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
from tests.hub.conftest import CONFIG, ID, PREPROCESSOR, WEIGHTS, ServedHub, failure, read_in_process, success
from tests.support.hub_server import Trouble, closed_port, silent_port

INDEX = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
SHARDED: dict[str, Any] = {WEIGHTS: None, "model.safetensors.index.json": INDEX}


def test_facts_are_those_of_config_files_and_card_and_read_no_weights(hub: ServedHub) -> None:
    sha = hub.publish()
    hub.server.repositories[ID].info["cardData"] = {"license": "mit", "language": "ko", "datasets": ["ravdess"]}
    facts = hub.facts()
    assert (facts.revision, facts.config, facts.preprocessor) == (sha, CONFIG, PREPROCESSOR)
    assert (facts.license, facts.languages, facts.datasets) == ("mit", ("ko",), ("ravdess",))
    assert facts.names == {"config.json", "preprocessor_config.json", WEIGHTS}
    assert not any("safetensors" in request for request in hub.server.requests)


def test_a_branch_is_resolved_to_its_own_commit(hub: ServedHub) -> None:
    hub.publish()
    sha = hub.publish(branch="v2", **{"config.json": {"model_type": "hubert"}})
    facts = hub.facts(revision="v2")
    assert (facts.revision, facts.config) == (sha, {"model_type": "hubert"})


def test_a_nested_feature_extractor_is_found(hub: ServedHub) -> None:
    nested = {"processor_class": "Wav2Vec2Processor", "feature_extractor": PREPROCESSOR}
    hub.publish(**{"preprocessor_config.json": None, "processor_config.json": nested})
    assert hub.facts().preprocessor == PREPROCESSOR


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
    hub: ServedHub, content: bytes, problem: str
) -> None:
    hub.publish(**{"config.json": content, "preprocessor_config.json": content})
    facts = hub.facts()
    assert problem in (facts.config_problem or "")
    assert problem in (facts.preprocessor_problem or "")
    assert hub.bytes_sent < 500_000


def test_missing_disabled_and_gated_repositories_have_their_status(hub: ServedHub) -> None:
    hub.publish()
    for id, revision in (("org/nothing", None), (ID, "v9")):
        missing = hub.failure(id, revision)
        assert missing.status is Status.NOT_FOUND
        assert (revision or id) in missing.reason
    hub.server.repositories[ID].info["disabled"] = True
    disabled = hub.failure()
    assert disabled.status is Status.GATED
    assert "disabled" in disabled.reason
    hub.server.repositories[ID].gated = True
    assert hub.failure().status is Status.GATED


@pytest.mark.parametrize("what", [503, Trouble.RESET])
def test_a_passing_failure_is_survived(hub: ServedHub, what: int | Trouble) -> None:
    hub.publish()
    hub.break_(what, "/api/", times=1)
    success(hub.client_with(timeout_s=5.0).facts(ID))


@pytest.mark.parametrize("network", ["refused", "silent", "unresolvable"])
def test_with_no_network_many_candidates_end_soon(network: str, tmp_path: Path) -> None:
    with silent_port() as silent:
        endpoint = {"refused": closed_port(), "silent": silent, "unresolvable": "http://no.such.host.invalid"}[network]
        client = Hub(timeout_s=1.0, endpoint=endpoint, cache=tmp_path / "hf")
        begin = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            failures = [failure(answer) for answer in pool.map(client.facts, [f"org/model-{n}" for n in range(25)])]
        assert time.monotonic() - begin < 5.0
    assert {failure.status for failure in failures} == {Status.UNREACHABLE}
    assert all("says nothing about the model" in failure.reason for failure in failures)


def test_a_name_server_that_never_answers_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def never(*_: Any, **__: Any) -> list[Any]:
        release.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", never)
    begin = time.monotonic()
    unreached = failure(Hub(timeout_s=0.5, endpoint="http://hub.invalid", cache=tmp_path).facts(ID))
    assert unreached.status is Status.UNREACHABLE
    assert time.monotonic() - begin < 2.0
    release.set()


@pytest.mark.parametrize("trouble", [Trouble.RESET, Trouble.HANG], ids=str)
def test_calls_end_after_three_connection_failures_unless_the_hub_still_answers(
    hub: ServedHub, trouble: Trouble
) -> None:
    # Time for a second attempt: after an error of connecting, the library closes the client that all calls share.
    hub.client = hub.client_with(timeout_s=0.8)
    hub.publish()
    for number in range(FAILURES_IN_A_ROW + 1):
        hub.publish(f"org/broken-{number}")
        hub.break_(trouble, id=f"org/broken-{number}")
        assert hub.failure(f"org/broken-{number}").status is Status.UNREACHABLE
    hub.facts()
    hub.break_(trouble, id=None)
    reasons = [hub.failure(f"org/broken-{number}").reason for number in range(FAILURES_IN_A_ROW + 1)]
    assert ["not asked" in reason for reason in reasons] == [False, False, False, True]
    assert "not asked" in hub.failure(ID).reason


def test_a_listed_file_that_is_not_served_says_nothing_about_the_repository(hub: ServedHub) -> None:
    hub.publish()
    hub.break_(404, WEIGHTS)
    facts = hub.facts()
    for _ in range(FAILURES_IN_A_ROW):  # an error of the server is no failure of the network
        for answer in (hub.client.tensors(facts, read_in_process), hub.client.download(facts)):
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


def test_a_download_fetches_one_weight_format_once_and_reports_every_byte(hub: ServedHub) -> None:
    hub.publish(**dict.fromkeys(("pytorch_model.bin", "tf_model.h5", "training_args.bin"), b"b" * 90_000))
    facts, recorder = hub.facts(), Recorder()
    folder = success(hub.client.download(facts, recorder))
    assert {path.name for path in folder.iterdir()} == {"config.json", "preprocessor_config.json", WEIGHTS}
    # The descriptions came with the facts.
    expected = [(f"Downloading {ID}", 5000)]
    assert (recorder.stages, recorder.done) == (expected, 5000)
    offline = hub.offline_client()
    for client in (hub.client, offline):
        success(client.download(success(client.facts(ID)), recorder))
    assert recorder.stages == expected
    assert hub.bytes_sent < 20_000


def test_the_pinned_revision_is_fetched_even_when_the_branch_moves(hub: ServedHub) -> None:
    hub.publish(**{WEIGHTS: b"old"})
    facts = hub.facts()
    hub.publish(**{WEIGHTS: b"new"})
    assert (hub.download(facts) / WEIGHTS).read_bytes() == b"old"


@pytest.mark.parametrize(
    "trouble", [Trouble.HANG, Trouble.DRIP, Trouble.TRUNCATE, Trouble.RESET, Trouble.NOWHERE, Trouble.WRONG_LENGTH]
)
def test_a_download_that_fails_says_nothing_about_the_model(hub: ServedHub, trouble: Trouble) -> None:
    hub.publish()
    facts = hub.facts()
    hub.break_(trouble, WEIGHTS)
    begin = time.monotonic()
    assert failure(hub.client_with(timeout_s=0.6).download(facts)).status is Status.UNREACHABLE
    assert time.monotonic() - begin < 10.0  # bounded, on a busy machine too
    assert not list(hub.cache.rglob(WEIGHTS))


def test_offline_everything_comes_from_the_cache(hub: ServedHub) -> None:
    hub.publish()
    online, offline = hub.facts(), hub.offline_client()
    assert "all of the weights" in failure(offline.download(success(offline.facts(ID)))).reason
    hub.download(online)
    facts = success(offline.facts(ID))
    assert (facts.revision, facts.config, facts.preprocessor) == (online.revision, CONFIG, PREPROCESSOR)
    assert facts.partial
    assert (success(offline.download(facts)) / WEIGHTS).is_file()
    shutil.rmtree(hub.cache)
    absent = failure(offline.facts(ID))
    assert absent.status is Status.UNREACHABLE
    assert "HF_HUB_OFFLINE" in absent.reason


def test_offline_a_shard_that_was_never_fetched_says_nothing_about_the_model(hub: ServedHub) -> None:
    hub.publish(**SHARDED, **{"model-00001-of-00002.safetensors": b"s"})
    hub.download(hub.facts())
    offline = hub.offline_client()
    facts = success(offline.facts(ID))
    for answer in (offline.download(facts), offline.tensors(facts, read_in_process)):
        assert "all of the weights" in failure(answer).reason


def test_where_the_index_of_shards_cannot_be_had_the_download_fails_and_no_limit_is_blamed(hub: ServedHub) -> None:
    hub.publish(**SHARDED)
    facts = hub.facts()
    hub.break_(503, "index.json")
    impatient = hub.client_with(timeout_s=0.6)
    assert impatient.download_size(facts) == 0
    assert failure(impatient.download(facts)).status is Status.UNREACHABLE


def test_what_is_known_of_a_commit_is_not_fetched_again(hub: ServedHub) -> None:
    hub.publish()
    facts = hub.facts()
    requests = len(hub.server.requests)
    assert hub.client.facts(facts.id, facts.revision) is facts
    assert len(hub.server.requests) == requests
    assert hub.facts().revision == facts.revision  # a branch may have moved
    assert len(hub.server.requests) > requests
