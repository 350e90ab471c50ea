"""Records of shards: the parts of a run that several machines share, until they are joined."""

import hashlib
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import to_json

from benchmark.errors import RequestError, UnmetError, listed
from benchmark.results.cache_entries import CacheKind, EntryKey, EntryParts
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.schema import Stored, StoredFile
from benchmark.results.storage import Storage, candidate_slug

logger = logging.getLogger(__name__)
_FOLDER = "shards/"
# Options in which the shards of one run may differ: they change no answer.
_OWN_OPTIONS = frozenset({"output", "jobs", "max-download-gb"})


class ClipRange(Stored):
    """The clips of a candidate that a shard computes: those whose hashes are from `first` to `last`; none if empty."""

    first: str = ""
    last: str = ""
    clips: int = 0

    @classmethod
    def of(cls, clip_hashes: Collection[str]) -> "ClipRange":
        """The range of some clips, which are all clips of the candidate in that range."""
        if not clip_hashes:
            return cls()
        return cls(first=min(clip_hashes), last=max(clip_hashes), clips=len(clip_hashes))

    def holds(self, clip_hash: str) -> bool:
        """Whether a clip of the candidate is in the range."""
        return self.clips > 0 and self.first <= clip_hash <= self.last


class ShardRecord(StoredFile):
    """A part of a run.

    Attributes:
        index: From 1 to `count`.
        corpora: A hash of the corpora as they were read, before clips were lost on the way.
        ranges: What it computes of each candidate that it runs.
        run: The record of the whole run as far as this shard knows it; its request is that of the whole run.
    """

    index: int
    count: int
    corpora: str
    ranges: dict[str, ClipRange]
    run: RunRecord

    @property
    def is_complete(self) -> bool:
        """Whether everything that the shard was asked for came to its end."""
        return self.run.complete

    def difference(self, other: "ShardRecord") -> str | None:
        """Why the two are no parts of one run, as the end of a sentence about this one; None if they are."""
        run, others = self.run, other.run
        if self.count != other.count:
            return f"is one of {self.count}, not of {other.count}"
        compared: tuple[tuple[str, Mapping[str, object], Mapping[str, object]], ...] = (
            ("has another request (--{})", _options(run), _options(others)),
            ("ran with another version of {}", run.environment.versions, others.environment.versions),
            ("has another registry ({})", {run.registry: True}, {others.registry: True}),
            ("has another verdict on {}, or another revision of it", _verdicts(run), _verdicts(others)),
            ("has read other {}, or other labels of them", {"recordings": self.corpora}, {"recordings": other.corpora}),
        )
        for sentence, own, expected in compared:
            changed = [key for key in dict.fromkeys([*own, *expected]) if own.get(key) != expected.get(key)]
            if changed:
                return sentence.format(changed[0])
        return None


@dataclass(frozen=True)
class StoredShard:
    """A shard's record, and the cache that has it and its answers."""

    record: ShardRecord
    cache: Path


def corpora_digest(corpora: Sequence[CorpusRecord]) -> str:
    """Hash corpora: their clips, labels, speakers and all that is known of them."""
    return hashlib.sha256(to_json(corpora)).hexdigest()


def shard_folder(index: int, count: int, run: str | None) -> str:
    """The folder, within the cache, of the record of a shard; `run` is what --name called the run."""
    return f"{_FOLDER}{index}-of-{count}" + ("" if run is None else f"-{candidate_slug(run)}")


def save_shard(cache: Path, record: ShardRecord) -> None:
    """Keep the record of a shard, in the place of its former one; a complete one is replaced by a complete one only.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    parts = _parts(cache, shard_folder(record.index, record.count, record.run.name).removeprefix(_FOLDER))
    former = parts.load(ShardRecord)
    if former is None or not former.is_complete or record.is_complete or former.difference(record) is not None:
        parts.replace(to_json(record, indent=1))


def find_shards(caches: Iterable[Path], name: str | None) -> list[StoredShard]:
    """All shards of one run in some caches, by index; of several with one index a complete one, then the latest.

    Args:
        caches: Where they have kept their answers.
        name: Only shards of the run with this name; None for any.

    Raises:
        RequestError: There is none, or they are not all of one run.
        UnmetError: One of them is missing or was interrupted.
    """
    folders = list(caches)
    found = [
        StoredShard(record, cache)
        for cache in folders
        for entry in dict.fromkeys(child.removeprefix(_FOLDER) for child in Storage(cache).children(_FOLDER))
        if (record := _parts(cache, entry).load(ShardRecord)) is not None and (name is None or record.run.name == name)
    ]
    where = listed([str(folder) for folder in folders])
    if not found:
        called = "" if name is None else f" with the name {name}"
        raise RequestError(f"There is no shard{called} in {where}: make one with `bench run --shard 1/2`.")
    found.sort(key=lambda shard: (shard.record.index, not shard.record.is_complete, -_time(shard)))
    first = found[0]
    for shard in found[1:]:
        if (difference := shard.record.difference(first.record)) is not None:
            raise RequestError(
                f"Shard {shard.record.index} in {shard.cache} {difference}, so that it is no part of the same run as "
                f"shard {first.record.index} in {first.cache}: run it again with the options, files and libraries of "
                "the others, or select the shards of one run by --name."
            )
    chosen = {shard.record.index: shard for shard in reversed(found) if not shard.record.run.interrupted}
    missing = [index for index in range(1, first.record.count + 1) if index not in chosen]
    if missing:
        which = listed([str(index) for index in missing])
        shards, are = ("Shard", "is") if len(missing) == 1 else ("Shards", "are")
        raise UnmetError(f"{shards} {which} of {first.record.count} {are} not in {where}: run what is missing first.")
    return [chosen[index] for index in sorted(chosen)]


def _time(shard: StoredShard) -> float:
    return shard.record.run.created.timestamp()


def _parts(cache: Path, entry: str) -> EntryParts:
    return EntryParts(
        cache=cache,
        kind=CacheKind.SHARDS,
        key=EntryKey(),
        content_schema=ShardRecord.known_version(),
        prefix=f"{_FOLDER}{entry}/part",
        suffix=".json",
    )


def _options(run: RunRecord) -> dict[str, object]:
    options = {} if run.request is None else run.request.options
    return {key: value for key, value in options.items() if key not in _OWN_OPTIONS}


def _verdicts(run: RunRecord) -> dict[str, object]:
    """What decides who is run and on what, by candidate."""
    return {
        verification.candidate: (
            *(verification.id, verification.revision, verification.status, verification.parameters),
            *(verification.labels, verification.emotions, run.ineligible.get(verification.candidate)),
        )
        for verification in run.verifications
    }
