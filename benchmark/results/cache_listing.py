"""Finding out what a cache holds. Links in it are never followed: what they lead to is not ours."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmark.results.cache_entries import CacheEntry, CacheKind, CacheListing
from benchmark.results.cache_predictions import describe_predictions
from benchmark.results.cache_staleness import mark_stale

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
