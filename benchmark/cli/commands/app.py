"""`bench app`: ask candidates by voice, in a page on this machine."""

from typing import TYPE_CHECKING

from benchmark.options.declare import command
from benchmark.options.model_commands import AppRequest
from benchmark.options.shared import ConsoleOptions

if TYPE_CHECKING:
    from benchmark.app.serve import RunningApp


@command
def app(*, options: AppRequest, console: ConsoleOptions) -> int:
    """Open a page on this machine in which recordings are uploaded or spoken, and candidates answer.

    Offers the candidates of the latest run, the pick first, or those of --candidates or -m. Nothing leaves the machine.
    Programs ask the endpoint /predict. Ends with Ctrl-C. Needs the extra `app`.
    """
    from benchmark.app.environment import require_free, require_gradio, silence_telemetry

    require_gradio()
    if options.port is not None:
        require_free(options.port)
    silence_telemetry()
    from dataclasses import replace

    from benchmark.cli.console import open_console, print_note
    from benchmark.settings import Settings
    from benchmark.workers.process import start_server

    start_server((options.settings or Settings()).temporary)
    from benchmark.app.serve import serve

    progress = open_console(console)

    def announce(running: "RunningApp") -> None:
        for refused in running.refused:
            progress.note(f"{refused.model} is {refused.status}, and is not offered: {refused.reason}")
        if console.as_json:
            _print_json(running)
        elif not console.quiet:
            print_note(f"Open {running.address} in a browser; Ctrl-C ends the app.")

    serve(replace(options, progress=progress, confirm=progress.confirm), progress, announce)
    return 0


def _print_json(running: "RunningApp") -> None:
    from dataclasses import asdict

    from benchmark.reporting.csv_and_json import json_document

    refused = [own.model_dump(mode="json") for own in running.refused]
    print(json_document({**asdict(running), "refused": refused}), end="", flush=True)
