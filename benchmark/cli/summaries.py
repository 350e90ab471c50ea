"""What a command prints at its end: the result in short, the files and the problems."""

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from benchmark.cli.console import print_error, print_note
from benchmark.cli.markdown import print_markdown
from benchmark.cli.tables import Column, print_table, result_console
from benchmark.options.shared import QuietOptions
from benchmark.reporting.csv_and_json import leaderboard_json
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.leaderboard_markdown import answers
from benchmark.reporting.leaderboard_tables import is_at_least
from benchmark.reporting.numbers import counted, formatted, fraction, moment, rank_range, with_interval
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.leaderboard_columns import Shown, shown_in
from benchmark.results.runs import RunRecord
from benchmark.results.status import Verdict
from benchmark.results.verification import VerificationReport

if TYPE_CHECKING:
    from benchmark.api.outcomes import Outcome, ScoredOutcome


def print_run(record: RunRecord, *, quiet: bool) -> None:
    """Name the finished run that a result is based on: the latest in the store may be of another folder."""
    if not quiet:
        print_note(f"From the run of {moment(record.created)} on {record.registry}")


def finish_scored(outcome: "ScoredOutcome", console: QuietOptions) -> int:
    """Print the leaderboard as JSON, or as tables, an answer in words and what to do next; return the exit code."""
    if console.as_json:
        print(leaderboard_json(outcome.leaderboard), end="")
    else:
        print_leaderboard(outcome.leaderboard)
        if outcome.leaderboard.rows:
            print_markdown("\n\n".join(answers(outcome.leaderboard)) + "\n")
    code = finish(outcome, quiet=console.quiet)
    page = next((path for path in outcome.files if path.suffix == ".html"), None)
    if page is not None and code == 0 and not console.quiet:
        is_ranked = any(row.rank is not None for row in outcome.leaderboard.rows)
        print_note(f"Open {page}" + (", and choose by `bench recommend`." if is_ranked else "."))
    return code


def finish(outcome: "Outcome", *, quiet: bool) -> int:
    """Print the files and problems; return the exit code."""
    if not quiet:
        print_note("Reports: " + ", ".join(str(path) for path in outcome.files))
    return print_problems(outcome)


def print_problems(outcome: "Outcome") -> int:
    """Print the problems; return the exit code."""
    for problem in outcome.problems:
        print_error(problem)
    return outcome.exit_code


def print_verification(report: VerificationReport) -> None:
    """Print a line per candidate, the usable ones with most emotions first, and the counts."""
    verdicts = list(Verdict)
    ordered = sorted(
        report.candidates,
        key=lambda candidate: (verdicts.index(candidate.verdict), -len(candidate.emotion_classes)),
    )
    print_table(
        ["candidate", "status", Column("emotions", number=True), "why"],
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
    if surprises := [candidate for candidate in report.candidates if candidate.surprising]:
        print_table(
            ["candidate", "expected", "found", "why"],
            [(surprise.candidate, surprise.expect or "", surprise.status, surprise.reason) for surprise in surprises],
            title="Not as the registry expects",
        )
    by_verdict = Counter(candidate.verdict for candidate in ordered)
    by_status = Counter(candidate.status.value for candidate in ordered)
    listed = ", ".join(f"{by_verdict[verdict]} {verdict.value}" for verdict in Verdict if by_verdict[verdict])
    details = ", ".join(f"{count} {status}" for status, count in by_status.most_common())
    result_console().print(f"{counted(len(ordered), 'candidate')}: {listed} ({details})")


def print_leaderboard(leaderboard: Leaderboard) -> None:
    """Print what is missing, a table per corpus, and one line for every candidate that was not evaluated."""
    if leaderboard.gaps:
        result_console().print(Text(plain_text(f"The run is incomplete: {leaderboard.gaps}.")), soft_wrap=True)
    columns = [
        Column(column.long_title or column.title, number=column.is_number) for column in shown_in(Shown.TERMINAL)
    ]
    for corpus in leaderboard.corpora:
        rows = [_cells(row) for row in leaderboard.rows if row.corpus == corpus.name]
        title = f"{corpus.name}: {counted(corpus.clips, 'clip')}" + (" (synthetic voices)" if corpus.synthetic else "")
        if corpus.available_clips > corpus.clips + len(corpus.unreadable):
            title += f" of {corpus.available_clips}: limited by --limit or --sample"
        if any(is_at_least(row.interval) for row in leaderboard.rows if row.corpus == corpus.name):
            title += "; intervals are over clips, at least so wide"
        print_table(columns, rows, title=title)
    print_table(
        ["not evaluated", "status", "why"],
        [
            (candidate.candidate, "fallback" if candidate.fallback else candidate.status, candidate.reason)
            for candidate in leaderboard.not_evaluated
        ],
    )
    for candidate, failure in leaderboard.failures.items():
        result_console().print(Text(plain_text(f"{candidate}: {failure}")), soft_wrap=True)


def _cells(row: LeaderboardRow) -> list[str]:
    special = {
        "rank": rank_range(row.rank, row.rank_high),
        "uar": with_interval(row.uar, row.uar_low, row.uar_high),
        "top_emotion": f"{row.top_emotion} {fraction(row.top_share)}" if row.top_emotion else "",
        "flags": " ".join(row.flags),
    }
    return [
        special[column.field] if column.field in special else formatted(getattr(row, column.field), column.format)
        for column in shown_in(Shown.TERMINAL)
    ]
