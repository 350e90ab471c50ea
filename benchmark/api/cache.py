"""The cache, listed and pruned: what `bench cache` calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from benchmark.errors import RequestError
from benchmark.results.cache import CacheEntry, CacheListing, CacheSelector, delete_entries, parse_age
from benchmark.results.cache import list_cache as list_folder
from benchmark.results.entries import CacheKind
from benchmark.results.schema import StoredFile
from benchmark.settings import Settings

_NOTHING_ASKED = (
    "Say what to prune: --stale for what bench would not use any more, --older-than 30d, --candidate ID, --kind "
    "converted, or --all."
)
_NOBODY_TO_ASK = "Nothing was deleted: add --yes where nobody can be asked, or --dry-run to see what would be."


class Pruned(StoredFile):
    """What was deleted, or would be.

    Attributes:
        cache: The folder.
        dry_run: Whether it was only looked at.
        declined: Whether a person, asked, said no.
        entries: What is gone, or would be.
        bytes: What those took of the disk.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    cache: str
    dry_run: bool
    declined: bool = False
    entries: tuple[CacheEntry, ...]
    bytes: int


@dataclass(frozen=True, kw_only=True)
class CacheRequest:
    """Which part of the cache is meant, in a user's words.

    Attributes:
        kinds: Names of kinds; empty for all.
        candidates: Ids or globs; empty for all.
        older_than: An age such as `30d`; None for any.
        stale: Only what bench would not use any more.
    """

    kinds: Sequence[str] = ()
    candidates: Sequence[str] = ()
    older_than: str | None = None
    stale: bool = False

    def selector(self) -> CacheSelector:
        """Read it.

        Raises:
            RequestError: A kind is unknown, or the age is none.
        """
        if unknown := [kind for kind in self.kinds if kind not in set(CacheKind)]:
            raise RequestError(f"Unknown kind {unknown[0]!r}: choose among {', '.join(CacheKind)}.")
        age: timedelta | None = None if self.older_than is None else parse_age(self.older_than)
        return CacheSelector(
            kinds=tuple(CacheKind(kind) for kind in self.kinds),
            candidates=tuple(self.candidates),
            older_than=age,
            stale=self.stale,
        )


def list_cache(request: CacheRequest | None = None, *, settings: Settings | None = None) -> CacheListing:
    """List what is kept from former runs.

    Args:
        request: Which part of it; by default all.
        settings: Where it is.

    Raises:
        RequestError: The request is wrong, or the cache is no folder.
    """
    cache = _folder(settings)
    selector = (request or CacheRequest()).selector()
    listing = list_folder(cache)
    return listing.model_copy(update={"entries": tuple(filter(selector.selects, listing.entries))})


def prune_cache(
    request: CacheRequest,
    *,
    everything: bool = False,
    dry_run: bool = False,
    confirm: Callable[[CacheListing], bool | None] = lambda listing: None,
    settings: Settings | None = None,
) -> Pruned:
    """Delete a part of what is kept from former runs; what bench did not make stays.

    Args:
        request: Which part.
        everything: Whether a request that asks for nothing in particular means all.
        dry_run: Only say what would be deleted.
        confirm: Asks a person about what was found; None for an answer where there is nobody to ask.
        settings: Where the cache is.

    Raises:
        RequestError: The request is wrong, asks for nothing, or nobody confirmed it.
        UnavailableError: The system refuses to delete something.
    """
    if request.selector().selects_all and not everything:
        raise RequestError(_NOTHING_ASKED)
    cache = _folder(settings)
    listing = list_cache(request, settings=settings)
    entries, declined = listing.entries, False
    if not dry_run and entries:
        answer = confirm(listing)
        if answer is None:
            raise RequestError(_NOBODY_TO_ASK)
        declined = not answer
        entries = delete_entries(cache, entries) if answer else ()
    return Pruned(
        cache=listing.cache,
        dry_run=dry_run,
        declined=declined,
        entries=entries,
        bytes=sum(entry.bytes for entry in entries),
    )


def _folder(settings: Settings | None) -> Path:
    cache = (settings or Settings()).cache
    if cache.exists() and not cache.is_dir():
        raise RequestError(f"{cache} is a file, and the cache is a folder: set BENCH_CACHE to one.")
    return cache
