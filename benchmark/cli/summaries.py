"""What a command prints at its end: the result in short, the files and the problems."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from benchmark.cli.console import print_error, print_note
from benchmark.cli.markdown import print_markdown
from benchmark.cli.tables import Column, print_line, print_table
from benchmark.options.declare import Options
from benchmark.options.model_commands import RunRequest
from benchmark.options.shared import QuietOptions
from benchmark.reporting.csv_and_json import json_document, leaderboard_json, model_json
from benchmark.reporting.leaderboard_markdown import answers
from benchmark.reporting.leaderboard_tables import is_at_least
from benchmark.reporting.markdown import document
from benchmark.reporting.next_steps import after_run, doubts
from benchmark.reporting.numbers import counted, formatted, fraction, moment, rank_range, signed, with_interval
from benchmark.reporting.verification_markdown import by_verdict, emotion_count, frequent_statuses, verdict_in_short
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.leaderboard_columns import COLUMNS, Shown, shown_in
from benchmark.results.left_out import LeftOut
from benchmark.results.runs import RunRecord
from benchmark.results.status import Verdict
from benchmark.results.verification import VerificationReport

if TYPE_CHECKING:
    from benchmark.api.dimensions import DimensionsOutcome
    from benchmark.api.outcomes import Outcome, ScoredOutcome
    from benchmark.api.shards import ShardOutcome


def print_run(record: RunRecord, *, quiet: bool) -> None:
    """Name the finished run that a result is based on: the latest in the store may be of another folder."""
    if not quiet:
        print_note(f"From the run of {moment(record.created)} on {record.registry}")


def finish_scored(outcome: "ScoredOutcome", console: QuietOptions, *, run: str | None = None) -> int:
    """Print the leaderboard as JSON, or as tables, an answer in words and what to do next; return the exit code."""
    if console.as_json:
        print(leaderboard_json(outcome.leaderboard), end="")
    else:
        print_leaderboard(outcome.leaderboard)
        if outcome.leaderboard.rows:
            print_markdown(document([*answers(outcome.leaderboard), *doubts(outcome.leaderboard)]))
    page = next((path for path in outcome.files if path.suffix == ".html"), None)
    opened = "" if page is None else f"Open {page}. "
    return finish(outcome, quiet=console.quiet, then=f"{opened}{after_run(outcome.leaderboard, run)}".strip())


def finish_shard(outcome: "ShardOutcome", console: QuietOptions) -> int:
    """Print what a shard has computed, without any score, and what comes next; return the exit code."""
    shard = outcome.record
    answers = sum(own.clips for own in shard.ranges.values())
    if console.as_json:
        content = {
            "shard": shard.index,
            "shards": shard.count,
            "complete": outcome.complete,
            "clips": {name: own.clips for name, own in shard.ranges.items()},
            "cache": str(outcome.cache.absolute()),
            "problems": outcome.problems,
        }
        print(json_document(content), end="")
    elif outcome.exit_code == 0:
        candidates = counted(sum(own.clips > 0 for own in shard.ranges.values()), "candidate")
        print_line(f"Shard {shard.index} of {shard.count} is complete: {counted(answers, 'answer')} of {candidates}.")
    if outcome.exit_code == 0 and not console.quiet:
        where, named = (
            (outcome.cache, "CACHE…") if outcome.store is None else (outcome.store, f"--store {outcome.store}")
        )
        print_note(f"Its part is in {where}. When all are done: bench merge {named} -o reports")
    return print_problems(outcome)


def finish_dimensions(outcome: "DimensionsOutcome", console: QuietOptions) -> int:
    """Print a board of dimensions as JSON or as tables; return the exit code."""
    board = outcome.board
    if console.as_json:
        print(model_json(board), end="")
        return finish(outcome, quiet=console.quiet)
    for corpus in board.corpora:
        for dimension in corpus.columns:
            rows = [row for row in board.rows if (row.corpus, row.dimension) == (corpus.corpus, dimension)]
            print_table(
                [
                    "candidate",
                    *(Column(title, number=True) for title in ("ccc", "pearson", "mae", "clips", "answered")),
                ],
                [
                    (
                        row.candidate,
                        with_interval(row.ccc, row.ccc_low, row.ccc_high, signed),
                        with_interval(row.pearson, row.pearson_low, row.pearson_high, signed),
                        with_interval(row.mae, row.mae_low, row.mae_high, signed),
                        f"{row.clips:,}",
                        f"{row.answered:,}",
                    )
                    for row in rows
                ],
                title=f"{corpus.corpus}: {dimension}",
            )
    for row in board.rows:
        if row.note is not None:
            print_line(f"{row.candidate} on {row.corpus}, {row.dimension}: {row.note}.")
    print_table(["not on this board", "why"], list(board.not_evaluated.items()))
    for candidate, failure in board.failures.items():
        print_line(f"{candidate}: {failure}")
    return finish(outcome, quiet=console.quiet)


def finish(outcome: "Outcome", *, quiet: bool, then: str = "") -> int:
    """Print the files, and the problems or else what to do next; return the exit code."""
    if not quiet:
        print_note("Reports: " + ", ".join(str(path) for path in outcome.files))
        if then and outcome.exit_code == 0:
            print_note(then)
    return print_problems(outcome)


def run_command(options: Options, corpus: str) -> str:
    """Write the command line of a run with the options that it shares with another command."""
    shared = {field.name for field in fields(options)} & {field.name for field in fields(RunRequest)}
    return RunRequest(corpora=(corpus,), **{name: getattr(options, name) for name in shared}).command_line("run")


def print_problems(outcome: "Outcome") -> int:
    """Print the problems; return the exit code."""
    for problem in outcome.problems:
        print_error(problem)
    return outcome.exit_code


def print_verification(report: VerificationReport) -> None:
    """Print a line per candidate, the usable ones with most emotions first, and the counts."""
    ordered = by_verdict(report.candidates)
    print_table(
        ["candidate", "status", Column("emotions", number=True), "why"],
        [
            (
                candidate.candidate,
                candidate.status.value,
                emotion_count(candidate),
                verdict_in_short(candidate),
            )
            for candidate in ordered
        ],
    )
    if surprises := [candidate for candidate in report.candidates if candidate.surprising]:
        print_table(
            ["candidate", "expected", "found", "why"],
            [(surprise.candidate, surprise.expect or "", surprise.status, surprise.reason) for surprise in surprises],
            title="Not as the registry expects",
        )
    verdicts = Counter(candidate.verdict for candidate in ordered)
    listed = ", ".join(f"{verdicts[verdict]} {verdict.value}" for verdict in Verdict if verdicts[verdict])
    print_line(f"{counted(len(ordered), 'candidate')}: {listed} ({frequent_statuses(ordered)})")


def print_leaderboard(leaderboard: Leaderboard) -> None:
    """Print what is missing, a table per corpus, and one line for every candidate that was not evaluated."""
    if leaderboard.gaps:
        print_line(f"The run is incomplete: {leaderboard.gaps}.")
    columns = [
        Column(
            column.long_title or column.title,
            number=column.is_number,
            optional=Shown.NARROW_TERMINAL not in column.shown,
        )
        for column in shown_in(Shown.TERMINAL)
    ]
    for corpus in leaderboard.corpora:
        rows = [_cells(row) for row in leaderboard.rows if row.corpus == corpus.name]
        title = f"{corpus.name}: {counted(corpus.clips, 'clip')}" + (" (synthetic voices)" if corpus.synthetic else "")
        if any(is_at_least(row.interval) for row in leaderboard.rows if row.corpus == corpus.name):
            title += "; intervals are over clips, at least so wide"
        print_table(columns, rows, title=title, rest="The reports have all columns.")
        print_left_out(corpus.left_out)
    print_table(
        ["not evaluated", "status", "why"],
        [
            (candidate.candidate, "fallback" if candidate.fallback else candidate.status, candidate.reason)
            for candidate in leaderboard.not_evaluated
        ],
    )
    for candidate, failure in leaderboard.failures.items():
        print_line(f"{candidate}: {failure}")


def print_left_out(lines: Sequence[LeftOut]) -> None:
    """List what was left out of a corpus, or treated specially."""
    if lines:
        print_line("Left out, or treated specially:")
        for line in lines:
            print_line(line.sentence, prefix="- ")
        print_line("")


def _cells(row: LeaderboardRow) -> list[str]:
    special = {
        "rank": rank_range(row.rank, row.rank_high),
        "uar": row.stopped or with_interval(row.uar, *COLUMNS["uar"].ends(row)),
        "compared_uar": with_interval(row.compared_uar, row.uar_low, row.uar_high),
        "top_emotion": f"{row.top_emotion} {fraction(row.top_share)}" if row.top_emotion else "",
        "flags": " ".join(row.flags),
    }
    return [
        special[column.field] if column.field in special else formatted(getattr(row, column.field), column.format)
        for column in shown_in(Shown.TERMINAL)
    ]
