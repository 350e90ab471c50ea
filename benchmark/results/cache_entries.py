"""What the cache holds, as it is listed and as it is pruned."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from benchmark.results.schema import Stored, StoredFile


class CacheKind(StrEnum):
    """What a part of the cache is for."""

    PREDICTIONS = "predictions"
    VERIFICATIONS = "verifications"
    CONVERTED = "converted"
    DATASETS = "datasets"
    SPEECH = "speech"
    RUNS = "runs"
    LOGS = "logs"
    LEFTOVERS = "leftovers"


KIND_MEANINGS = {
    CacheKind.PREDICTIONS: "what models said to clips",
    CacheKind.VERIFICATIONS: "verdicts on candidates",
    CacheKind.CONVERTED: "models converted for a faster backend",
    CacheKind.DATASETS: "recordings of datasets of the Hub",
    CacheKind.SPEECH: "how much of each clip is speech",
    CacheKind.RUNS: "records of runs, from which reports can be written again",
    CacheKind.LOGS: "what workers printed",
    CacheKind.LEFTOVERS: "unfinished files of runs that were killed",
}
"""What each kind is, in words."""


class CacheEntry(Stored):
    """One thing that is kept, and deleted, as a whole.

    Attributes:
        path: Where it lies, relative to the cache, with `/`.
        kind: What it is for.
        candidate: The candidate it belongs to, as a Hub id or a folder's name; None where it belongs to none.
        revision: The revision it belongs to.
        device: Where it was computed, for predictions.
        backend: With what, for predictions and converted models.
        dtype: In what number format.
        clips: How many clips predictions are about.
        bytes: What it takes of the disk, without the system's rounding.
        modified: When any of it was last written, in UTC.
        stale: Why bench would not use it any more; None where it would.
    """

    path: str
    kind: CacheKind
    candidate: str | None = None
    revision: str | None = None
    device: str | None = None
    backend: str | None = None
    dtype: str | None = None
    clips: int | None = None
    bytes: int
    modified: datetime
    stale: str | None = None


class CacheListing(StoredFile):
    """What a cache holds.

    Attributes:
        cache: The folder.
        entries: By kind, then by candidate and path.
        unknown: Names in it that bench did not make; they are never deleted.
        unknown_bytes: What those take of the disk.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    cache: str
    entries: tuple[CacheEntry, ...]
    unknown: tuple[str, ...] = ()
    unknown_bytes: int = 0


def bytes_by_kind(entries: Sequence[CacheEntry]) -> dict[CacheKind, int]:
    """Sum up what each kind takes, in the order of `CacheKind`; kinds without an entry are left out."""
    sums: Counter[CacheKind] = Counter()
    for entry in entries:
        sums[entry.kind] += entry.bytes
    return {kind: sums[kind] for kind in CacheKind if kind in sums}
