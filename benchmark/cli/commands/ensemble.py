"""`bench ensemble`: score several candidates of a finished run as one."""

from benchmark.options.declare import command
from benchmark.options.report_commands import EnsembleRequest
from benchmark.options.shared import QuietOptions


@command
def ensemble(*, options: EnsembleRequest, console: QuietOptions) -> int:
    """Let several candidates of a finished run vote, and show them as a row of their own.

    Each votes with its probabilities, on the emotions it has a name for. Loads no model; latencies are summed.
    Writes leaderboard.html, .md, .csv and .json again, with that row. Exits 1 where the ensemble could not be scored,
    or the run is incomplete.
    """
    from benchmark.api.choose import ensemble_with
    from benchmark.cli.summaries import finish_scored, print_run

    outcome = ensemble_with(options)
    print_run(outcome.record, quiet=console.quiet)
    return finish_scored(outcome, console, run=options.run)
