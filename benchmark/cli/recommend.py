"""`bench recommend`: which candidate to take, from what a run has measured."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options


def recommend(
    run: options.Run = None,
    max_latency_ms: Annotated[
        float | None,
        typer.Option(
            "--max-latency-ms",
            envvar="BENCH_MAX_LATENCY_MS",
            metavar="MS",
            min=0.0,
            help="The median time of one segment at most.",
            show_default=False,
        ),
    ] = None,
    min_uar: Annotated[
        float | None,
        typer.Option(
            "--min-uar",
            envvar="BENCH_MIN_UAR",
            metavar="X",
            min=0.0,
            max=1.0,
            help="The lower bound of UAR at least, on every corpus that counts.",
            show_default=False,
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            envvar="BENCH_RECOMMEND_LANGUAGE",
            metavar="CODE",
            help="Only corpora in this language count; what a model's card claims does not.",
            show_default=False,
        ),
    ] = None,
    max_size_mb: Annotated[
        float | None,
        typer.Option(
            "--max-size-mb",
            envvar="BENCH_MAX_SIZE_MB",
            metavar="MB",
            min=0.0,
            help="Megabytes of weight files at most.",
            show_default=False,
        ),
    ] = None,
    licenses: Annotated[
        list[str] | None,
        typer.Option(
            "--license",
            envvar="BENCH_LICENSE",
            metavar="NAME",
            help="A licence to choose from, as the repository declares it, such as apache-2.0. Repeatable.",
            show_default=False,
        ),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(
            "--corpus",
            envvar="BENCH_RECOMMEND_CORPUS",
            metavar="NAME",
            help="Only this corpus of the run counts. Repeatable. Default: all that are labelled.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            envvar="BENCH_RECOMMEND_DEVICE",
            help="What the latency belongs to. Default: the CPU, or what was timed.",
            show_default=False,
        ),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            envvar="BENCH_WRITE",
            metavar="FILE",
            help="Write all that may be chosen into a registry file, each at its verified revision, the pick first.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", envvar="BENCH_FORCE", help="Let --write replace a file.")] = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Choose from a finished run: the pick, the Pareto front, and what speaks against each other candidate.

    Loads no model. Collapsed, at-chance and label-permuted candidates, and scores on what a candidate was trained on,
    never count. Exits 1 where nobody keeps to what is asked for.
    """
    from benchmark.api import choose
    from benchmark.cli.console import print_note
    from benchmark.cli.summaries import tell_run
    from benchmark.reporting.recommend import recommendation_json, recommendation_markdown

    outcome = choose.recommend(
        run,
        max_latency_ms=max_latency_ms,
        min_uar=min_uar,
        language=language,
        max_size_mb=max_size_mb,
        licenses=licenses or (),
        corpora=corpus or (),
        device=device,
        write=write,
        force=force,
    )
    tell_run(outcome.record, quiet=quiet)
    report = recommendation_json if as_json else recommendation_markdown
    typer.echo(report(outcome.recommendation), nl=False)
    if outcome.files and not quiet:
        print_note(f"Registry: {outcome.files[0]}")
    raise typer.Exit(outcome.exit_code)
