"""`bench plan`: how many speakers and clips a question about candidates needs."""

from benchmark.options.declare import command
from benchmark.options.report_commands import PlanRequest
from benchmark.options.shared import QuietOptions


@command
def plan(*, options: PlanRequest, console: QuietOptions) -> int:
    """Say how many more speakers and clips tell two candidates apart, or the best from the rest.

    From a finished run, with the range that a single run leaves, and what each design costs in labels and in compute
    time; or without a run, from assumptions (--assume-uar). Loads no model. Exits 1 where nothing can be compared, or
    the run is incomplete.
    """
    from benchmark.api.plan import plan_with
    from benchmark.cli.markdown import print_markdown
    from benchmark.cli.summaries import print_problems, print_run
    from benchmark.reporting.csv_and_json import model_json
    from benchmark.reporting.plan import plan_markdown

    outcome = plan_with(options)
    if outcome.record is not None:
        print_run(outcome.record, quiet=console.quiet)
    if console.as_json:
        print(model_json(outcome.plan), end="")
    else:
        print_markdown(plan_markdown(outcome.plan))
    return print_problems(outcome)
