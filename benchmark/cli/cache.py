"""`bench cache`: what is kept from former runs, and deleting a part of it."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.results.cache import CacheEntry, CacheListing

app = typer.Typer(no_args_is_help=True, help="List or delete what is kept from former runs, in .bench or $BENCH_CACHE.")


class KindName(StrEnum):
    """What a part of the cache is for."""

    PREDICTIONS = "predictions"
    VERIFICATIONS = "verifications"
    CONVERTED = "converted"
    DATASETS = "datasets"
    SPEECH = "speech"
    RUNS = "runs"
    LOGS = "logs"
    LEFTOVERS = "leftovers"


Kinds = Annotated[list[KindName] | None, typer.Option("--kind", help="Only this kind. Repeatable.")]
Owners = Annotated[
    list[str] | None,
    typer.Option("--candidate", metavar="ID", help="Only what belongs to this candidate; globs too. Repeatable."),
]
OlderThan = Annotated[
    str | None,
    typer.Option("--older-than", metavar="AGE", help="Only what was last written longer ago, such as 30d or 12h."),
]
Stale = Annotated[
    bool,
    typer.Option("--stale", help="Only what bench would not use any more: other revisions, library versions, schemas."),
]


@app.command("ls")
def ls(
    kind: Kinds = None,
    candidate: Owners = None,
    older_than: OlderThan = None,
    stale: Stale = False,
    as_json: options.AsJson = False,
) -> None:
    """Show what is kept: of which candidate and revision, how large, how old, and whether it is still of use."""
    from benchmark.api.cache import CacheRequest, list_cache

    listing = list_cache(CacheRequest(kinds=kind or (), candidates=candidate or (), older_than=older_than, stale=stale))
    if as_json:
        typer.echo(listing.model_dump_json(indent=2))
    else:
        _print_listing(listing)


@app.command("prune")
def prune(
    kind: Kinds = None,
    candidate: Owners = None,
    older_than: OlderThan = None,
    stale: Stale = False,
    everything: Annotated[bool, typer.Option("--all", help="All that bench has made.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be deleted, and delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Delete a part of what is kept. What is still of use is computed or fetched again when a run needs it.

    Conditions narrow each other down. Nothing outside the cache, and nothing in it that bench did not make, is deleted.
    """
    from benchmark.api.cache import CacheRequest, prune_cache
    from benchmark.cli.console import ConsoleProgress, print_note
    from benchmark.reporting.numbers import counted

    def confirm(listing: "CacheListing") -> bool | None:
        if yes:
            return True
        question = f"Delete {counted(len(listing.entries), 'entry', 'entries')}, {_megabytes(listing.entries)}?"
        if not as_json:
            _print_entries(listing.entries)
        return ConsoleProgress().confirm(question)

    request = CacheRequest(kinds=kind or (), candidates=candidate or (), older_than=older_than, stale=stale)
    pruned = prune_cache(request, everything=everything, dry_run=dry_run, confirm=confirm)
    if as_json:
        typer.echo(pruned.model_dump_json(indent=2))
        return
    if dry_run:
        _print_entries(pruned.entries)
    if pruned.declined:
        print_note("Nothing was deleted.")
    elif not pruned.entries:
        print_note(f"Nothing in {pruned.cache} is meant by that.")
    else:
        verb = "Would delete" if dry_run else "Deleted"
        print_note(f"{verb} {counted(len(pruned.entries), 'entry', 'entries')}, {_megabytes(pruned.entries)}.")


def _print_listing(listing: "CacheListing") -> None:
    from pathlib import Path

    from benchmark.cli.console import print_note
    from benchmark.cli.tables import Column, print_table, result_console
    from benchmark.results.cache import KIND_MEANINGS, bytes_by_kind

    if not listing.entries:
        missing = not Path(listing.cache).is_dir()
        print_note(
            f"There is no cache at {listing.cache} yet: `bench verify` and `bench run` make one."
            if missing
            else f"Nothing of that is in {listing.cache}."
        )
    else:
        _print_entries(listing.entries)
        sums = bytes_by_kind(listing.entries)
        rows = [(kind.value, _size(size), KIND_MEANINGS[kind]) for kind, size in sums.items()]
        print_table(
            result_console(),
            [Column("kind"), Column("MB", number=True), Column("what it is")],
            [*rows, ("all", _size(sum(sums.values())), "")],
            title=listing.cache,
        )
    if listing.unknown:
        print_note(f"Not made by bench, and never deleted by it: {', '.join(listing.unknown)}.")


def _print_entries(entries: "Sequence[CacheEntry]") -> None:
    from datetime import UTC, datetime

    from benchmark.cli.tables import Column, print_table, result_console

    columns = [
        *(Column(title) for title in ("kind", "of", "revision", "device", "backend", "dtype")),
        *(Column(title, number=True) for title in ("clips", "MB", "age")),
        Column("stale"),
    ]
    now = datetime.now(UTC)
    print_table(
        result_console(),
        columns,
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
    )


def _megabytes(entries: "Sequence[CacheEntry]") -> str:
    return f"{_size(sum(entry.bytes for entry in entries))} MB"


def _age(seconds: float) -> str:
    from benchmark.reporting.numbers import duration, quantity

    days = seconds / 86_400
    return f"{quantity(days)} days" if days >= 2 else duration(max(0.0, seconds))  # noqa: PLR2004  (two days)


def _size(size: int) -> str:
    from benchmark.reporting.numbers import quantity

    return quantity(size / 1e6)
