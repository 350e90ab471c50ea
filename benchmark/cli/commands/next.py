"""`bench next`: which clips to label next."""

from benchmark.options.declare import command
from benchmark.options.report_commands import NextRequest
from benchmark.options.shared import QuietOptions


@command
def next(*, options: NextRequest, console: QuietOptions) -> int:
    """Choose the clips to label next, from stored answers, as a table to fill in and a page that plays them.

    `bench run --corpus table:FILE.csv` takes the table when its column `label` is filled in; stored answers are not
    computed again. With --for pick it says who may still be the best, and no scores. Loads no model.
    """
    from benchmark.api.next_clips import next_clips_with
    from benchmark.cli.console import print_note
    from benchmark.cli.summaries import print_problems, print_run
    from benchmark.cli.tables import print_line
    from benchmark.reporting.csv_and_json import model_json
    from benchmark.reporting.next_clips import chosen_summary

    outcome = next_clips_with(options)
    print_run(outcome.record, quiet=console.quiet)
    if console.as_json:
        print(model_json(outcome.chosen), end="")
    else:
        for line in chosen_summary(outcome.chosen, outcome.files).splitlines():
            print_line(line)
    if not console.quiet:
        print_note("Files: " + ", ".join(map(str, outcome.files)))
    return print_problems(outcome)
