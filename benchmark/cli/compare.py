"""`bench compare`: what changed between two runs, for a pull request, with gates for a CI."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options


def compare(
    old: Annotated[
        str,
        typer.Argument(metavar="OLD", help="The run before: a folder of reports, or the name or the file of a run."),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The run after.")],
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            envvar="BENCH_FAIL_ON",
            metavar="GATE",
            help="Exit 1 where this happens: a column of the leaderboard, < or >, and a change with its sign, as in "
            '"uar<-0.02" or "latency_p50_ms>+20%". What cannot be judged fails. Repeatable.',
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            envvar="BENCH_COMPARE_OUTPUT",
            metavar="FILE",
            help="Write the comparison into this file as well: JSON where it ends in .json, else Markdown.",
            show_default=False,
        ),
    ] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Say what changed between two runs, as Markdown for a pull request.

    Scores are compared on the clips that both runs have, with intervals over speakers, where predictions.parquet or the
    stored answers of both are there. Loads no model. Exits 1 where a gate fails.
    """
    from benchmark.api.compare import compare as compare_runs
    from benchmark.cli.console import print_error, print_note
    from benchmark.reporting.compare import comparison_json, comparison_markdown

    outcome = compare_runs(old, new, fail_on=fail_on or (), output=output)
    written = comparison_json if as_json else comparison_markdown
    typer.echo(written(outcome.comparison), nl=False)
    if outcome.files and not quiet:
        print_note(f"Comparison: {outcome.files[0]}")
    for problem in outcome.problems:
        print_error(problem)
    raise typer.Exit(outcome.exit_code)
