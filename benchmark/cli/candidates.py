"""`bench candidates`: what the registry lists."""

import typer

from benchmark.cli import options


def candidates(
    candidates: options.Candidates = None,
    model: options.Models = None,
    as_json: options.AsJson = False,
) -> None:
    """List the candidates of a registry, and its corpora."""
    from benchmark.cli.tables import Column, print_table, result_console
    from benchmark.registry.loading import find_registry, select
    from benchmark.reporting.numbers import counted

    found = find_registry(candidates)
    registry = select(found.registry, model or ())
    if as_json:
        typer.echo(registry.model_dump_json(exclude={"path"}, exclude_none=True, indent=2))
        return
    console = result_console()
    print_table(
        console,
        [Column(title) for title in ("candidate", "id", "expected", "languages", "trained on", "note")],
        [
            (
                each.name,
                each.id if each.id != each.name else "",
                each.expect or "",
                " ".join(each.languages),
                " ".join(each.trained_on) if each.trained_on is not None else "unknown",
                each.note or "",
            )
            for each in registry.candidates
        ],
        title=f"{counted(len(registry.candidates), 'candidate')} in {registry.title}",
    )
    if registry.corpora:
        print_table(
            console,
            [Column("corpus"), Column("source"), Column("language"), Column("speakers")],
            [
                (name, corpus.source, corpus.language or "", " ".join(corpus.speakers or ()))
                for name, corpus in registry.corpora.items()
            ],
        )
