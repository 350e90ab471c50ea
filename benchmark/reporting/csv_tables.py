"""`verification.csv` and `leaderboard.csv`: the columns of the report contract, for programs and spreadsheets.

UTF-8, lines end in a line feed, unknown is empty, truth is `true` and `false`, numbers are written so that reading
gives the same number back. Several words in a cell are joined by a space (flags, emotions, languages, corpora); labels,
which may hold spaces, by `;`. What came from outside stands on one line and cannot run as a formula; `.json` has it
unaltered.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence

from benchmark.reporting.escaping import csv_text
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow, NotEvaluated
from benchmark.results.verification import Verification, VerificationReport

Cell = str | bool | int | float | None


def verification_csv(report: VerificationReport) -> str:
    """Write the verdicts as a table, in the registry's order.

    Args:
        report: The verdicts on all candidates.

    Returns:
        The text of a CSV file with a heading; the heading alone without candidates.
    """
    return csv_table(VERIFICATION_COLUMNS, (_verification_cells(candidate) for candidate in report.candidates))


def leaderboard_csv(leaderboard: Leaderboard) -> str:
    """Write all rows of a run as a table, those of candidates that were not evaluated at its end.

    Args:
        leaderboard: The scored run.

    Returns:
        The text of a CSV file with a heading; the heading alone without rows.
    """
    metrics = metric_names(leaderboard.rows)
    columns = (*LEADERBOARD_COLUMNS, *(csv_text(f"metric_{name}") for name in metrics))
    return csv_table(columns, (_leaderboard_cells(row, metrics) for row in complete_rows(leaderboard)))


def metric_names(rows: Iterable[LeaderboardRow]) -> tuple[str, ...]:
    """List what the user's own metrics call their numbers, each once.

    Examples:
        >>> metric_names([LeaderboardRow(candidate="a", metrics={"kappa": 0.5}), LeaderboardRow(candidate="b")])
        ('kappa',)
    """
    return tuple(dict.fromkeys(name for row in rows for name in row.metrics))


def complete_rows(leaderboard: Leaderboard) -> tuple[LeaderboardRow, ...]:
    """List a row for every candidate of the registry: a run never hides one.

    Args:
        leaderboard: The scored run.

    Returns:
        Its rows, then one for each candidate without, which has its status (and `fallback`) in `flags`.
    """
    present = {row.candidate for row in leaderboard.rows}
    return leaderboard.rows + tuple(
        _row_without_scores(candidate) for candidate in leaderboard.not_evaluated if candidate.candidate not in present
    )


VERIFICATION_COLUMNS = (
    *("candidate", "revision", "verdict", "status", "loads", "reason", "emotions", "labels", "architecture", "head"),
    *("parameters", "size_mb", "license", "seconds"),
    # Added to the contract's:
    *("emotion_names", "expect", "id", "languages", "trained_on", "multi_label", "log", "notes"),
    *("batches", "pads"),
)
"""The columns of `verification.csv`."""

LEADERBOARD_COLUMNS = tuple(name for name in LeaderboardRow.model_fields if name != "metrics")
"""The columns of `leaderboard.csv`; those of the user's own metrics, `metric_…`, stand behind them."""


def _row_without_scores(candidate: NotEvaluated) -> LeaderboardRow:
    flags = (candidate.status, "fallback") if candidate.fallback else (candidate.status,)
    return LeaderboardRow(candidate=candidate.candidate, emotions=candidate.emotions or None, flags=flags)


def _leaderboard_cells(row: LeaderboardRow, metrics: Sequence[str]) -> dict[str, Cell]:
    words = {"flags": _words(row.flags), "flag_reasons": _reasons(row.flag_reasons)}
    return row.model_dump() | words | {csv_text(f"metric_{name}"): row.metrics.get(name) for name in metrics}


def _verification_cells(candidate: Verification) -> dict[str, Cell]:
    return {
        "candidate": candidate.candidate,
        "revision": candidate.revision,
        "verdict": str(candidate.verdict),
        "status": str(candidate.status),
        "loads": candidate.loads,
        "reason": candidate.reason,
        "emotions": len(candidate.emotion_classes) if candidate.labels else None,
        "labels": ";".join(map(csv_text, candidate.labels)) or None,
        "architecture": candidate.architecture,
        "head": candidate.head,
        "parameters": candidate.parameters,
        "size_mb": candidate.size_mb,
        "license": candidate.license,
        "seconds": candidate.seconds,
        "emotion_names": _words(candidate.emotion_classes),
        "expect": None if candidate.expect is None else str(candidate.expect),
        "id": candidate.id,
        "languages": _words(candidate.languages),
        "trained_on": None if candidate.trained_on is None else _words(candidate.trained_on),
        "multi_label": candidate.multi_label if candidate.labels else None,
        "log": candidate.log,
        "notes": " ".join(candidate.notes) or None,
        "batches": None if candidate.batching is None else candidate.batching.batches,
        "pads": None if candidate.batching is None else candidate.batching.pads,
    }


def _words(words: Iterable[str]) -> str | None:
    return " ".join(words) or None


def _reasons(reasons: Mapping[str, str]) -> str | None:
    return " ".join(f"{flag}: {reason}" for flag, reason in reasons.items()) or None


def csv_table(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> str:
    r"""Write rows as this module says, with a heading.

    Args:
        columns: Their names, in order.
        rows: A value for each of the columns, and perhaps others.

    Examples:
        >>> csv_table(["name", "share"], [{"name": "=a", "share": None}])
        "name,share\n'=a,\n"
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: Cell) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_text(value) if isinstance(value, str) else repr(value)
