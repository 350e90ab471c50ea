"""`bench cache`: list, check and prune the cache."""

from collections.abc import Callable
from pathlib import Path

from benchmark.errors import RequestError
from benchmark.options.report_commands import CacheRequest, PruneRequest
from benchmark.registry.locations import is_hub_id
from benchmark.results.cache_check import CacheCheck, DamagedFile
from benchmark.results.cache_check import check_cache as check_folder
from benchmark.results.cache_entries import CacheKind
from benchmark.results.cache_listing import CacheEntry, CacheListing, delete_entries, parse_age, select_entries
from benchmark.results.cache_listing import list_cache as list_folder
from benchmark.results.schema import StoredFile
from benchmark.settings import Settings

_NOTHING_ASKED = (
    "Say what to prune: --stale for what bench would not use any more, --older-than 30d, --candidate ID, --kind "
    "converted, or --all."
)
_NOT_AS_NAMED = "its content does not have the checksum that its blob is named by"
_NOBODY_TO_ASK = "Nothing was deleted: add --yes where nobody can be asked, or --dry-run to see what would be."


class Pruned(StoredFile):
    """The result of pruning.

    Attributes:
        cache: The folder.
        dry_run: Whether nothing was deleted on purpose.
        declined: Whether the user answered no.
        entries: The entries that are deleted, or would be.
        bytes: Their size on the disk.
    """

    cache: str
    dry_run: bool
    declined: bool = False
    entries: tuple[CacheEntry, ...]
    bytes: int


def list_cache(request: CacheRequest, *, settings: Settings | None = None) -> CacheListing:
    """List what former runs have stored.

    Raises:
        RequestError: The request is wrong, or the cache is no folder.
    """
    if unknown := [kind for kind in request.kinds if kind not in set(CacheKind)]:
        raise RequestError(f"Unknown kind {unknown[0]!r}: choose among {', '.join(CacheKind)}.")
    older_than = None if request.older_than is None else parse_age(request.older_than)
    listing = list_folder(_folder(settings))
    entries = select_entries(
        listing.entries,
        kinds=[CacheKind(kind) for kind in request.kinds],
        candidates=request.candidates,
        older_than=older_than,
        stale=request.stale,
    )
    return listing.model_copy(update={"entries": entries})


def check_cache(*, settings: Settings | None = None) -> CacheCheck:
    """Compare everything that is stored with its checksums, and what the Hub's cache holds of the models in it.

    Raises:
        RequestError: The cache is no folder.
    """
    # Its import takes half a second, which the other commands need not wait for.
    from huggingface_hub.constants import HF_HUB_CACHE  # noqa: PLC0415

    from benchmark.hub.downloads import damaged_files  # noqa: PLC0415

    cache = _folder(settings)
    checked = check_folder(cache)
    entries = list_folder(cache).entries
    models = {(entry.candidate, entry.revision) for entry in entries if entry.candidate and entry.revision}
    damaged, downloads = list(checked.damaged), 0
    for id, revision in sorted(models):
        count, files = damaged_files(Path(HF_HUB_CACHE), id, revision) if is_hub_id(id) else (0, ())
        downloads += count
        damaged += [DamagedFile(path=str(path), problem=_NOT_AS_NAMED) for path in files]
    return checked.model_copy(update={"downloads": downloads, "damaged": tuple(damaged)})


def prune_cache(
    request: PruneRequest,
    *,
    confirm: Callable[[CacheListing], bool | None] = lambda listing: None,
    settings: Settings | None = None,
) -> Pruned:
    """Delete entries of the cache; files that bench did not make stay.

    Args:
        request: Selects the entries.
        confirm: Asks the user; returns None if there is no terminal.
        settings: Name the cache.

    Raises:
        RequestError: The request is wrong, selects nothing in particular, or nobody confirmed it.
        UnavailableError: The system refuses to delete something.
    """
    has_condition = request.kinds or request.candidates or request.older_than is not None or request.stale
    if not has_condition and not request.everything:
        raise RequestError(_NOTHING_ASKED)
    listing = list_cache(request, settings=settings)
    entries, declined = listing.entries, False
    if not request.dry_run and entries:
        answer = confirm(listing)
        if answer is None:
            raise RequestError(_NOBODY_TO_ASK)
        declined = not answer
        entries = delete_entries(_folder(settings), entries) if answer else ()
    return Pruned(
        cache=listing.cache,
        dry_run=request.dry_run,
        declined=declined,
        entries=entries,
        bytes=sum(entry.bytes for entry in entries),
    )


def _folder(settings: Settings | None) -> Path:
    cache = (settings or Settings()).cache
    if cache.exists() and not cache.is_dir():
        raise RequestError(f"{cache} is a file, and the cache is a folder: set BENCH_CACHE to one.")
    return cache
