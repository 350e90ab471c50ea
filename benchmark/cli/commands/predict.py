"""`bench predict`: show the emotions that models predict over the time of recordings."""

from typing import TYPE_CHECKING

from benchmark.options.declare import command
from benchmark.options.model_commands import PredictRequest, TimelineFiles, TimelineOptions
from benchmark.options.shared import ConsoleOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.results.timelines import Timeline, Timelines


@command
def predict(*, options: TimelineOptions, files: TimelineFiles, console: ConsoleOptions) -> int:
    """Show what a model hears in recordings of any length, window after window.

    Verifies the model first, and refuses one that is no working emotion classifier. Probabilities are the model's own,
    but for --tuned; nothing is smoothed. Exits 1 where a recording or a model was left out, 2 or 3 where all were.
    """
    from benchmark.cli.timelines import timeline_file
    from benchmark.settings import expanded

    models, recordings = _split(files.names, files.models)
    file = timeline_file(files.output, files.form, as_json=console.as_json, rows=files.rows)
    file.check(several=len(models) > 1 or len(recordings) > 1 or expanded(recordings[0]).is_dir())

    if any(expanded(recording).exists() for recording in recordings):
        from benchmark.settings import Settings
        from benchmark.workers.process import start_server

        start_server(Settings().temporary)

    from benchmark.api.predict import predict_with
    from benchmark.cli.console import open_console
    from benchmark.cli.summaries import print_problems

    progress = open_console(console)
    caller = {"progress": progress, "confirm": progress.confirm}
    outcome = predict_with(PredictRequest(models, recordings, **{**vars(options), **caller}))
    file.write(outcome.result, quiet=console.quiet)
    for caution in _cautions(outcome.result):
        progress.note(caution)
    return print_problems(outcome)


def _split(names: "Sequence[str]", models: "Sequence[str]") -> "tuple[Sequence[str], Sequence[str]]":
    """Separate models and recordings: without -m, the first argument is the model."""
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
    """Cautions about single models, and about all probabilities."""
    from benchmark.reporting.escaping import plain_text
    from benchmark.reporting.timelines import engine_note, tuning_note

    by_model: dict[str, list[Timeline]] = {}
    for timeline in result.timelines:
        by_model.setdefault(timeline.model, []).append(timeline)
    cautions = [note for timelines in by_model.values() if (note := engine_note(timelines))]
    for timeline in result.timelines:
        if timeline.status == "repaired":
            cautions.append(
                f"{timeline.model} is repaired: its head was rebuilt from the checkpoint's own weights, and nothing "
                "here confirms that it answers as its authors meant."
            )
        if timeline.multi_label:
            cautions.append(f"{timeline.model} was trained with several labels at a time; its outputs compete here.")
        cautions += [f"{timeline.model}: {note}" for note in timeline.notes]
        if timeline.tuning is not None:
            cautions.append(tuning_note(timeline))
    if any(timeline.windows and timeline.tuning is None for timeline in result.timelines):
        cautions.append(
            "The probabilities are the models' own and not calibrated: 0.9 need not mean right nine times in ten."
        )
    return [plain_text(caution) for caution in dict.fromkeys(cautions)]
