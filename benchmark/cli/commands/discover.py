"""`bench discover`: which repositories of the Hub would work, without downloading their weights."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmark.errors import EXIT_REQUEST
from benchmark.options.model_commands import DiscoverRequest
from benchmark.options.shared import ConsoleOptions

if TYPE_CHECKING:
    from benchmark.api.discover import Discovered


def discover(*, options: DiscoverRequest, console: ConsoleOptions) -> int:
    """Search the Hub for speech-emotion models, and tell from some kilobytes of each which would work.

    Lists those that would, those whose head could be rebuilt, and why the others would not.
    """
    from benchmark.api.discover import discover_with
    from benchmark.cli.console import open_console, print_error, print_note
    from benchmark.reporting.escaping import json_text

    outcome = discover_with(replace(options, progress=open_console(console)))
    if console.as_json:
        print(
            json_text(json.dumps([_as_plain(repository) for repository in outcome.found], ensure_ascii=False, indent=2))
        )
    else:
        _print(outcome.found)
    if outcome.file is not None and not console.quiet:
        print_note(f"Written: {outcome.file}. Next: bench verify --candidates {outcome.file}")
    if outcome.problem is None:
        return 0
    print_error(outcome.problem)
    return EXIT_REQUEST


def _print(found: "tuple[Discovered, ...]") -> None:
    from benchmark.cli.tables import Column, print_table, result_console
    from benchmark.reporting.numbers import counted

    console = result_console()
    working = [repository for repository in found if repository.works]
    others = [repository for repository in found if not repository.works]
    if working:
        columns = [Column("repository"), Column("status"), Column("emotions", number=True), Column("which")]
        columns += [Column("languages"), Column("trained on"), Column("downloads", number=True)]
        print_table(
            console, columns, [_row(repository) for repository in working], title="Would work, as far as headers tell"
        )
    if others:
        rows = [
            (repository.verification.id, repository.verification.status.value, repository.reason or "")
            for repository in others
        ]
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
