"""`bench verify`: which candidates are working emotion classifiers."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options


def verify(
    candidates: options.Candidates = None,
    model: options.Models = None,
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

    Loads each through AutoModelForAudioClassification in a process of its own, and writes
    verification.md, .csv and .json.
    """
    from benchmark import api
    from benchmark.cli.console import ConsoleProgress, set_up_logging
    from benchmark.cli.summaries import finish, print_verification
    from benchmark.reporting.json_documents import verification_json

    set_up_logging(verbose=verbose, log_file=log_file)
    outcome = api.verify(
        candidates,
        models=model or (),
        output=output,
        jobs=jobs,
        strict=strict,
        refresh=refresh,
        progress=ConsoleProgress(quiet=quiet),
    )
    if as_json:
        typer.echo(verification_json(outcome.report), nl=False)
    else:
        print_verification(outcome.report)
    finish(outcome, quiet=quiet)
