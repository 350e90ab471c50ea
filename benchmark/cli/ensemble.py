"""`bench ensemble`: several candidates as one, from what they answered already."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options


def ensemble(
    members: Annotated[
        list[str],
        typer.Argument(
            metavar="A B C|best:N",
            help="Candidates that the run evaluated; or best:3, to have three chosen on one half of the speakers and "
            "scored on the other, both ways.",
        ),
    ],
    run: options.Run = None,
    output: options.Output = Path("reports"),
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Let several candidates of a finished run vote, and show them as a row of their own.

    Each votes with its probabilities, on the emotions it has a name for. Loads no model; latencies are summed.
    Writes leaderboard.html, .md, .csv and .json again, with that row. Exits 1 where the ensemble could not be scored.
    """
    from benchmark.api import choose
    from benchmark.cli.summaries import finish_scored, tell_run

    outcome = choose.ensemble(members, run, output=output)
    tell_run(outcome.record, quiet=quiet)
    finish_scored(outcome, as_json=as_json, quiet=quiet)
