from pathlib import Path

import pytest

from benchmark.hub.client import Hub
from benchmark.hub.local import local_facts
from benchmark.hub.repository_facts import RepoFacts
from tests.hub.conftest import ID, Publish, facts_of, success
from tests.support.hub_server import HubServer


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "hf"


def fetched(hub: Hub, id: str = ID, revision: str | None = None) -> RepoFacts:
    facts = facts_of(hub, id, revision)
    success(hub.download(facts))
    return facts


def held(cache: Path) -> set[str]:
    """What the cache holds, locks and marks aside."""
    repositories = cache.glob("models--*")
    return {path.name for folder in repositories for path in folder.rglob("*") if path.is_file()}


def test_a_revision_that_this_run_fetched_goes_whole(hub: Hub, publish: Publish, cache: Path) -> None:
    publish(**{"model.safetensors": b"w" * 90_000})
    facts = fetched(hub)
    assert hub.free(facts) > 90_000
    assert held(cache) == set()
    assert hub.free(facts) == 0


def test_what_was_there_before_stays(hub: Hub, publish: Publish, cache: Path, server: HubServer) -> None:
    publish()
    facts = fetched(hub)
    before = held(cache)
    later = Hub(timeout_s=2.0, endpoint=server.url, cache=cache)
    assert later.free(fetched(later)) == 0
    assert held(cache) == before
    assert later.download_size(facts) == 0


def test_of_a_revision_that_was_inspected_before_only_the_weights_go(
    hub: Hub, publish: Publish, cache: Path, server: HubServer
) -> None:
    publish()
    facts_of(hub)
    later = Hub(timeout_s=2.0, endpoint=server.url, cache=cache)
    assert later.free(fetched(later)) == 5000
    assert {"config.json", "preprocessor_config.json", "main"} <= held(cache)
    assert "model.safetensors" not in held(cache)


def test_a_file_that_another_revision_shares_stays_there(hub: Hub, publish: Publish, cache: Path) -> None:
    publish(**{"config.json": {"model_type": "a"}})
    publish(branch="v2", **{"config.json": {"model_type": "b"}})
    first, second = fetched(hub), fetched(hub, revision="v2")
    hub.free(first)
    assert (success(hub.download(second)) / "model.safetensors").read_bytes() == b"w" * 5000
    assert hub.download_size(second) == 0
    assert hub.free(second) > 5000
    assert held(cache) == set()


def test_another_repository_is_not_touched(hub: Hub, publish: Publish) -> None:
    publish()
    publish("org/other")
    first, other = fetched(hub), fetched(hub, "org/other")
    hub.free(first)
    assert hub.download_size(other) == 0


def test_nothing_of_a_local_folder_is_ever_deleted(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"w")
    facts = success(local_facts("./x", tmp_path))
    assert (hub.free(facts), hub.download_size(facts)) == (0, 0)
    assert (tmp_path / "model.safetensors").exists()


def test_a_download_is_measured_before_it_is_made(hub: Hub, publish: Publish, server: HubServer) -> None:
    extra = {"pytorch_model.bin": b"b" * 90_000, "tf_model.h5": b"h" * 90_000}
    publish(**{"model.safetensors": b"w" * 40_000, **extra})
    facts = facts_of(hub)
    assert hub.download_size(facts) == 40_000
    assert server.bytes_sent[ID] < 5000
    hub.download(facts)
    assert hub.download_size(facts) == 0


def test_of_shards_those_count_that_the_index_names(hub: Hub, publish: Publish) -> None:
    index = {"metadata": {}, "weight_map": {"a": "odd/one.safetensors", "b": "two.safetensors"}}
    files = {"two.safetensors": b"2" * 20, "model-00009-of-00009.safetensors": b"9" * 1000}
    publish(**{"model.safetensors": None, "model.safetensors.index.json": index, "one.safetensors": b"1" * 10, **files})
    # A shard that is missing makes the index useless; then all that looks like a shard counts.
    assert hub.download_size(facts_of(hub)) == 1000
    index["weight_map"]["a"] = "one.safetensors"
    publish(**{"model.safetensors": None, "model.safetensors.index.json": index, "one.safetensors": b"1" * 10, **files})
    assert hub.download_size(fetched(hub)) == 0
