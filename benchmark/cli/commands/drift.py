"""`bench drift`: whether new recordings are like those that a model was chosen on."""

from dataclasses import replace

from benchmark.options.declare import command
from benchmark.options.model_commands import DriftRequest
from benchmark.options.shared import ConsoleOptions


@command
def drift(*, options: DriftRequest, console: ConsoleOptions) -> int:
    """Compare new recordings with those of the run that chose a model, and say how many labels settle a doubt.

    Level, noise, duration, bandwidth and speech. Where the model's answers to the new recordings are stored, from a
    `bench run` on them, also answers, confidence, and how often each emotion occurs. Loads no emotion model, and writes
    drift.md and drift.json. Exits 1 where nothing can be compared; for drift, only with --strict.
    """
    from benchmark.corpora.spec_syntax import require_corpora

    require_corpora([options.corpus], options.candidates)
    from benchmark.api.drift import drift_with
    from benchmark.cli.console import open_console
    from benchmark.cli.markdown import print_markdown
    from benchmark.cli.summaries import finish, print_run
    from benchmark.reporting.csv_and_json import model_json
    from benchmark.reporting.drift import drift_markdown

    outcome = drift_with(replace(options, progress=open_console(console)))
    print_run(outcome.record, quiet=console.quiet)
    if console.as_json:
        print(model_json(outcome.drift), end="")
    else:
        print_markdown(drift_markdown(outcome.drift))
    return finish(outcome, quiet=console.quiet)
