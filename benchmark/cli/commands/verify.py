"""`bench verify`: check which candidates are working emotion classifiers."""

from dataclasses import replace

from benchmark.options.declare import command
from benchmark.options.model_commands import VerifyRequest
from benchmark.options.shared import ConsoleOptions


@command
def verify(*, options: VerifyRequest, console: ConsoleOptions) -> int:
    """Find out which candidates are working emotion classifiers, and why the others are not.

    Reads configuration and tensor names of each first; loads those that are undecided then through
    AutoModelForAudioClassification, in a process of its own, and asks them. Writes verification.md, .csv and .json.
    """
    from benchmark.settings import Settings
    from benchmark.workers.process import start_server

    # The server imports torch while this process does its own imports.
    if options.depth != "inspect":
        start_server(Settings().temporary)

    from benchmark.api.verify import verify_with
    from benchmark.cli.console import open_console
    from benchmark.cli.summaries import finish, print_verification, run_command
    from benchmark.reporting.csv_and_json import verification_json
    from benchmark.reporting.next_steps import after_verification

    progress = open_console(console)
    outcome = verify_with(replace(options, progress=progress, confirm=progress.confirm))
    if console.as_json:
        print(verification_json(outcome.report), end="")
    else:
        print_verification(outcome.report)
    then = after_verification(outcome.report, run_command(options, "FOLDER"))
    return finish(outcome, quiet=console.quiet, then=then)
