"""`bench ensemble`: several candidates as one, from what they answered already."""

from typing import Annotated

from cyclopts import Parameter

from benchmark.options.declare import Flat
from benchmark.options.groups import MODELS, QuietOptions
from benchmark.options.stored import EnsembleOptions, EnsembleRequest


def ensemble(
    member: Annotated[
        str,
        Parameter(
            group=MODELS,
            name="CANDIDATE…",
            help="Candidates that the run evaluated; or best:3, to have three chosen on one half of the speakers and "
            "scored on the other, both ways.",
        ),
    ],
    /,
    *members: Annotated[str, Parameter(show=False)],
    options: Flat[EnsembleOptions] = EnsembleOptions(),
    console: Flat[QuietOptions] = QuietOptions(),
) -> int:
    """Let several candidates of a finished run vote, and show them as a row of their own.

    Each votes with its probabilities, on the emotions it has a name for. Loads no model; latencies are summed.
    Writes leaderboard.html, .md, .csv and .json again, with that row. Exits 1 where the ensemble could not be scored.
    """
    from benchmark.api.choose import ensemble_with
    from benchmark.cli.summaries import finish_scored, print_run

    outcome = ensemble_with(EnsembleRequest((member, *members), **vars(options)))
    print_run(outcome.record, quiet=console.quiet)
    return finish_scored(outcome, console)
