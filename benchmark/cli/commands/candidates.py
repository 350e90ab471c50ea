"""`bench candidates`: list the registry."""

from benchmark.options.declare import command
from benchmark.options.shared import CandidateOptions, JsonOptions


@command
def candidates(*, options: CandidateOptions, console: JsonOptions) -> int:
    """List the candidates of a registry, and its corpora."""
    from benchmark.cli.tables import print_table
    from benchmark.registry.loading import find_registry, select
    from benchmark.reporting.numbers import counted

    registry = select(find_registry(options.candidates), options.models)
    if console.as_json:
        print(registry.model_dump_json(exclude={"path", "version", "announced"}, exclude_none=True, indent=2))
        return 0
    print_table(
        ["candidate", "id", "expected", "languages", "trained on", "note"],
        [
            (
                candidate.name,
                candidate.id if candidate.id != candidate.name else "",
                candidate.expect or "",
                " ".join(candidate.languages),
                " ".join(candidate.trained_on) if candidate.trained_on is not None else "unknown",
                candidate.note or "",
            )
            for candidate in registry.candidates
        ],
        title=f"{counted(len(registry.candidates), 'candidate')} in {registry.title}",
    )
    if registry.corpora:
        print_table(
            ["corpus", "source", "language", "speakers"],
            [
                (name, corpus.source, corpus.language or "", " ".join(corpus.speakers or ()))
                for name, corpus in registry.corpora.items()
            ],
        )
    return 0
