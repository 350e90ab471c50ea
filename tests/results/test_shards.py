"""Records of shards: the right ones are found, and shards of different runs are not joined."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.errors import RequestError, UnmetError
from benchmark.results.cache_entries import CacheKind
from benchmark.results.cache_listing import list_cache
from benchmark.results.runs import StoredRequest, load_run
from benchmark.results.shards import ClipRange, ShardRecord, corpora_digest, find_shards, save_shard
from benchmark.results.status import Status
from tests.support.finished_runs import FinishedRun, corpus, verification

Shards = Callable[..., ShardRecord]


def shard_of(index: int, count: int = 3, *, options: dict[str, Any] | None = None, **fields: Any) -> ShardRecord:
    """A shard of a run of one candidate on one corpus."""
    run = FinishedRun(Path("unused"), corpus())
    run.verifications.append(verification("good"))
    request = StoredRequest(command="run", options=options or {}, command_line="bench run", folder="/")
    record = run.record(request=request, **fields)
    return ShardRecord(index=index, count=count, corpora=corpora_digest(record.corpora), ranges={}, run=record)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Give a cache with shards 1 and 3 of 3."""
    for index in (1, 3):
        save_shard(tmp_path, shard_of(index))
    return tmp_path


def other_versions(record: ShardRecord) -> dict[str, Any]:
    environment = record.run.environment
    versions = {**environment.versions, "torch": "1.0"}
    return {"environment": environment.model_copy(update={"versions": versions})}


def other_revision(record: ShardRecord) -> dict[str, Any]:
    return {"verifications": (record.run.verifications[0].model_copy(update={"revision": "another"}),)}


def unreachable(record: ShardRecord) -> dict[str, Any]:
    return {"verifications": (record.run.verifications[0].model_copy(update={"status": Status.UNREACHABLE}),)}


def test_all_shards_are_found_in_one_cache_or_in_several(cache: Path, tmp_path: Path) -> None:
    save_shard(tmp_path / "other", shard_of(2, options={"output": "elsewhere", "jobs": 4}))
    found = find_shards([cache, tmp_path / "other"], None)
    assert [(shard.record.index, shard.cache) for shard in found] == [
        (1, cache),
        (2, tmp_path / "other"),
        (3, cache),
    ]


def test_missing_and_interrupted_shards_are_named(cache: Path) -> None:
    with pytest.raises(UnmetError, match=r"^Shard 2 of 3 is not in .*: run what is missing first\.$") as raised:
        find_shards([cache], None)
    assert raised.value.exit_code == 1
    save_shard(cache, shard_of(3, options={"limit": 5}).model_copy(update={"run": shard_of(3, interrupted=True).run}))
    save_shard(cache, shard_of(2, interrupted=True))
    with pytest.raises(UnmetError, match=r"^Shard 2 of 3 "):  # a complete record of shard 3 is not replaced
        find_shards([cache], None)


def test_a_cache_without_shards_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="There is no shard with the name nightly in"):
        find_shards([tmp_path], "nightly")


@pytest.mark.parametrize(
    ("shard", "problem"),
    [
        (shard_of(2, 4), "is one of 4, not of 3"),
        (shard_of(2, options={"limit": 5}), "has another request (--limit)"),
        (shard_of(2, registry="other.yaml"), "has another registry"),
        (shard_of(2, **other_versions(shard_of(2))), "ran with another version of torch"),
        (shard_of(2, **other_revision(shard_of(2))), "has another verdict on good, or another revision of it"),
        (shard_of(2, **unreachable(shard_of(2))), "has another verdict on good, or another revision of it"),
        (shard_of(2, corpora=(corpus(repeats=2),)), "has read other recordings"),
        (shard_of(2, corpora=(corpus(labelled=False),)), "has read other recordings, or other labels"),
    ],
)
def test_a_shard_of_another_run_is_refused_in_a_sentence(cache: Path, shard: ShardRecord, problem: str) -> None:
    save_shard(cache, shard)
    with pytest.raises(RequestError) as raised:
        find_shards([cache], None)
    assert str(raised.value).startswith("Shard 2 in ")
    assert problem in str(raised.value)
    assert (raised.value.exit_code, str(raised.value).count("\n")) == (2, 0)


def test_a_name_keeps_two_runs_in_one_cache_apart(cache: Path) -> None:
    for index in (1, 2):
        save_shard(cache, shard_of(index, 2, name="nightly", options={"limit": 5, "name": "nightly"}))
    assert [shard.record.index for shard in find_shards([cache], "nightly")] == [1, 2]


def test_a_shard_run_again_replaces_its_record_even_with_another_request(cache: Path) -> None:
    for index in (1, 2, 3):
        save_shard(cache, shard_of(index, options={"limit": 5}))
    assert len(find_shards([cache], None)) == 3


def test_a_shard_is_no_finished_run_and_is_listed_in_the_cache(cache: Path) -> None:
    with pytest.raises(RequestError, match="no finished run"):
        load_run(cache)
    entries = list_cache(cache).entries
    assert [(entry.kind, entry.stale) for entry in entries] == [(CacheKind.SHARDS, None)] * 2


def test_a_range_holds_its_ends_and_an_empty_one_holds_nothing() -> None:
    own = ClipRange.of({"b", "c", "d"})
    assert [own.holds(name) for name in "abcde"] == [False, True, True, True, False]
    assert not ClipRange.of(set()).holds("")
