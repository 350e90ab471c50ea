"""List and prune the cache."""

import contextlib
import json
import os
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from benchmark.errors import RequestError, UnavailableError
from benchmark.results.environment import installed_version
from benchmark.results.predictions import (
    CONVERSION,
    CONVERSION_VERSION,
    PREDICTIONS_SCHEMA_VERSION,
    InferenceSetup,
)
from benchmark.results.runs import RunRecord
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


# As the store writes them into the metadata of each part.
_SETUP_FIELD = b"bench.setup"


_VERSION_FIELD = b"bench.schema_version"


def describe_predictions(folder: Path) -> dict[str, Any]:
    """Read the setup of stored predictions.

    Args:
        folder: Holds the parts made with one setup.

    Returns:
        Fields of `CacheEntry`: candidate, device, backend, dtype, clips and stale, as far as they can be read.
    """
    clips = 0
    metadata: dict[bytes, bytes] = {}
    for part in sorted(folder.glob("part-*.parquet")):
        try:
            file = pq.read_metadata(part)
        except (OSError, pa.ArrowException):
            return {"stale": "it cannot be read"}
        clips += file.num_rows
        metadata = file.metadata or {}
    version = _version(metadata)
    if version != PREDICTIONS_SCHEMA_VERSION:
        newer = isinstance(version, int) and version > PREDICTIONS_SCHEMA_VERSION
        return {"clips": clips, "stale": f"{'a newer' if newer else 'an earlier'} version of bench wrote it"}
    try:
        setup = InferenceSetup.model_validate_json(metadata.get(_SETUP_FIELD, b""))
    except ValidationError:
        return {"clips": clips, "stale": "it cannot be read"}
    return {
        "candidate": setup.candidate,
        "device": setup.device,
        "backend": setup.backend,
        "dtype": setup.dtype,
        "clips": clips,
        "stale": outdated(setup.versions),
    }


def outdated(versions: dict[str, str]) -> str | None:
    """Say which library, or which way of converting models, was of another version; None where all are as they were.

    Examples:
        >>> outdated({"numpy": "0.1"}).startswith("made with numpy 0.1; now ")
        True
        >>> outdated({"conversion": "1"}).startswith("made with conversion 1; now ")
        True
        >>> outdated({}) is None
        True
    """
    for name, version in versions.items():
        installed = str(CONVERSION_VERSION) if name == CONVERSION else installed_version(name)
        if installed != version:
            return f"made with {name} {version}; now {installed or 'it is not installed'}"
    return None


def _version(metadata: dict[bytes, bytes]) -> object:
    try:
        return json.loads(metadata.get(_VERSION_FIELD, b"0"))
    except ValueError:
        return None


_SURELY_LEFT = timedelta(days=1)
"""A file that is still written is younger than this."""


_HEAD_BYTES = 1000


_VERSION = re.compile(rb'"schema_version"\s*:\s*(\d+)')


# What a model was converted for: the setup of predictions that bears this name.
_KEY = re.compile(r"[0-9a-f]{16}(?=$|\.parity\.json$)")


_OF_A_REVISION = {CacheKind.PREDICTIONS, CacheKind.VERIFICATIONS, CacheKind.CONVERTED}


def mark_stale(cache: Path, entries: Sequence[CacheEntry]) -> tuple[CacheEntry, ...]:
    """Say of each entry why it would not be used any more, where that is not known yet.

    In use of a candidate is the revision that was written to last, and what the latest run has verified; of a dataset,
    the revision that was fetched last. A run's record is stale where this version of bench cannot read it.

    Args:
        cache: The folder of the store.
        entries: All its entries.
    """
    latest = _latest_run(cache, entries)
    used = _newest_revisions(entries)
    outdated = {Path(entry.path).name: entry.stale for entry in entries if entry.kind is CacheKind.PREDICTIONS}
    marked = []
    for entry in entries:
        reason = entry.stale
        if reason is None and entry.kind is CacheKind.CONVERTED:
            key = _KEY.search(entry.path)
            reason = outdated.get(key[0]) if key is not None else None
        if reason is None and entry.kind is CacheKind.LEFTOVERS and datetime.now(UTC) - entry.modified > _SURELY_LEFT:
            reason = "what wrote it has ended long ago"
        if reason is None and entry.kind is CacheKind.RUNS and not _has_known_schema(cache / entry.path):
            reason = "this version of bench cannot read it"
        if reason is None and _owner(entry) is not None:
            wanted = {used.get(_owner(entry) or ""), *latest.get(entry.candidate or "", ())}
            reason = None if entry.revision in wanted else "another revision is in use"
        marked.append(entry if reason == entry.stale else entry.model_copy(update={"stale": reason}))
    return tuple(marked)


def _owner(entry: CacheEntry) -> str | None:
    """What an entry is a revision of; None where it is of nothing that has any."""
    if entry.kind in _OF_A_REVISION:
        return entry.path.split("/")[0]
    return "/".join(entry.path.split("/")[:2]) if entry.kind is CacheKind.DATASETS else None


def _newest_revisions(entries: Sequence[CacheEntry]) -> dict[str, str | None]:
    newest: dict[str, CacheEntry] = {}
    for entry in entries:
        owner = _owner(entry)
        if owner is not None and (owner not in newest or entry.modified > newest[owner].modified):
            newest[owner] = entry
    return {owner: entry.revision for owner, entry in newest.items()}


def _latest_run(cache: Path, entries: Sequence[CacheEntry]) -> dict[str, set[str | None]]:
    """The revisions that the latest run has verified, by candidate."""
    runs = sorted(entry.path for entry in entries if entry.kind is CacheKind.RUNS)
    verified: defaultdict[str, set[str | None]] = defaultdict(set)
    content = _content(cache / runs[-1]) if runs else {}
    verifications = content.get("verifications")
    for verification in verifications if isinstance(verifications, list) else ():
        if isinstance(verification, dict):
            verified[str(verification.get("id"))].add(str(verification.get("revision")))
    return verified


def _has_known_schema(run: Path) -> bool:
    """Look at the first bytes only: the record of a run on 100,000 clips is large."""
    try:
        with run.open("rb") as file:
            found = _VERSION.search(file.read(_HEAD_BYTES))
    except OSError:
        return False
    return found is not None and int(found[1]) == RunRecord.SCHEMA_VERSION


def _content(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


# Only names that bench gives are entries: whoever points BENCH_CACHE at a folder of their own keeps what is theirs.
_PART = re.compile(r"\.bench-[0-9a-f]{12}\.part|\..+\.[0-9a-f]{8,12}\.part(\.old)?")


_UNFINISHED = ".unfinished-"


_VERDICT = re.compile(r"verification-[0-9a-f]{16}\.json")


_SETUP = re.compile(r"[0-9a-f]{16}")


_PREDICTION = re.compile(r"part-\d{20}-[0-9a-f]{8}\.parquet")


_RUN = re.compile(r"\d{8}T\d{6}\.\d{6}Z\.json")


_LOG = re.compile(r".+\.log")


# A converted model, or what came of holding it against the reference in one number format.
_MODEL = re.compile(
    r"(?P<backend>[a-z]+)-[0-9a-f]{16}|(?P<checked>[a-z]+)-(?P<dtype>[a-z0-9]+)-[0-9a-f]{16}\.parity\.json"
)


_CONVERTED = "converted"


_PREDICTIONS = "predictions"


_SPOOL_INDEX = "rows.jsonl"


def list_cache(cache: Path) -> CacheListing:
    """Find out what a cache holds, and what of it bench would not use any more.

    Args:
        cache: The folder; one that does not exist holds nothing.

    Returns:
        Every entry, and the names of what bench did not make.
    """
    given, cache = cache, cache.resolve()
    entries: list[CacheEntry] = []
    unknown: list[Path] = []
    for path in _children(cache):
        found = list(_entries_at(cache, path))
        entries += found
        if not found and not _is_empty_folder(path):
            unknown.append(path)
    entries.sort(key=lambda entry: (list(CacheKind).index(entry.kind), entry.candidate or "", entry.path))
    return CacheListing(
        cache=str(given.absolute()),
        entries=mark_stale(cache, entries),
        unknown=tuple(path.name for path in unknown),
        unknown_bytes=sum(_weigh(path).bytes for path in unknown),
    )


def _entries_at(cache: Path, path: Path) -> Iterator[CacheEntry]:
    """Give the entries below one name at the top of the cache."""
    if path.is_symlink():
        return
    if _is_leftover(path):
        yield _entry(cache, path, CacheKind.LEFTOVERS)
    elif path.name == "speech.json":
        yield _entry(cache, path, CacheKind.SPEECH)
    elif not path.is_dir():
        return
    elif path.name == "logs":
        yield from _files(cache, path, CacheKind.LOGS, _LOG)
    elif path.name == "runs":
        yield from _files(cache, path, CacheKind.RUNS, _RUN)
    elif path.name == "corpora":
        for dataset in _folders(path):
            for revision in _folders(dataset):
                yield from _of_dataset(cache, revision)
    else:
        for revision in _folders(path):
            yield from _of_revision(cache, path, revision)


def _of_dataset(cache: Path, revision: Path) -> Iterator[CacheEntry]:
    for split in _folders(revision):
        if _is_leftover(split):
            yield _entry(cache, split, CacheKind.LEFTOVERS)
        elif (split / _SPOOL_INDEX).is_file():
            yield _entry(cache, split, CacheKind.DATASETS, revision=revision.name)


def _of_revision(cache: Path, candidate: Path, revision: Path) -> Iterator[CacheEntry]:
    """Give what is kept of one revision of a candidate."""
    owner = {"candidate": _id(candidate.name), "revision": revision.name}
    for path in _children(revision):
        if path.is_symlink():
            continue
        if _is_leftover(path):
            yield _entry(cache, path, CacheKind.LEFTOVERS, **owner)
        elif _VERDICT.fullmatch(path.name):
            yield _entry(cache, path, CacheKind.VERIFICATIONS, **(owner | _named_in(path)))
        elif path.name == _PREDICTIONS and path.is_dir():
            for setup in filter(_is_setup, _folders(path)):
                yield _entry(cache, setup, CacheKind.PREDICTIONS, **(owner | describe_predictions(setup)))
        elif path.name == _CONVERTED and path.is_dir():
            for model in _children(path):
                yield from _converted(cache, model, owner)


def _converted(cache: Path, path: Path, owner: dict[str, str]) -> Iterator[CacheEntry]:
    found = _MODEL.fullmatch(path.name)
    if path.is_symlink():
        return
    if _is_leftover(path):
        yield _entry(cache, path, CacheKind.LEFTOVERS, **owner)
    elif found is not None:
        backend = found["backend"] or found["checked"]
        yield _entry(cache, path, CacheKind.CONVERTED, backend=backend, dtype=found["dtype"], **owner)


def _files(cache: Path, folder: Path, kind: CacheKind, name: re.Pattern[str]) -> Iterator[CacheEntry]:
    for path in _children(folder):
        if path.is_symlink() or not path.is_file():
            continue
        if _is_leftover(path):
            yield _entry(cache, path, CacheKind.LEFTOVERS)
        elif name.fullmatch(path.name):
            yield _entry(cache, path, kind)


def _is_setup(folder: Path) -> bool:
    """Whether a folder holds predictions and nothing else."""
    names = [path.name for path in _children(folder)]
    return _SETUP.fullmatch(folder.name) is not None and all(
        _PREDICTION.fullmatch(name) or _PART.fullmatch(name) for name in names
    )


def _entry(cache: Path, path: Path, kind: CacheKind, **known: Any) -> CacheEntry:
    weight = _weigh(path)
    modified = datetime.fromtimestamp(weight.modified, UTC)
    place = path.relative_to(cache).as_posix()
    return CacheEntry(path=place, kind=kind, bytes=weight.bytes, modified=modified, **known)


def _named_in(verdict: Path) -> dict[str, str]:
    """The id of a candidate whose folder's name had to be changed, such as a local path."""
    try:
        content = json.loads(verdict.read_text(encoding="utf-8"))["verification"]
        return {"candidate": str(content["id"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _id(folder: str) -> str:
    return folder.replace("__", "/", 1)


def _is_leftover(path: Path) -> bool:
    return _PART.fullmatch(path.name) is not None or path.name.startswith(_UNFINISHED)


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and _weigh(path).files == 0


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []
    except OSError:
        return []


def _folders(folder: Path) -> list[Path]:
    return [path for path in _children(folder) if path.is_dir() and not path.is_symlink()]


@dataclass(frozen=True)
class _Weight:
    bytes: int
    files: int
    modified: float


def _weigh(path: Path) -> _Weight:
    """Sum up a file or a folder; links count as themselves."""
    own = path.lstat()
    if not path.is_dir() or path.is_symlink():
        return _Weight(own.st_size, 1, own.st_mtime)
    size, files, modified = 0, 0, 0.0
    for root, _, names in os.walk(path, followlinks=False):
        for name in names:
            status = Path(root, name).lstat()
            size, files, modified = size + status.st_size, files + 1, max(modified, status.st_mtime)
    return _Weight(size, files, modified or own.st_mtime)


_AGE = re.compile(r"(\d+)\s*([mhdw])")


_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, kw_only=True)
class CacheSelector:
    """Which entries are meant; all conditions hold together.

    Attributes:
        kinds: Only these kinds; empty for all.
        candidates: Only what belongs to these, by id, by folder or as globs; empty for all.
        older_than: Only what was last written longer ago; None for any age.
        stale: Only what bench would not use any more.
    """

    kinds: tuple[CacheKind, ...] = ()
    candidates: tuple[str, ...] = ()
    older_than: timedelta | None = None
    stale: bool = False

    @property
    def selects_all(self) -> bool:
        """Whether nothing is asked."""
        return self == CacheSelector()

    def selects(self, entry: CacheEntry, *, now: datetime | None = None) -> bool:
        """Tell whether an entry is meant.

        Args:
            entry: An entry of the cache.
            now: The time that ages are counted from; by default the present.
        """
        if self.kinds and entry.kind not in self.kinds:
            return False
        if self.candidates and not any(_belongs(entry, name) for name in self.candidates):
            return False
        if self.older_than is not None and (now or datetime.now(UTC)) - entry.modified <= self.older_than:
            return False
        return entry.stale is not None or not self.stale


def parse_age(text: str) -> timedelta:
    """Read an age such as `30d`, `12h`, `2w` or `90m`.

    Raises:
        RequestError: It is none.

    Examples:
        >>> parse_age("30d"), parse_age("90m")
        (datetime.timedelta(days=30), datetime.timedelta(seconds=5400))
    """
    found = _AGE.fullmatch(text.strip().casefold())
    if found is None:
        raise RequestError(f"{text!r} is no age: write a number and m, h, d or w, such as 30d for thirty days.")
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        raise RequestError(f"{text!r} is older than anything can be: write less, such as 30d.") from None


def delete_entries(cache: Path, entries: Sequence[CacheEntry]) -> tuple[CacheEntry, ...]:
    """Delete entries, and the folders that are empty then.

    Each is looked at again: what has become a link, or lies behind one, stays. What is gone already is no failure.

    Args:
        cache: The folder of the store.
        entries: As `list_cache` gave them.

    Returns:
        Those that are gone now.

    Raises:
        UnavailableError: The system refuses to delete one; those before it are gone.
    """
    root = cache.resolve()
    gone = []
    for entry in entries:
        path = root / entry.path
        if not _lies_in(root, path):
            continue
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(f"Cannot delete {path}: {error.strerror or type(error).__name__}.") from error
        gone.append(entry)
        _remove_empty(root, path.parent)
    return tuple(gone)


def _belongs(entry: CacheEntry, name: str) -> bool:
    folder = entry.path.split("/")[0].replace("__", "/", 1)
    if entry.kind is CacheKind.LOGS:  # a log bears the name of its candidate's folder
        folder = Path(entry.path).stem.replace("__", "/", 1)
    owners = {owner for owner in (entry.candidate, folder) if owner is not None}
    return any(owner == name or fnmatchcase(owner, name) for owner in owners)


def _lies_in(root: Path, path: Path) -> bool:
    """Whether a path leads, without any link, to something below the root."""
    if ".." in path.parts or path == root or not path.is_relative_to(root):
        return False
    return not path.is_symlink() and path.parent.resolve() == path.parent


def _remove_empty(root: Path, folder: Path) -> None:
    with contextlib.suppress(OSError):  # the first that is not empty
        while folder != root:
            folder.rmdir()
            folder = folder.parent
