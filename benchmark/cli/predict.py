"""`bench predict`: what models hear in any recording, over time."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options
from benchmark.cli.completion import complete_candidates

if TYPE_CHECKING:
    from benchmark.results.timelines import Timelines


class Format(StrEnum):
    """How the answer is written."""

    CHART = "chart"
    JSON = "json"
    CSV = "csv"
    AUDACITY = "audacity"


class Device(StrEnum):
    """Where models run."""

    CPU = "cpu"
    CUDA = "cuda"


def predict(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL FILE…",
            help="A name or id of the registry, a Hub id or a local folder; then recordings, or folders of such. "
            "Where -m names the models, all of these are recordings.",
            show_default=False,
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            envvar="BENCH_PREDICT_MODEL",
            metavar="ID",
            help="A model to ask, instead of a first argument. Repeatable: several are shown side by side.",
            show_default=False,
            autocompletion=complete_candidates,
        ),
    ] = None,
    candidates: options.Candidates = None,
    window: Annotated[
        float | None,
        typer.Option(
            "--window",
            envvar="BENCH_WINDOW",
            metavar="S",
            min=0.1,
            help="Seconds that the model hears at once. Default: 3, or what it reads at most where that is less.",
            show_default=False,
        ),
    ] = None,
    hop: Annotated[
        float | None,
        typer.Option(
            "--hop",
            envvar="BENCH_HOP",
            metavar="S",
            min=0.01,
            help="Seconds from one window to the next. Default: 1, or a window where that is less.",
            show_default=False,
        ),
    ] = None,
    channel: Annotated[
        options.ChannelName,
        typer.Option("--channel", envvar="BENCH_CHANNEL", help="What of stereo recordings is heard."),
    ] = options.ChannelName.MIX,
    merge: options.Merge = None,
    merge_preset: options.MergePreset = None,
    device: Annotated[Device, typer.Option("--device", envvar="BENCH_PREDICT_DEVICE", help="Where to run.")] = (
        Device.CPU
    ),
    repair_heads: options.RepairHeads = True,
    max_download_gb: options.MaxDownload = None,
    shape: Annotated[
        Format | None,
        typer.Option(
            "--format",
            envvar="BENCH_FORMAT",
            help="How to write the answer; audacity is a label track. Default: chart, or as the name after -o ends.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            envvar="BENCH_PREDICT_OUTPUT",
            metavar="FILE|FOLDER",
            help="Write there instead of standard output; a folder gets a file for each recording's label track.",
            show_default=False,
        ),
    ] = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log_file: options.LogFile = None,
) -> None:
    """Show what a model hears in recordings of any length, window after window.

    Verifies the model first, and refuses one that is no working emotion classifier. Probabilities are the model's own:
    nothing is smoothed, nothing calibrated. Exits 1 where a recording or a model was left out, 2 or 3 where all were.
    """
    from benchmark.cli.timeline_output import chosen_output
    from benchmark.settings import expanded

    models, recordings = _split(names, model or [])
    wanted = chosen_output(output, None if shape is None else shape.value, as_json=as_json)
    wanted.check(several=len(models) > 1 or len(recordings) > 1 or expanded(recordings[0]).is_dir())

    if any(expanded(recording).exists() for recording in recordings):
        from benchmark.workers.process import start_server

        start_server()  # takes seconds, which a mistyped name should not

    from benchmark.api.predict import predict as ask
    from benchmark.cli.console import ConsoleProgress, print_error, set_up_logging

    set_up_logging(verbose=verbose, log_file=log_file)
    progress = ConsoleProgress(quiet=quiet)
    outcome = ask(
        models,
        recordings,
        candidates=candidates,
        window_seconds=window,
        hop_seconds=hop,
        channel=channel.value,
        merge=merge or (),
        merge_preset=merge_preset,
        device=device.value,
        repair_heads=repair_heads,
        max_download_gb=max_download_gb,
        progress=progress,
        confirm=progress.confirm,
    )
    wanted.write(outcome.result, quiet=quiet)
    for caution in _cautions(outcome.result):
        progress.note(caution)
    for problem in outcome.problems:
        print_error(problem)
    raise typer.Exit(outcome.exit_code)


def _split(names: list[str], models: list[str]) -> tuple[list[str], list[str]]:
    """Tell the model from the recordings: without -m, the first argument is the model."""
    from benchmark.errors import RequestError
    from benchmark.settings import expanded

    if models:
        return models, names
    if len(names) > 1:
        return names[:1], names[1:]
    if expanded(names[0]).is_file():
        raise RequestError(
            f"Which model? Name it before the recording, as in `bench predict MODEL {names[0]}`; "
            "`bench candidates` lists some."
        )
    raise RequestError(f"Which recording? Name one after the model, as in `bench predict {names[0]} call.wav`.")


def _cautions(result: "Timelines") -> list[str]:
    """What a reader has to know of each model, and of all of them."""
    from benchmark.reporting.escaping import plain_text

    told: dict[str, None] = {}
    for timeline in result.timelines:
        if timeline.status == "repaired":
            told[
                f"{timeline.model} is repaired: its head was rebuilt from the checkpoint's own weights, and nothing "
                "here confirms that it answers as its authors meant."
            ] = None
        if timeline.multi_label:
            told[f"{timeline.model} was trained with several labels at a time; its outputs compete here."] = None
        for note in timeline.notes:
            told[f"{timeline.model}: {note}"] = None
    if any(timeline.windows for timeline in result.timelines):
        told["The probabilities are the models' own and not calibrated: 0.9 need not mean right nine times in ten."] = (
            None
        )
    return [plain_text(each) for each in told]
