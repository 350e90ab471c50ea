from pathlib import Path

import pytest

from benchmark.hub.client import Hub
from benchmark.hub.local import local_facts
from benchmark.hub.repository_facts import RepoFacts
from tests.hub.conftest import ID, WEIGHTS, ServedHub, success


@pytest.fixture
def later(hub: ServedHub) -> Hub:
    """A client of another run, which shares the cache."""
    return hub.client_with(timeout_s=10.0)


def fetch(hub: ServedHub, id: str = ID, revision: str | None = None) -> RepoFacts:
    facts = hub.facts(id, revision)
    hub.download(facts)
    return facts


def fetch_again(client: Hub) -> RepoFacts:
    facts = success(client.facts(ID))
    success(client.download(facts))
    return facts


def cached_names(hub: ServedHub, id: str = ID) -> set[str]:
    """The files in the cache of a repository, without locks and marks."""
    return {path.name for path in (hub.cache / f"models--{id.replace('/', '--')}").rglob("*") if path.is_file()}


def test_a_revision_that_this_run_fetched_is_deleted_whole_and_no_other_repository(hub: ServedHub) -> None:
    hub.publish(**{WEIGHTS: b"w" * 90_000})
    hub.publish("org/other")
    facts, other = fetch(hub), fetch(hub, "org/other")
    assert hub.client.free(facts) > 90_000
    assert cached_names(hub) == set()
    assert hub.client.free(facts) == 0
    assert hub.client.download_size(other) == 0


def test_what_was_there_before_stays(hub: ServedHub, later: Hub) -> None:
    hub.publish()
    facts = fetch(hub)
    before = cached_names(hub)
    assert later.free(fetch_again(later)) == 0
    assert cached_names(hub) == before
    assert later.download_size(facts) == 0


def test_only_the_weights_of_a_revision_that_was_inspected_before_are_deleted(hub: ServedHub, later: Hub) -> None:
    hub.publish()
    hub.facts()
    assert later.free(fetch_again(later)) == 5000
    assert {"config.json", "preprocessor_config.json", "main"} <= cached_names(hub)
    assert WEIGHTS not in cached_names(hub)


def test_a_file_that_another_revision_shares_stays_there(hub: ServedHub) -> None:
    hub.publish(**{"config.json": {"model_type": "a"}})
    hub.publish(branch="v2", **{"config.json": {"model_type": "b"}})
    first, second = fetch(hub), fetch(hub, revision="v2")
    hub.client.free(first)
    assert (hub.download(second) / WEIGHTS).read_bytes() == b"w" * 5000
    assert hub.client.download_size(second) == 0
    assert hub.client.free(second) > 5000
    assert cached_names(hub) == set()


def test_nothing_of_a_local_folder_is_ever_deleted(hub: ServedHub, tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(b"w")
    facts = success(local_facts("./x", tmp_path))
    assert (hub.client.free(facts), hub.client.download_size(facts)) == (0, 0)
    assert (tmp_path / WEIGHTS).exists()


def test_a_download_is_measured_before_it_is_made(hub: ServedHub) -> None:
    hub.publish(**{WEIGHTS: b"w" * 40_000, "pytorch_model.bin": b"b" * 90_000, "tf_model.h5": b"h" * 90_000})
    facts = hub.facts()
    assert hub.client.download_size(facts) == 40_000
    assert hub.bytes_sent < 5000
    hub.download(facts)
    assert hub.client.download_size(facts) == 0


def test_the_shards_that_the_index_names_count(hub: ServedHub) -> None:
    index = {"metadata": {}, "weight_map": {"a": "odd/one.safetensors", "b": "two.safetensors"}}
    files = {"two.safetensors": b"2" * 20, "model-00009-of-00009.safetensors": b"9" * 1000, "one.safetensors": b"1"}
    hub.publish(**{WEIGHTS: None, "model.safetensors.index.json": index, **files})
    # A shard that is missing makes the index useless; then all that looks like a shard counts.
    assert hub.client.download_size(hub.facts()) == 1000
    index["weight_map"]["a"] = "one.safetensors"
    hub.publish(**{WEIGHTS: None, "model.safetensors.index.json": index, **files})
    assert hub.client.download_size(fetch(hub)) == 0
