"""What the shell offers where the name of a candidate or a corpus is expected."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from benchmark.registry.schema import Registry


def complete_candidates(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the candidates of the registry that the line so far names, each with its note.

    Args:
        context: The command line so far, as Typer parsed it.
        incomplete: The beginning of the word.

    Returns:
        Names and what they are.
    """
    registry = _registry(context)
    if registry is None:
        return []
    return [(each.name, each.note or each.id) for each in registry.candidates if each.name.startswith(incomplete)]


def complete_corpora(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Offer the corpora of the registry that the line so far names.

    Args:
        context: The command line so far, as Typer parsed it.
        incomplete: The beginning of the word.

    Returns:
        Names and where they come from.
    """
    registry = _registry(context)
    if registry is None:
        return []
    return [(name, corpus.source) for name, corpus in registry.corpora.items() if name.startswith(incomplete)]


def _registry(context: typer.Context) -> "Registry | None":
    from benchmark.errors import BenchError
    from benchmark.registry.loading import find_registry

    try:
        return find_registry(context.params.get("candidates")).registry
    except (BenchError, OSError):
        return None  # what is wrong with it is told when the command runs
