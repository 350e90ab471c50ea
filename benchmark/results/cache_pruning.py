"""Deleting parts of the cache, and never anything outside it."""

import contextlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from benchmark.errors import RequestError, UnavailableError
from benchmark.results.cache_entries import CacheEntry, CacheKind

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
