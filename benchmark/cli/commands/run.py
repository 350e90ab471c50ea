"""`bench run`: measure the usable candidates on corpora."""

from dataclasses import replace

from benchmark.options.declare import command
from benchmark.options.model_commands import RunRequest
from benchmark.options.shared import ConsoleOptions


@command
def run(*, options: RunRequest, console: ConsoleOptions) -> int:
    """Measure the usable candidates on your audio: how right, how fast, how varied.

    Verifies first what is not verified yet, and writes leaderboard.html, .md, .csv and .json, predictions.parquet, and
    verification.md, .csv and .json.
    """
    from benchmark.corpora.spec_syntax import require_corpora

    require_corpora(options.corpora, options.candidates)
    from benchmark.api.run import run_with
    from benchmark.cli.console import open_console
    from benchmark.cli.summaries import finish_scored

    progress = open_console(console)
    outcome = run_with(replace(options, progress=progress, confirm=progress.confirm))
    return finish_scored(outcome, console)
