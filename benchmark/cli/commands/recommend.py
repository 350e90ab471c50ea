"""`bench recommend`: choose a candidate from a finished run."""

from benchmark.options.declare import command
from benchmark.options.report_commands import RecommendRequest
from benchmark.options.shared import QuietOptions


@command
def recommend(*, options: RecommendRequest, console: QuietOptions) -> int:
    """Choose from a finished run: the pick, the Pareto front, and what speaks against each other candidate.

    Loads no model. Collapsed, at-chance, cannot-tell and label-permuted candidates, and scores on training data,
    never count. Exits 1 where nobody keeps to what is asked for, or the run is incomplete.
    """
    from benchmark.api.choose import recommend_with
    from benchmark.cli.console import print_note
    from benchmark.cli.markdown import print_markdown
    from benchmark.cli.summaries import print_problems, print_run
    from benchmark.reporting.csv_and_json import model_json
    from benchmark.reporting.next_steps import after_recommendation
    from benchmark.reporting.recommend import recommendation_markdown

    outcome = recommend_with(options)
    print_run(outcome.record, quiet=console.quiet)
    if console.as_json:
        print(model_json(outcome.recommendation), end="")
    else:
        print_markdown(recommendation_markdown(outcome.recommendation))
    pick = next((own for own in outcome.record.verifications if own.candidate == outcome.recommendation.pick), None)
    if pick is not None and not console.quiet:
        print_note(after_recommendation(pick, outcome.files, options.run))
    return outcome.exit_code if outcome.complete else print_problems(outcome)
