"""`bench compare`: what changed between two runs, for a pull request, with gates for a CI."""

from benchmark.options.report_commands import CompareRequest
from benchmark.options.shared import QuietOptions


def compare(*, options: CompareRequest, console: QuietOptions) -> int:
    """Say what changed between two runs, as Markdown for a pull request.

    Scores are compared on the clips that both runs have, with intervals over speakers, where predictions.parquet or the
    stored answers of both are there. Loads no model. Exits 1 where a gate fails.
    """
    from benchmark.api.compare import compare_with
    from benchmark.cli.console import print_error, print_note
    from benchmark.reporting.compare import comparison_markdown
    from benchmark.reporting.csv_and_json import model_json

    outcome = compare_with(options)
    write = model_json if console.as_json else comparison_markdown
    print(write(outcome.comparison), end="")
    if outcome.files and not console.quiet:
        print_note(f"Comparison: {outcome.files[0]}")
    for problem in outcome.problems:
        print_error(problem)
    return outcome.exit_code
