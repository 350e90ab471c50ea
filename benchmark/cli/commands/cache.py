"""`bench cache`: list, check and prune what former runs have stored."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from benchmark.errors import EXIT_UNMET
from benchmark.options.declare import command
from benchmark.options.report_commands import CacheRequest, PruneRequest
from benchmark.options.shared import JsonOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.results.cache_check import CacheCheck
    from benchmark.results.cache_listing import CacheEntry, CacheListing

cache = App(name="cache", help="List, check or delete what is kept from former runs, in .bench or $BENCH_CACHE.")


@cache.command
@command
def ls(*, options: CacheRequest, console: JsonOptions) -> int:
    """Show what is kept: of which candidate and revision, how large, how old, and whether it is still of use."""
    from benchmark.api.cache import list_cache

    listing = list_cache(options)
    if console.as_json:
        print(listing.model_dump_json(indent=2))
    else:
        _print_listing(listing)
    return 0


@cache.command
@command
def check(*, console: JsonOptions) -> int:
    """Read all that is kept and compare it with its checksums, also the models in the cache of huggingface_hub.

    Exit code 1 if anything is damaged. Nothing is changed: the next command that needs a damaged entry sets it aside
    and makes it again.
    """
    from benchmark.api.cache import check_cache

    checked = check_cache()
    if console.as_json:
        print(checked.model_dump_json(indent=2))
    else:
        _print_check(checked)
    return EXIT_UNMET if checked.damaged else 0


@cache.command
@command
def prune(*, options: PruneRequest, console: JsonOptions) -> int:
    """Delete a part of what is kept. What is still of use is computed or fetched again when a run needs it.

    Conditions narrow each other down. Nothing outside the cache, and nothing in it that bench did not make, is deleted.
    """
    from benchmark.api.cache import prune_cache
    from benchmark.cli.console import ConsoleProgress, print_note

    def confirm(listing: "CacheListing") -> bool | None:
        if options.yes:
            return True
        if not console.as_json:
            _print_entries(listing.entries)
        return ConsoleProgress().confirm(f"Delete {_amount(listing.entries)}?")

    pruned = prune_cache(options, confirm=confirm)
    if console.as_json:
        print(pruned.model_dump_json(indent=2))
        return 0
    if options.dry_run:
        _print_entries(pruned.entries)
    if pruned.declined:
        print_note("Nothing was deleted.")
    elif not pruned.entries:
        print_note(f"Nothing in {pruned.cache} is meant by that.")
    else:
        print_note(f"{'Would delete' if options.dry_run else 'Deleted'} {_amount(pruned.entries)}.")
    return 0


def _print_listing(listing: "CacheListing") -> None:
    from benchmark.cli.console import print_note
    from benchmark.cli.tables import Column, print_table
    from benchmark.results.cache_listing import KIND_MEANINGS, bytes_by_kind

    if listing.entries:
        _print_entries(listing.entries)
        sums = bytes_by_kind(listing.entries)
        rows = [(kind.value, _size(size), KIND_MEANINGS[kind]) for kind, size in sums.items()]
        rows.append(("all", _size(sum(sums.values())), ""))
        print_table(["kind", Column("MB", number=True), "what it is"], rows, title=listing.cache)
    elif Path(listing.cache).is_dir():
        print_note(f"Nothing of that is in {listing.cache}.")
    else:
        print_note(f"There is no cache at {listing.cache} yet: `bench verify` and `bench run` make one.")
    if listing.unknown:
        print_note(f"Not made by bench, and never deleted by it: {', '.join(listing.unknown)}.")


def _print_check(checked: "CacheCheck") -> None:
    from benchmark.cli.console import print_note
    from benchmark.cli.tables import print_table
    from benchmark.reporting.numbers import counted
    from benchmark.results.cache_entries import CacheKind

    if checked.damaged:
        rows = [(damaged.kind or "", damaged.path, damaged.problem) for damaged in checked.damaged]
        print_table(["kind", "damaged", "problem"], rows, title=checked.cache)
    looked_at = f"{counted(checked.entries, 'entry', 'entries')} and {counted(checked.downloads, 'file')} of models"
    print_note(f"Checked {looked_at}: {len(checked.damaged) or 'nothing'} damaged.")
    kinds = {damaged.kind for damaged in checked.damaged if not Path(damaged.path).is_absolute()}
    if kinds - {CacheKind.RUNS}:
        print_note("What is damaged in the cache is set aside and made again by the next command that needs it.")
    if CacheKind.RUNS in kinds:
        print_note("A damaged run is passed over and cannot be made again: delete its file, and repeat the run.")
    if any(Path(damaged.path).is_absolute() for damaged in checked.damaged):
        print_note("Delete the damaged files of models; the next run fetches them again.")


def _print_entries(entries: "Sequence[CacheEntry]") -> None:
    from datetime import UTC, datetime

    from benchmark.cli.tables import Column, print_table

    details = [Column(title, optional=True) for title in ("revision", "device", "backend", "dtype")]
    numbers = [Column(title, number=True) for title in ("clips", "MB", "age")]
    now = datetime.now(UTC)
    print_table(
        ["kind", "of", *details, *numbers, "stale"],
        [
            (
                entry.kind.value,
                entry.candidate or entry.path,
                (entry.revision or "")[:12],
                entry.device or "",
                entry.backend or "",
                entry.dtype or "",
                "" if entry.clips is None else f"{entry.clips:,}",
                _size(entry.bytes),
                _age((now - entry.modified).total_seconds()),
                entry.stale or "",
            )
            for entry in entries
        ],
        rest="`bench cache ls --json` has all columns.",
    )


def _amount(entries: "Sequence[CacheEntry]") -> str:
    from benchmark.reporting.numbers import counted

    size = _size(sum(entry.bytes for entry in entries))
    return f"{counted(len(entries), 'entry', 'entries')}, {size} MB"


def _age(seconds: float) -> str:
    from benchmark.reporting.numbers import duration, quantity

    days = seconds / 86_400
    return f"{quantity(days)} days" if days >= 2 else duration(max(0.0, seconds))  # noqa: PLR2004  (two days)


def _size(size: int) -> str:
    from benchmark.reporting.numbers import quantity

    return quantity(size / 1e6)
