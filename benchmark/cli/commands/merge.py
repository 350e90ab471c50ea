"""`bench merge`: the reports of a run that several machines have shared."""

from dataclasses import replace

from benchmark.options.declare import command
from benchmark.options.report_commands import MergeRequest
from benchmark.options.shared import QuietOptions


@command
def merge(*, options: MergeRequest, console: QuietOptions) -> int:
    """Join the shards of a run (bench run --shard), and write its reports; no model is loaded.

    Copies what the shards have answered into the cache of this command and writes the same files as the undivided run.
    Exits 1 and names the shards where some are missing.
    """
    from benchmark.api.shards import merge_with
    from benchmark.cli.console import ConsoleProgress
    from benchmark.cli.summaries import finish_scored

    outcome = merge_with(replace(options, progress=ConsoleProgress(quiet=console.quiet)))
    return finish_scored(outcome, console)
