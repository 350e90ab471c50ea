"""Gives back the space that a run has taken in the library's cache, and nothing that was there before.

The library deletes whole revisions only, with files that somebody else may have fetched; so files are deleted here one
by one. The layout is documented: a revision's files are links into `blobs`, which revisions share.
"""

import contextlib
import threading
from pathlib import Path

from benchmark.hub.cached import repository_folder, snapshot_folder


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
