"""`bench compare`: what changed between two runs, for a pull request, with gates for a CI."""

from typing import Annotated

from cyclopts import Parameter

from benchmark.options.declare import Flat
from benchmark.options.groups import RESULT, QuietOptions
from benchmark.options.stored import CompareOptions, CompareRequest


def compare(
    old: Annotated[
        str,
        Parameter(
            group=RESULT,
            name="OLD",
            help="The run before: a folder of reports, or the name or the file of a run.",
        ),
    ],
    new: Annotated[str, Parameter(group=RESULT, name="NEW", help="The run after.")],
    /,
    *,
    options: Flat[CompareOptions] = CompareOptions(),
    console: Flat[QuietOptions] = QuietOptions(),
) -> int:
    """Say what changed between two runs, as Markdown for a pull request.

    Scores are compared on the clips that both runs have, with intervals over speakers, where predictions.parquet or the
    stored answers of both are there. Loads no model. Exits 1 where a gate fails.
    """
    from benchmark.api.compare import compare_with
    from benchmark.cli.console import print_error, print_note
    from benchmark.reporting.compare import comparison_json, comparison_markdown

    outcome = compare_with(CompareRequest(old, new, **vars(options)))
    write = comparison_json if console.as_json else comparison_markdown
    print(write(outcome.comparison), end="")
    if outcome.files and not console.quiet:
        print_note(f"Comparison: {outcome.files[0]}")
    for problem in outcome.problems:
        print_error(problem)
    return outcome.exit_code
