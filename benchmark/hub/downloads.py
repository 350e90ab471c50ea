"""The bytes of a download: told to whoever listens, and the sign that there is reason to wait on."""

import contextlib
import threading
from pathlib import Path
from typing import Any, Self

from benchmark.hub.cache import repository_folder, snapshot_folder
from benchmark.hub.retries import Patience
from benchmark.progress import Stage

SLOWEST_BYTES_PER_S = 50_000
"""A line slower than that counts as broken."""


_CHUNK_BYTES = 10 * 1024 * 1024
"""The library tells of a download in steps of this size."""


class ByteWatch:
    """Follows the bytes of one file.

    Args:
        stage: Who listens; None where nobody does.
        size: Bytes of the file; None where nobody knows.
        timeout_s: How long the server may think before it sends.
    """

    def __init__(self, stage: Stage | None, size: int | None, timeout_s: float) -> None:
        self._stage = stage
        self._size = size
        self._timeout_s = timeout_s
        self._seen = 0
        self._lock = threading.Lock()
        self.patience = Patience(self._silence())

    def advance(self, amount: float) -> None:
        """Count `amount` more bytes; fewer where the library begins anew."""
        with self._lock:
            self._seen += int(amount)
        if amount > 0:
            self.patience.renew(self._silence())
        if self._stage is not None:
            self._stage.advance(amount)

    def complete(self) -> None:
        """Count what was there already and what the library did not tell of."""
        missing = (self._size or 0) - self._seen
        if missing and self._stage is not None:
            self._stage.advance(missing)

    def _silence(self) -> float:
        """Seconds until the next step is overdue."""
        left = _CHUNK_BYTES if self._size is None else max(0, self._size - self._seen)
        return self._timeout_s + min(left, _CHUNK_BYTES) / SLOWEST_BYTES_PER_S


def byte_bar(watch: ByteWatch) -> type:
    """Make what the library takes for a progress bar: a class, of which it makes an instance per attempt.

    Returns:
        A class with the part of tqdm's interface that huggingface_hub uses, for plain and for xet downloads.
    """

    class ByteBar:
        def __init__(self, *_positional: Any, total: float | None = None, **_named: Any) -> None:
            self.total = total

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

        def update(self, amount: float | None = 1) -> None:
            watch.advance(amount or 0)

        def update_transfer(self, _amount: float | None = 1) -> None:
            # With xet the network is ahead of the file; the bytes of the file are those that count.
            watch.advance(0)

        def set_postfix_str(self, *_positional: Any, **_named: Any) -> None:
            pass

        def set_transfer_postfix_str(self, *_positional: Any, **_named: Any) -> None:
            pass

        def refresh(self) -> None:
            pass

        def close(self) -> None:
            pass

    return ByteBar


class CacheLedger:
    """Remembers what the cache held of a revision before this run touched it.

    Args:
        cache: The library's cache folder.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._before: dict[tuple[str, str], frozenset[Path]] = {}

    def note(self, id: str, sha: str) -> None:
        """Remember what is there now, where this is the first time that anybody asks."""
        with self._lock:
            if (id, sha) not in self._before:
                self._before[id, sha] = frozenset(_files(snapshot_folder(self._cache, id, sha)))

    def free(self, id: str, sha: str) -> int:
        """Delete the files of a revision that were not there before.

        Args:
            id: The repository.
            sha: The revision.

        Returns:
            How many bytes that gave back.
        """
        with self._lock:
            before = self._before.get((id, sha))
        if before is None:
            return 0
        snapshot = snapshot_folder(self._cache, id, sha)
        freed = 0
        for path in _files(snapshot):
            if path not in before:
                freed += _delete(path, repository_folder(self._cache, id))
        _remove_empty_folders(snapshot)
        if not snapshot.exists():
            _forget_references(repository_folder(self._cache, id), sha)
        return freed


def _files(snapshot: Path) -> list[Path]:
    return [path for path in snapshot.rglob("*") if path.is_symlink() or path.is_file()]


def _delete(path: Path, repository: Path) -> int:
    """Delete a file, and the blob that it links to unless another revision does so too; bytes given back."""
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


def _remove_empty_folders(folder: Path) -> None:
    for path in sorted((*folder.rglob("*"), folder), reverse=True):
        with contextlib.suppress(OSError):
            path.rmdir()


def _forget_references(repository: Path, sha: str) -> None:
    """Forget which branches were at a revision that is no longer there."""
    for path in (repository / "refs").rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and path.read_text(encoding="ascii", errors="replace").strip() == sha:
                path.unlink()
