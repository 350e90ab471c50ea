"""`bench tune`: fit temperature, class prior and thresholds of a candidate on own labelled answers."""

from benchmark.options.declare import command
from benchmark.options.report_commands import TuneRequest
from benchmark.options.shared import QuietOptions


@command
def tune(*, options: TuneRequest, console: QuietOptions) -> int:
    """Fit how far a candidate's confidence can be relied on, and below which confidence it is better to say `none`.

    Reads the labelled answers of a finished run; loads no model. All scores are of speakers that the fit has not seen.
    What helps is stored for `bench predict --tuned`. Writes tuning.md and .json. Exits 1 where tuning does not help,
    the promised error cannot be kept, or there are too few speakers or labels.
    """
    from benchmark.api.tune import tune_with
    from benchmark.cli.markdown import print_markdown
    from benchmark.cli.summaries import finish, print_problems, print_run
    from benchmark.reporting.csv_and_json import model_json
    from benchmark.reporting.tuning import tuning_markdown

    outcome = tune_with(options)
    print_run(outcome.record, quiet=console.quiet)
    if outcome.tuning is None:
        return print_problems(outcome)
    if console.as_json:
        print(model_json(outcome.tuning), end="")
    else:
        print_markdown(tuning_markdown(outcome.tuning))
    return finish(outcome, quiet=console.quiet)
