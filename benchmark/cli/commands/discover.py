"""`bench discover`: search the Hub for candidates."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmark.options.declare import command
from benchmark.options.model_commands import DiscoverRequest
from benchmark.options.shared import ConsoleOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.api.discover import Discovered


@command
def discover(*, options: DiscoverRequest, console: ConsoleOptions) -> int:
    """Search the Hub for speech-emotion models, and tell from some kilobytes of each which would work.

    Lists those that would, those whose head could be rebuilt, and why the others would not.
    """
    from benchmark.api.discover import discover_with
    from benchmark.cli.console import open_console, print_note
    from benchmark.cli.summaries import print_problems
    from benchmark.reporting.escaping import json_text

    outcome = discover_with(replace(options, progress=open_console(console)))
    if console.as_json:
        plain = [_as_plain(repository) for repository in outcome.repositories]
        print(json_text(json.dumps(plain, ensure_ascii=False, indent=2)))
    else:
        _print(outcome.repositories)
    if outcome.files and not console.quiet:
        print_note(f"Written: {outcome.files[0]}. Next: bench verify --candidates {outcome.files[0]}")
    return print_problems(outcome)


def _print(repositories: "Sequence[Discovered]") -> None:
    from benchmark.cli.tables import Column, print_line, print_table
    from benchmark.reporting.numbers import counted

    working = [repository for repository in repositories if repository.works]
    others = [repository for repository in repositories if not repository.works]
    if working:
        emotions, downloads = Column("emotions", number=True), Column("downloads", number=True)
        print_table(
            ["repository", "status", emotions, "which", "languages", "trained on", downloads],
            [_row(repository) for repository in working],
            title="Would work, as far as headers tell",
        )
    if others:
        print_table(
            ["repository", "status", "why not"],
            [(other.verification.id, other.verification.status.value, other.reason or "") for other in others],
            title="Would not",
        )
    total = counted(len(repositories), "repository", "repositories")
    print_line(f"{total}: {len(working)} would work, {len(others)} would not")


def _row(repository: "Discovered") -> tuple[str, ...]:
    emotions = repository.verification.emotion_classes
    return (
        repository.verification.id,
        repository.verification.status.value,
        str(len(emotions)),
        ", ".join(emotions),
        ", ".join(repository.languages),
        ", ".join(repository.trained_on or ()),
        "" if repository.downloads is None else str(repository.downloads),
    )


def _as_plain(repository: "Discovered") -> dict[str, Any]:
    verification = repository.verification
    return {
        "id": verification.id,
        "revision": verification.revision,
        "works": repository.works,
        "verdict": verification.verdict.value,
        "status": verification.status.value,
        "reason": repository.reason or verification.reason,
        "emotions": verification.emotion_classes,
        "labels": verification.labels,
        "languages": repository.languages,
        "trained_on": repository.trained_on,
        "downloads": repository.downloads,
        "parameters": verification.parameters,
        "size_mb": verification.size_mb,
    }
