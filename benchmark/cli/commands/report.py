"""`bench report`: write the reports of a finished run again."""

from dataclasses import replace

from benchmark.options.declare import command
from benchmark.options.report_commands import ReportRequest
from benchmark.options.shared import QuietOptions


@command
def report(*, options: ReportRequest, console: QuietOptions) -> int:
    """Write all reports of a finished run again, of all of it or of a part, without loading a model.

    Writes leaderboard.html, .md, .csv and .json, and predictions.parquet, from what is stored: what a run has answered
    is scored with other merges, other labels, or without some candidates, in seconds.
    """
    from benchmark.api.report import report_with
    from benchmark.cli.console import ConsoleProgress
    from benchmark.cli.summaries import finish_scored, print_run

    outcome = report_with(replace(options, progress=ConsoleProgress(quiet=console.quiet)))
    print_run(outcome.record, quiet=console.quiet)
    return finish_scored(outcome, console, run=options.run)
