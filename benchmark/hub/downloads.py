"""Downloads: their progress, the cache of huggingface_hub, and freeing what a run has fetched into it.

The layout of the cache is documented: `models--<org>--<name>/refs/<branch>` holds a sha, and `snapshots/<sha>/` beside
it links to the files of that revision in `blobs`, which revisions share. The library deletes whole revisions only, with
files that somebody else may have fetched; so files are deleted here one by one.
"""

import contextlib
import hashlib
import re
import threading
from pathlib import Path
from typing import Any, Self

from benchmark.hub.json_documents import describe
from benchmark.hub.repository_facts import RepoFacts, RepoFile, storable
from benchmark.hub.retries import Deadline
from benchmark.progress import Stage

COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHA256_DIGITS = 64

_SLOWEST_BYTES_PER_S = 50_000  # a slower connection counts as broken
_CHUNK_BYTES = 10 * 1024 * 1024  # huggingface_hub reports a download in steps of this size
_REFERENCE = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_DEFAULT_BRANCH = "main"


def snapshot_folder(cache: Path, id: str, sha: str) -> Path:
    """The folder of the files of one revision."""
    return _repository_folder(cache, id) / "snapshots" / sha


def damaged_files(cache: Path, id: str, sha: str) -> tuple[int, tuple[Path, ...]]:
    """Compare the files of a revision with the checksums that their blobs are named by.

    Large files have the SHA-256 of their content, small ones Git's SHA-1. Other names, which mirrors may give, and
    copies instead of links say nothing.

    Returns:
        How many files were compared, and those that differ.
    """
    links = [path for path in _files(snapshot_folder(cache, id, sha)) if path.is_symlink() and path.is_file()]
    named = [path for path in links if _DIGEST.fullmatch(path.resolve().name)]
    return len(named), tuple(path for path in named if _digest(path) != path.resolve().name)


def _digest(path: Path) -> str | None:
    """The checksum by which the blob should be named; None if it cannot be read."""
    blob = path.resolve()
    try:
        with blob.open("rb") as file:
            if len(blob.name) == _SHA256_DIGITS:
                return hashlib.file_digest(file, "sha256").hexdigest()
            content = file.read()
    except OSError:
        return None
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def remember_revision(cache: Path, id: str, revision: str | None, sha: str) -> None:
    """Note which commit a branch is at, as the library does for what it fetches by the name of a branch.

    bench fetches by sha only; without this note those files could not be found by the branch's name offline.
    """
    path = _reference(cache, id, revision)
    if path is None or not _repository_folder(cache, id).is_dir():
        return
    with contextlib.suppress(OSError):  # a cache that is read-only can do without
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sha, encoding="ascii")


def cached_facts(cache: Path, id: str, revision: str | None) -> RepoFacts | None:
    """Read partial facts of a repository from the cache; None where no file of that revision was ever fetched."""
    path = _reference(cache, id, revision)
    try:
        sha = path.read_text(encoding="ascii").strip() if path else revision or ""
        if not COMMIT.fullmatch(sha):
            return None
        folder = snapshot_folder(cache, id, sha)
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        files = tuple(RepoFile(storable(path.name), path.stat().st_size) for path in paths)
    except (OSError, UnicodeDecodeError):
        return None
    return describe(RepoFacts(id=id, revision=sha, files=files, partial=True), folder)


def _repository_folder(cache: Path, id: str) -> Path:
    return cache / ("models--" + id.replace("/", "--"))


def _reference(cache: Path, id: str, revision: str | None) -> Path | None:
    """The file that says which commit a branch or tag is at; None for a sha, and for what can be no name."""
    name = revision or _DEFAULT_BRANCH
    if COMMIT.fullmatch(name) or not _REFERENCE.fullmatch(name) or ".." in name:
        return None
    return _repository_folder(cache, id) / "refs" / name


class CacheLedger:
    """Remembers what the cache held of each revision before this run, and deletes what the run has added."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._before: dict[tuple[str, str], frozenset[Path]] = {}

    def note(self, id: str, sha: str) -> None:
        """Remember what is there, where this is the first call for this revision."""
        with self._lock:
            if (id, sha) not in self._before:
                self._before[id, sha] = frozenset(_files(snapshot_folder(self._cache, id, sha)))

    def free(self, id: str, sha: str) -> int:
        """Delete the files of a revision that were not there before; returns the bytes freed."""
        with self._lock:
            before = self._before.get((id, sha))
        if before is None:
            return 0
        repository, snapshot = _repository_folder(self._cache, id), snapshot_folder(self._cache, id, sha)
        freed = sum(_delete(path, repository) for path in _files(snapshot) if path not in before)
        for folder in sorted((*snapshot.rglob("*"), snapshot), reverse=True):
            with contextlib.suppress(OSError):  # it is not empty
                folder.rmdir()
        if not snapshot.exists():  # nor may a branch name it
            for path in (repository / "refs").rglob("*"):
                with contextlib.suppress(OSError):
                    if path.is_file() and path.read_text(encoding="ascii", errors="replace").strip() == sha:
                        path.unlink()
        return freed


def _files(snapshot: Path) -> list[Path]:
    return [path for path in snapshot.rglob("*") if path.is_symlink() or path.is_file()]


def _delete(path: Path, repository: Path) -> int:
    """Delete a file, and the blob that it links to unless another revision needs it; returns the bytes freed."""
    # Another process may have been faster; a file that cannot be deleted costs space and no answer.
    with contextlib.suppress(OSError):
        blob = path.resolve()
        size = path.stat().st_size
        path.unlink()
        if blob == path.absolute():
            return size
        shared = any(other.resolve() == blob for other in _files(repository / "snapshots"))
        if blob.parent == (repository / "blobs").resolve() and not shared:
            blob.unlink()
            return size
    return 0


class DownloadWatch:
    """Follows the bytes of one file: reports them to `stage`, and extends the deadline of the download.

    Args:
        size: Bytes of the file; None where unknown.
        timeout_s: How long the server may take before it sends.
    """

    def __init__(self, stage: Stage | None, size: int | None, timeout_s: float) -> None:
        self._stage = stage
        self._size = size
        self._timeout_s = timeout_s
        self._seen = 0
        self._lock = threading.Lock()
        self.deadline = Deadline(self._longest_pause())

    def advance(self, amount: float) -> None:
        """Count bytes; a negative amount where the library starts the file again."""
        with self._lock:
            self._seen += int(amount)
        if amount > 0:
            self.deadline.extend(self._longest_pause())
        if self._stage is not None:
            self._stage.advance(amount)

    def complete(self) -> None:
        """Report the bytes that were there already and those that the library did not report."""
        missing = (self._size or 0) - self._seen
        if missing and self._stage is not None:
            self._stage.advance(missing)

    def _longest_pause(self) -> float:
        """Seconds until the next step is overdue."""
        left = _CHUNK_BYTES if self._size is None else max(0, self._size - self._seen)
        return self._timeout_s + min(left, _CHUNK_BYTES) / _SLOWEST_BYTES_PER_S


def progress_class(watch: DownloadWatch) -> type:
    """Make the `tqdm_class` of a download: the part of tqdm's interface that huggingface_hub uses, xet included."""

    class WatchedBar:
        def __init__(self, *_positional: Any, total: float | None = None, **_named: Any) -> None:
            self.total = total

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

        def update(self, amount: float | None = 1) -> None:
            watch.advance(amount or 0)

        def ignore(self, *_positional: Any, **_named: Any) -> None:
            # Among them what xet transfers, which is ahead of the file; the bytes of the file are those that count.
            pass

        update_transfer = set_postfix_str = set_transfer_postfix_str = refresh = close = ignore

    return WatchedBar
