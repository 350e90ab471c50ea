"""`bench run`: measure the usable candidates on corpora."""

from dataclasses import replace

from benchmark.errors import RequestError
from benchmark.options.declare import command
from benchmark.options.model_commands import RunCommandRequest
from benchmark.options.shared import ConsoleOptions


@command
def run(*, options: RunCommandRequest, console: ConsoleOptions) -> int:
    """Measure the usable candidates on your audio: how right, how fast, how varied.

    Verifies first what is not verified yet, and writes leaderboard.html, .md, .csv and .json, predictions.parquet, and
    verification.md, .csv and .json.

    With --shard I/N it computes a part and writes no report. With --dimensions it writes another board.
    """
    from benchmark.corpora.spec_syntax import require_corpora

    if options.scale and not options.dimensions:
        raise RequestError("--scale is the range of ratings of dimensions: add --dimensions, or leave it out.")
    require_corpora(options.corpora, options.candidates)
    from benchmark.api.run import run_with
    from benchmark.cli.console import open_console
    from benchmark.cli.summaries import finish_scored

    progress = open_console(console)
    asked = replace(options, progress=progress, confirm=progress.confirm)
    if options.dimensions:
        from benchmark.api.dimensions import run_dimensions_with
        from benchmark.cli.summaries import finish_dimensions

        return finish_dimensions(run_dimensions_with(asked), console)
    if options.shard is None:
        return finish_scored(run_with(asked), console)
    from benchmark.api.shards import run_shard_with
    from benchmark.cli.summaries import finish_shard

    return finish_shard(run_shard_with(asked), console)
