import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmark.hub.client import Hub
from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.hub.retries import FAILURES_IN_A_ROW
from benchmark.progress import Silent
from benchmark.results.status import Status
from tests.hub.conftest import CONFIG, ID, PREPROCESSOR, Publish, facts_of, failure_of, read_in_process
from tests.support.hub_server import Fault, HubServer, Trouble, closed_port, silent_port


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


def test_a_branch_is_resolved_to_its_own_commit(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish()
    sha = publish(branch="v2", **{"config.json": {"model_type": "hubert"}})
    facts = facts_of(hub, revision="v2")
    assert (facts.revision, facts.config) == (sha, {"model_type": "hubert"})


def test_a_nested_feature_extractor_is_found(server: HubServer, hub: Hub, publish: Publish) -> None:
    nested = {"processor_class": "Wav2Vec2Processor", "feature_extractor": PREPROCESSOR}
    publish(**{"preprocessor_config.json": None, "processor_config.json": nested})
    assert facts_of(hub).preprocessor == PREPROCESSOR


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
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
        (b'"' + b"x" * 4_100_000 + b'"', "4.1 MB"),
        (b"", "not JSON"),
    ],
    ids=lambda value: str(value[:12]),
)
def test_a_document_that_cannot_be_used_is_a_fact(
    hub: Hub, publish: Publish, name: str, content: bytes, problem: str
) -> None:
    publish(**{name: content})
    facts = facts_of(hub)
    found = facts.config_problem if name == "config.json" else facts.preprocessor_problem
    assert found is not None
    assert problem in found


def test_a_document_beyond_all_measure_is_not_even_fetched(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish(**{"config.json": b" " * 5_000_000})
    assert facts_of(hub).config_problem is not None
    assert server.bytes_sent[ID] < 10_000


def test_a_repository_that_does_not_exist_is_not_found(hub: Hub) -> None:
    failure = failure_of(hub, "org/nothing")
    assert failure.status is Status.NOT_FOUND
    assert "org/nothing" in failure.reason


def test_a_revision_that_does_not_exist_is_not_found(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish()
    failure = failure_of(hub, revision="v9")
    assert failure.status is Status.NOT_FOUND
    assert "v9" in failure.reason


def test_a_gated_repository_is_gated_and_not_missing(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish()
    server.repositories[ID].gated = True
    assert failure_of(hub).status is Status.GATED


def test_a_disabled_repository_is_gated(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish()
    server.repositories[ID].info["disabled"] = True
    failure = failure_of(hub)
    assert failure.status is Status.GATED
    assert "disabled" in failure.reason


@pytest.mark.parametrize("fault", [Fault(503, times=1), Fault(429, times=2), Fault(Trouble.RESET, times=1)])
def test_a_passing_failure_is_survived(server: HubServer, publish: Publish, tmp_path: Path, fault: Fault) -> None:
    publish()
    server.break_(ID, Fault(fault.what, at="/api/", times=fault.times))
    assert facts_of(Hub(timeout_s=5.0, endpoint=server.url, cache=tmp_path / "hf"))


@pytest.mark.parametrize("place", ["refused", "silent", "unresolvable"])
def test_with_no_network_many_candidates_end_soon(place: str, tmp_path: Path) -> None:
    with silent_port() as silent:
        endpoint = {"refused": closed_port(), "silent": silent, "unresolvable": "http://no.such.host.invalid"}[place]
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


def test_after_three_connection_failures_nobody_is_asked_any_more(tmp_path: Path) -> None:
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
    assert isinstance(hub.facts(ID), RepoFacts)
    server.break_(None, Fault(trouble))
    for number in range(FAILURES_IN_A_ROW):
        failure_of(hub, f"org/broken-{number}")
    assert "not asked" in failure_of(hub, ID).reason


def test_an_answer_in_between_means_that_the_network_is_there(server: HubServer, hub: Hub, publish: Publish) -> None:
    for number in range(5):
        publish(f"org/broken-{number}")
        server.break_(f"org/broken-{number}", Fault(Trouble.RESET))
    publish()
    for number in range(5):
        assert "not asked" not in failure_of(hub, f"org/broken-{number}").reason
        facts_of(hub)


def test_a_listed_file_that_is_not_served_says_nothing_about_the_repository(
    server: HubServer, hub: Hub, publish: Publish
) -> None:
    publish()
    server.break_(ID, Fault(404, at="model.safetensors"))
    facts = facts_of(hub)
    for failure in (hub.tensors(facts, read_in_process), hub.download(facts)):
        assert isinstance(failure, HubFailure)
        assert failure.status is Status.UNREACHABLE
        assert "lists model.safetensors of org/model and does not serve it" in failure.reason


def test_errors_of_the_server_do_not_count_as_no_network(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish()
    server.break_(None, Fault(404, at="org/missing"))
    for _ in range(4):
        assert failure_of(hub, "org/missing").status is Status.NOT_FOUND
    facts_of(hub)


class Listener(Silent):
    def __init__(self) -> None:
        self.total: float | None = None
        self.done = 0.0

    def stage(self, description: str, *, total: float | None, unit: str = "") -> Any:
        self.total = total
        listener = self

        class Counting:
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_error: object) -> None:
                pass

            def advance(self, amount: float = 1) -> None:
                listener.done += amount

            def describe(self, text: str) -> None:
                pass

        return Counting()


def test_a_download_fetches_one_weight_format_and_tells_every_byte(
    server: HubServer, hub: Hub, publish: Publish
) -> None:
    extra: dict[str, Any] = {
        "pytorch_model.bin": b"b" * 90_000,
        "tf_model.h5": b"h" * 90_000,
        "training_args.bin": b"t" * 90_000,
    }
    publish(**extra)
    facts, listener = facts_of(hub), Listener()
    folder = hub.download(facts, listener)
    assert isinstance(folder, Path)
    assert {path.name for path in folder.iterdir()} == {"config.json", "preprocessor_config.json", "model.safetensors"}
    # The descriptions came with the facts.
    assert listener.total == listener.done == (folder / "model.safetensors").stat().st_size
    assert server.bytes_sent[ID] < 20_000


INDEX = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}


def test_shards_come_with_their_index(server: HubServer, hub: Hub, publish: Publish) -> None:
    shards: dict[str, Any] = {f"model-0000{number}-of-00002.safetensors": b"s" * 10 for number in (1, 2)}
    publish(**{"model.safetensors": None, "model.safetensors.index.json": INDEX, **shards})
    folder = hub.download(facts_of(hub))
    assert isinstance(folder, Path)
    assert set(shards) < {path.name for path in folder.iterdir()}


def test_the_pinned_revision_is_fetched_even_when_the_branch_moves(
    server: HubServer, hub: Hub, publish: Publish
) -> None:
    publish(**{"model.safetensors": b"old"})
    facts = facts_of(hub)
    publish(**{"model.safetensors": b"new"})
    folder = hub.download(facts)
    assert isinstance(folder, Path)
    assert (folder / "model.safetensors").read_bytes() == b"old"


@pytest.mark.parametrize(
    "trouble", [Trouble.HANG, Trouble.DRIP, Trouble.TRUNCATE, Trouble.RESET, Trouble.NOWHERE, Trouble.WRONG_LENGTH]
)
def test_a_download_that_fails_says_nothing_about_the_model(
    server: HubServer, hub: Hub, publish: Publish, trouble: Trouble
) -> None:
    publish()
    facts = facts_of(hub)
    server.break_(ID, Fault(trouble, at="model.safetensors"))
    hasty = Hub(timeout_s=0.6, endpoint=server.url, cache=hub._cache)
    begin = time.monotonic()
    failure = hasty.download(facts)
    assert isinstance(failure, HubFailure)
    assert failure.status is Status.UNREACHABLE
    assert time.monotonic() - begin < 10.0  # five times the limit of one call: bounded, on a busy machine too
    assert not list(Path(hub._cache).rglob("model.safetensors"))


def test_offline_everything_comes_from_the_cache(server: HubServer, hub: Hub, publish: Publish, tmp_path: Path) -> None:
    publish()
    online = facts_of(hub)
    offline = Hub(offline=True, endpoint=closed_port(), cache=tmp_path / "hf")
    assert isinstance(offline.download(facts_of(offline)), HubFailure)
    hub.download(online)
    facts = facts_of(offline)
    assert (facts.revision, facts.config, facts.preprocessor) == (online.revision, CONFIG, PREPROCESSOR)
    assert facts.partial
    folder = offline.download(facts)
    assert isinstance(folder, Path)
    assert (folder / "model.safetensors").is_file()
    shutil.rmtree(tmp_path / "hf")
    failure = failure_of(offline)
    assert failure.status is Status.UNREACHABLE
    assert "HF_HUB_OFFLINE" in failure.reason


def test_offline_a_shard_that_was_never_fetched_says_nothing_about_the_model(
    hub: Hub, publish: Publish, tmp_path: Path
) -> None:
    files: dict[str, Any] = {"model.safetensors.index.json": INDEX, "model-00001-of-00002.safetensors": b"s"}
    publish(**{"model.safetensors": None, **files})
    assert isinstance(hub.download(facts_of(hub)), Path)
    offline = Hub(offline=True, cache=tmp_path / "hf")
    assert isinstance(offline.download(facts_of(offline)), HubFailure)


def test_where_the_index_of_shards_cannot_be_had_the_download_tells_and_no_limit_is_blamed(
    server: HubServer, hub: Hub, publish: Publish
) -> None:
    publish(**{"model.safetensors": None, "model.safetensors.index.json": {"weight_map": {"a": "model-1.safetensors"}}})
    facts = facts_of(hub)
    server.break_(ID, Fault(503, "index.json"))
    assert hub.download_size(facts) == 0
    failure = hub.download(facts, Silent())
    assert isinstance(failure, HubFailure)
    assert failure.status is Status.UNREACHABLE


class _Told(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, description: str, **amounts: Any) -> Any:
        self.stages.append(description)
        return super().stage(description, **amounts)


def test_a_download_is_told_only_where_something_is_fetched(
    server: HubServer, hub: Hub, publish: Publish, tmp_path: Path
) -> None:
    publish()
    told = _Told()
    facts = facts_of(hub)
    hub.download(facts, told)
    assert told.stages == [f"Downloading {facts.id}"]
    hub.download(facts, told)
    offline = Hub(offline=True, endpoint=closed_port(), cache=tmp_path / "hf")
    assert isinstance(offline.download(facts_of(offline), told), Path)
    assert len(told.stages) == 1


def test_what_is_known_of_a_commit_is_not_asked_again(server: HubServer, hub: Hub, publish: Publish) -> None:
    publish()
    facts = facts_of(hub)
    asked = len(server.requests)
    assert hub.facts(facts.id, facts.revision) is facts
    assert len(server.requests) == asked
    assert facts_of(hub).revision == facts.revision  # a branch may have moved, and is asked
    assert len(server.requests) > asked
