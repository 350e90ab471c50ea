"""`bench discover`: which repositories of the Hub would work, without downloading their weights."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli import options

if TYPE_CHECKING:
    from benchmark.api.discover import Discovered


class SortBy(StrEnum):
    """What comes first."""

    DOWNLOADS = "downloads"
    LIKES = "likes"
    TRENDING = "trending_score"
    MODIFIED = "last_modified"
    CREATED = "created_at"


def discover(
    search: Annotated[
        str, typer.Option("--search", envvar="BENCH_SEARCH", metavar="WORDS", help="Words in names of repositories.")
    ] = "emotion",
    limit: Annotated[
        int,
        typer.Option(
            "--limit",
            envvar="BENCH_DISCOVER_LIMIT",
            metavar="N",
            min=1,
            max=5_000,
            help="How many repositories to look at, at most.",
        ),
    ] = 200,
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--language",
            envvar="BENCH_DISCOVER_LANGUAGE",
            metavar="CODE",
            help="Only repositories that declare this language, such as ko. Repeatable.",
            show_default=False,
        ),
    ] = None,
    min_emotions: Annotated[
        int,
        typer.Option(
            "--min-emotions", envvar="BENCH_MIN_EMOTIONS", metavar="N", min=1, help="At least so many emotions."
        ),
    ] = 2,
    sort: Annotated[
        SortBy, typer.Option("--sort", envvar="BENCH_SORT", help="Which repositories are looked at first.")
    ] = SortBy.DOWNLOADS,
    repair_heads: options.RepairHeads = True,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            envvar="BENCH_WRITE",
            metavar="FILE",
            help="Make a registry of those that would work.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", envvar="BENCH_FORCE", help="Replace FILE where it exists.")] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log_file: options.LogFile = None,
) -> None:
    """Search the Hub for speech-emotion models, and tell from some kilobytes of each which would work.

    Lists those that would, those whose head could be rebuilt, and why the others would not.
    """
    from benchmark.api.discover import discover as discover_repositories
    from benchmark.cli.console import ConsoleProgress, print_error, print_note, set_up_logging

    set_up_logging(verbose=verbose, log_file=log_file)
    outcome = discover_repositories(
        search,
        limit=limit,
        languages=language or (),
        min_emotions=min_emotions,
        sort=sort.value,
        repair_heads=repair_heads,
        write=write,
        force=force,
        progress=ConsoleProgress(quiet=quiet),
    )
    if as_json:
        import json

        from benchmark.reporting.escaping import json_text

        typer.echo(json_text(json.dumps([_as_plain(each) for each in outcome.found], ensure_ascii=False, indent=2)))
    else:
        _print(outcome.found)
    if outcome.file is not None and not quiet:
        print_note(f"Written: {outcome.file}. Next: bench verify --candidates {outcome.file}")
    if outcome.problem is not None:
        print_error(outcome.problem)
        raise typer.Exit(2)


def _print(found: "tuple[Discovered, ...]") -> None:
    from benchmark.cli.tables import Column, print_table, result_console
    from benchmark.reporting.numbers import counted

    console = result_console()
    working = [each for each in found if each.works]
    others = [each for each in found if not each.works]
    if working:
        columns = [Column("repository"), Column("status"), Column("emotions", number=True), Column("which")]
        columns += [Column("languages"), Column("trained on"), Column("downloads", number=True)]
        print_table(console, columns, [_row(each) for each in working], title="Would work, as far as headers tell")
    if others:
        rows = [(each.verification.id, each.verification.status.value, each.reason or "") for each in others]
        print_table(console, [Column("repository"), Column("status"), Column("why not")], rows, title="Would not")
    total = counted(len(found), "repository", "repositories")
    console.print(f"{total}: {len(working)} would work, {len(others)} would not")


def _row(found: "Discovered") -> tuple[str, ...]:
    names = found.verification.emotion_classes
    return (
        found.verification.id,
        found.verification.status.value,
        str(len(names)),
        ", ".join(names),
        ", ".join(found.languages),
        ", ".join(found.trained_on or ()),
        "" if found.downloads is None else str(found.downloads),
    )


def _as_plain(found: "Discovered") -> dict[str, Any]:
    verification = found.verification
    return {
        "id": verification.id,
        "revision": verification.revision,
        "works": found.works,
        "verdict": verification.verdict.value,
        "status": verification.status.value,
        "reason": found.reason or verification.reason,
        "emotions": list(verification.emotion_classes),
        "labels": list(verification.labels),
        "languages": list(found.languages),
        "trained_on": None if found.trained_on is None else list(found.trained_on),
        "downloads": found.downloads,
        "parameters": verification.parameters,
        "size_mb": verification.size_mb,
    }
