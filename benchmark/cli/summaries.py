"""What a command prints at its end: the result in short, where the reports lie, and how it went."""

from collections import Counter
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.text import Text

from benchmark.cli.console import print_error, print_note
from benchmark.cli.tables import Column, print_table, result_console
from benchmark.options.shared import QuietOptions
from benchmark.reporting.csv_and_json import leaderboard_json
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.numbers import counted, formatted, fraction, moment, with_interval
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.leaderboard_columns import Shown, shown_in
from benchmark.results.runs import RunRecord
from benchmark.results.status import Verdict
from benchmark.results.verification import VerificationReport


class Outcome(Protocol):
    """What a verb of the API comes back with."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The reports that were written."""

    @property
    def exit_code(self) -> int:
        """What to exit with."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Why that is not 0."""


class ScoredOutcome(Outcome, Protocol):
    """What a verb comes back with that has scored a run."""

    @property
    def leaderboard(self) -> Leaderboard:
        """Every candidate, with its scores or the reason why it has none."""


def print_run(record: RunRecord, *, quiet: bool) -> None:
    """Say which finished run a result rests on: the latest in the store may be of another folder."""
    if not quiet:
        print_note(f"From the run of {moment(record.created)} on {record.registry}")


def finish_scored(outcome: ScoredOutcome, console: QuietOptions) -> int:
    """Print the leaderboard as data or as tables, and finish."""
    if console.as_json:
        print(leaderboard_json(outcome.leaderboard), end="")
    else:
        print_leaderboard(outcome.leaderboard)
    return finish(outcome, quiet=console.quiet)


def finish(outcome: Outcome, *, quiet: bool) -> int:
    """Say where the reports are and what is not as asked; give the exit code."""
    if not quiet:
        print_note("Reports: " + ", ".join(str(path) for path in outcome.files))
    for problem in outcome.problems:
        print_error(problem)
    return outcome.exit_code


def print_verification(report: VerificationReport) -> None:
    """Print a line per candidate, the usable ones with most emotions first, and the counts."""
    console = result_console()
    order = {verdict: place for place, verdict in enumerate(Verdict)}
    ordered = sorted(
        report.candidates, key=lambda candidate: (order[candidate.verdict], -len(candidate.emotion_classes))
    )
    print_table(
        console,
        [Column("candidate"), Column("status"), Column("emotions", number=True), Column("why")],
        [
            (
                candidate.candidate,
                candidate.status.value,
                str(len(candidate.emotion_classes)) if candidate.labels else "",
                ", ".join(candidate.emotion_classes) if candidate.verdict is Verdict.USABLE else candidate.reason,
            )
            for candidate in ordered
        ],
    )
    _print_surprises(console, report)
    counts = Counter(candidate.status.value for candidate in ordered)
    verdicts = Counter(candidate.verdict.value for candidate in ordered)
    console.print(
        f"{counted(len(ordered), 'candidate')}: "
        + ", ".join(f"{verdicts[verdict.value]} {verdict.value}" for verdict in Verdict if verdicts[verdict.value])
        + " ("
        + ", ".join(f"{count} {status}" for status, count in counts.most_common())
        + ")"
    )


def _print_surprises(console: Console, report: VerificationReport) -> None:
    surprises = [candidate for candidate in report.candidates if candidate.surprising]
    if surprises:
        print_table(
            console,
            [Column("candidate"), Column("expected"), Column("found"), Column("why")],
            [
                (candidate.candidate, candidate.expect or "", candidate.status, candidate.reason)
                for candidate in surprises
            ],
            title="Not as the registry expects",
        )


def print_leaderboard(leaderboard: Leaderboard) -> None:
    """Print a table per corpus, and one line for every candidate that was not evaluated."""
    console = result_console()
    for corpus in leaderboard.corpora:
        rows = [row for row in leaderboard.rows if row.corpus == corpus.name]
        title = f"{corpus.name}: {counted(corpus.clips, 'clip')}" + (" (synthetic voices)" if corpus.synthetic else "")
        if corpus.available_clips > corpus.clips + len(corpus.unreadable):
            title += f" of {corpus.available_clips}: limited by --limit or --sample"
        print_table(console, _COLUMNS, [_cells(row) for row in rows], title=title)
    _print_others(console, leaderboard)


_COLUMNS = tuple(
    Column(column.long_title or column.title, number=column.is_number) for column in shown_in(Shown.TERMINAL)
)


def _cells(row: LeaderboardRow) -> tuple[str, ...]:
    special = {
        "uar": with_interval(row.uar, row.uar_low, row.uar_high),
        "top_emotion": f"{row.top_emotion} {fraction(row.top_share)}" if row.top_emotion else "",
        "flags": " ".join(row.flags),
    }
    return tuple(
        special[column.field] if column.field in special else formatted(getattr(row, column.field), column.format)
        for column in shown_in(Shown.TERMINAL)
    )


def _print_others(console: Console, leaderboard: Leaderboard) -> None:
    if leaderboard.not_evaluated:
        print_table(
            console,
            [Column("not evaluated"), Column("status"), Column("why")],
            [
                (candidate.candidate, "fallback" if candidate.fallback else candidate.status, candidate.reason)
                for candidate in leaderboard.not_evaluated
            ],
        )
    for candidate, failure in leaderboard.failures.items():
        console.print(Text(plain_text(f"{candidate}: {failure}")), soft_wrap=True)
