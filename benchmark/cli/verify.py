"""`bench verify`: which candidates are working emotion classifiers."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options


class HowDeep(StrEnum):
    """How far a verification goes."""

    INSPECT = "inspect"
    LOAD = "load"
    PROBE = "probe"


def verify(
    candidates: options.Candidates = None,
    model: options.Models = None,
    depth: Annotated[
        HowDeep,
        typer.Option(
            "--depth",
            envvar="BENCH_DEPTH",
            help="inspect: without weights, from some kilobytes. load: load those that are undecided then. "
            "probe: ask those that load, too.",
        ),
    ] = HowDeep.PROBE,
    repair_heads: options.RepairHeads = True,
    max_download_gb: options.MaxDownload = None,
    free_cache: Annotated[
        bool,
        typer.Option(
            "--free-cache", envvar="BENCH_FREE_CACHE", help="Delete what this run has downloaded of a model after use."
        ),
    ] = False,
    output: options.Output = Path("reports"),
    jobs: options.Jobs = 1,
    refresh: Annotated[
        bool, typer.Option("--refresh", envvar="BENCH_REFRESH", help="Verify again what a former run has verified.")
    ] = False,
    strict: options.Strict = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log_file: options.LogFile = None,
) -> None:
    """Find out which candidates are working emotion classifiers, and why the others are not.

    Reads configuration and tensor names of each first; loads those that are undecided then through
    AutoModelForAudioClassification, in a process of its own, and asks them. Writes verification.md, .csv and .json.
    """
    from benchmark.workers.process import start_server

    # Importing torch takes this server seconds, which pass while this process does its own imports.
    if depth is not HowDeep.INSPECT:
        start_server()

    from benchmark.api.verify import verify as verify_candidates
    from benchmark.cli.console import ConsoleProgress, set_up_logging
    from benchmark.cli.summaries import finish, print_verification
    from benchmark.reporting.csv_and_json import verification_json

    set_up_logging(verbose=verbose, log_file=log_file)
    progress = ConsoleProgress(quiet=quiet)
    outcome = verify_candidates(
        candidates,
        models=model or (),
        depth=depth.value,
        repair_heads=repair_heads,
        max_download_gb=max_download_gb,
        free_cache=free_cache,
        output=output,
        jobs=jobs,
        strict=strict,
        refresh=refresh,
        progress=progress,
        confirm=progress.confirm,
    )
    if as_json:
        typer.echo(verification_json(outcome.report), nl=False)
    else:
        print_verification(outcome.report)
    finish(outcome, quiet=quiet)
