"""`bench publish`: prepare the results of a run for the Hub, and send them with --push."""

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from benchmark.options.declare import command
from benchmark.options.report_commands import PublishRequest
from benchmark.options.shared import QuietOptions

if TYPE_CHECKING:
    from benchmark.api.publish import PublishOutcome


@command
def publish(*, options: PublishRequest, console: QuietOptions) -> int:
    """Prepare the results of a finished run for the Hub, and show them; send them only with --push.

    Written are a dataset (card, leaderboard as CSV, JSON and Parquet) and for each model .eval_results and model-index.
    No clip, no speaker, no path and no audio is in them. Loads no model. Exits 1 where not all could be sent.
    """
    from benchmark.api.publish import publish_with
    from benchmark.cli.console import ConsoleProgress, print_note
    from benchmark.cli.summaries import print_problems
    from benchmark.reporting.escaping import json_text

    outcome = publish_with(replace(options, confirm=ConsoleProgress().confirm))
    if console.as_json:
        plain = asdict(outcome) | {"files": [str(path) for path in outcome.files]}
        print(json_text(json.dumps(plain, ensure_ascii=False, indent=2)))
    else:
        _print(outcome)
    if not console.quiet:
        for name, reason in outcome.left_out.items():
            print_note(f"Not published: {name}, since {reason}.")
        if not options.push:
            print_note("Nothing was sent: look at the files, then add --push.")
    return print_problems(outcome)


def _print(outcome: "PublishOutcome") -> None:
    from benchmark.cli.tables import print_line

    for path in outcome.files:
        print_line(str(path))
    print_line(f"dataset {outcome.repo}; corpora that are named in it: {', '.join(outcome.corpora)}")
    if outcome.models:
        print_line(f"results for {', '.join(outcome.models)}")
    for sent in outcome.sent:
        how = "proposed to" if sent.proposed else "written to"
        print_line(f"{how} {sent.repo}: {sent.url}{f' ({sent.note})' if sent.note else ''}")
