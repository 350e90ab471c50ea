"""`bench report`: the reports of a finished run, written again without loading a model."""

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli import options


def report(
    run: options.Run = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            envvar="BENCH_REPORT_MODEL",
            metavar="NAME",
            help="Only this candidate of the run: its name, its id, or a pattern such as 'superb/*'. Repeatable.",
            show_default=False,
        ),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(
            "--corpus",
            envvar="BENCH_REPORT_CORPUS",
            metavar="NAME",
            help="Only this corpus of the run, or a pattern. Repeatable.",
            show_default=False,
        ),
    ] = None,
    min_emotions: Annotated[
        int | None,
        typer.Option(
            "--min-emotions",
            envvar="BENCH_MIN_EMOTIONS",
            metavar="N",
            min=1,
            help="Leave out the scores of candidates that distinguish fewer emotions. Default: as the run did.",
            show_default=False,
        ),
    ] = None,
    merge: options.Merge = None,
    merge_preset: options.MergePreset = None,
    focus: options.Focus = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            envvar="BENCH_BY",
            metavar="COLUMN",
            help="Score the parts of each corpus by this column of it, beside sex, language and duration. Repeatable.",
            show_default=False,
        ),
    ] = None,
    rank_seen: options.RankSeen = False,
    relabel: Annotated[
        list[str] | None,
        typer.Option(
            "--relabel",
            envvar="BENCH_RELABEL",
            metavar="NAME|SPEC",
            help="Read the labels of this corpus again, such as table:clips.csv with corrected ones; clips belong "
            "together by their names. No audio is read. Repeatable.",
            show_default=False,
        ),
    ] = None,
    candidates: options.Candidates = None,
    output: options.Output = Path("reports"),
    embed_audio: Annotated[
        int,
        typer.Option(
            "--embed-audio",
            envvar="BENCH_EMBED_AUDIO",
            metavar="N",
            min=0,
            help="Put the recordings of N clips of each corpus into leaderboard.html, where they still are.",
        ),
    ] = 0,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Write all reports of a finished run again, of all of it or of a part, without loading a model.

    Writes leaderboard.html, .md, .csv and .json, and predictions.parquet, from what is stored: what a run has answered
    is scored with other merges, other labels, or without some candidates, in seconds.
    """
    from benchmark.api.report import report as write_reports
    from benchmark.cli.console import ConsoleProgress
    from benchmark.cli.summaries import finish_scored, tell_run

    outcome = write_reports(
        run,
        models=model or (),
        corpora=corpus or (),
        min_emotions=min_emotions,
        merge=merge or (),
        merge_preset=merge_preset,
        focus=focus or (),
        by=by or (),
        rank_seen=rank_seen,
        relabel=relabel or (),
        candidates=candidates,
        output=output,
        embed_audio=embed_audio,
        progress=ConsoleProgress(quiet=quiet),
    )
    tell_run(outcome.record, quiet=quiet)
    finish_scored(outcome, as_json=as_json, quiet=quiet)
