"""`bench compare`: compare two runs."""

from benchmark.options.declare import command
from benchmark.options.report_commands import CompareRequest
from benchmark.options.shared import QuietOptions


@command
def compare(*, options: CompareRequest, console: QuietOptions) -> int:
    """Say what changed between two runs, as Markdown for a pull request.

    Scores are compared on the clips that both runs have, with intervals over speakers, where predictions.parquet or the
    stored answers of both are there. Loads no model. Exits 1 where a gate fails or a run
    is incomplete.
    """
    from benchmark.api.compare import compare_with
    from benchmark.cli.console import print_note
    from benchmark.cli.markdown import print_markdown
    from benchmark.cli.summaries import print_problems
    from benchmark.reporting.compare import comparison_markdown
    from benchmark.reporting.csv_and_json import model_json
    from benchmark.reporting.next_steps import after_comparison

    outcome = compare_with(options)
    if console.as_json:
        print(model_json(outcome.comparison), end="")
    else:
        print_markdown(comparison_markdown(outcome.comparison))
    if not console.quiet:
        print_note(after_comparison(outcome.comparison, outcome.files))
    return print_problems(outcome)
