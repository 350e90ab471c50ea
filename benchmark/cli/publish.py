"""`bench publish`: the results of a run for the Hub; nothing is sent unless --push says so."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options

if TYPE_CHECKING:
    from benchmark.api.publish import PublishOutcome


def publish(
    repo: Annotated[
        str,
        typer.Option(
            "--repo",
            envvar="BENCH_PUBLISH_REPO",
            metavar="OWNER/NAME",
            help="The dataset of results; the results in models' repositories point to it.",
            show_default=False,
        ),
    ],
    run: options.Run = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            envvar="BENCH_PUBLISH_MODEL",
            metavar="NAME",
            help="Only this candidate of the run: a name, an id or a pattern. Repeatable. "
            "Default: all that come from the Hub.",
            show_default=False,
        ),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(
            "--corpus",
            envvar="BENCH_PUBLISH_CORPUS",
            metavar="NAME",
            help="Only this corpus of the run. Repeatable. Default: all that anybody can get; folders and tables of "
            "your own are published only where they are named here.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", envvar="BENCH_PUBLISH_OUTPUT", metavar="FOLDER", help="Where the files are shown."
        ),
    ] = Path("reports/publish"),
    push: Annotated[
        bool,
        typer.Option(
            "--push",
            help="Send them: a commit to the dataset, and a pull request to each model's repository.",
        ),
    ] = False,
    private: Annotated[
        bool,
        typer.Option("--private", envvar="BENCH_PUBLISH_PRIVATE", help="Make a new dataset private."),
    ] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Prepare the results of a finished run for the Hub, and show them; send them only with --push.

    Written are a dataset (card, leaderboard as CSV, JSON and Parquet) and for each model .eval_results and model-index.
    No clip, no speaker, no path and no audio is in them. Loads no model. Exits 1 where not all could be sent.
    """
    from benchmark.api.publish import publish as publish_run
    from benchmark.cli.console import ConsoleProgress, print_error, print_note

    outcome = publish_run(
        repo,
        run=run,
        candidates=model or (),
        corpora=corpus or (),
        output=output,
        push=push,
        private=private,
        confirm=ConsoleProgress().confirm,
    )
    if as_json:
        _print_json(outcome)
    else:
        _print(outcome)
    if not quiet:
        for name, reason in outcome.left_out.items():
            print_note(f"Not published: {name}, since {reason}.")
        if not push:
            print_note("Nothing was sent: look at the files, then add --push.")
    for problem in outcome.problems:
        print_error(problem)
    raise typer.Exit(outcome.exit_code)


def _print(outcome: "PublishOutcome") -> None:
    from benchmark.reporting.escaping import plain_text

    for path in outcome.files:
        typer.echo(plain_text(str(path)))
    typer.echo(plain_text(f"dataset {outcome.repo}; corpora that are named in it: {', '.join(outcome.corpora)}"))
    if outcome.models:
        typer.echo(plain_text(f"results for {', '.join(outcome.models)}"))
    for sent in outcome.sent:
        how = "proposed to" if sent.proposed else "written to"
        typer.echo(plain_text(f"{how} {sent.repo}: {sent.url}{f' ({sent.note})' if sent.note else ''}"))


def _print_json(outcome: "PublishOutcome") -> None:
    import json
    from dataclasses import asdict

    from benchmark.reporting.escaping import json_text

    plain = asdict(outcome) | {"files": [str(path) for path in outcome.files]}
    typer.echo(json_text(json.dumps(plain, ensure_ascii=False, indent=2)))
