"""`verification.csv` and `leaderboard.csv`: the columns of the report contract, for programs and spreadsheets.

UTF-8, lines end in a line feed, unknown is empty, truth is `true` and `false`, numbers are written so that reading
gives the same number back. Several words in a cell are joined by a space (flags, emotions, languages, corpora); labels,
which may hold spaces, by `;`. What came from outside stands on one line and cannot run as a formula; `.json` has it
unaltered.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmark.reporting.escaping import csv_text, json_text
from benchmark.results.analyses import CandidateGroups, CorpusGroups
from benchmark.results.description import CorpusDescription
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


GROUP_COLUMNS = (
    *("corpus", "column", "group", "candidate", "clips", "speakers", "emotions", "uar", "uar_low", "uar_high"),
    *("interval", "gap", "gap_low", "gap_high", "reason"),
)
"""The columns of `groups.csv`."""


def groups_csv(groups: Sequence[CorpusGroups]) -> str:
    """Write the parts of all corpora as a table.

    Rows without a candidate are parts that were not scored, with the reason; those without a part too say why a whole
    column was not. The gap, that of the best and the worst part, stands in all rows of a candidate and a column.

    Args:
        groups: The corpora, taken apart.

    Returns:
        The text of a CSV file with a heading.
    """
    return csv_table(GROUP_COLUMNS, (row for each in groups for row in _rows(each)))


def _rows(groups: CorpusGroups) -> Iterator[Mapping[str, Cell]]:
    nothing: dict[str, Cell] = dict.fromkeys(GROUP_COLUMNS)
    base = nothing | {"corpus": groups.corpus, "column": groups.column, "emotions": " ".join(groups.emotions) or None}
    for candidate in groups.candidates:
        yield from _scored(groups, candidate, base)
    for left_out in groups.left_out:
        yield base | {"group": left_out.group, "clips": left_out.clips, "emotions": None, "reason": left_out.reason}
    if groups.left_out_more:
        yield base | {"emotions": None, "reason": f"{groups.left_out_more} more groups are not scored and not listed"}
    if groups.unknown_clips:
        yield base | {"clips": groups.unknown_clips, "emotions": None, "reason": "the corpus does not tell of them"}
    if groups.problem:
        yield base | {"emotions": None, "reason": groups.problem}


def _scored(groups: CorpusGroups, candidate: CandidateGroups, base: Mapping[str, Cell]) -> Iterator[Mapping[str, Cell]]:
    for size, score in zip(groups.groups, candidate.scores, strict=True):
        yield {
            **base,
            "group": score.group,
            "candidate": candidate.candidate,
            "clips": size.clips,
            "speakers": size.speakers,
            "uar": score.uar,
            "uar_low": score.uar_low,
            "uar_high": score.uar_high,
            "interval": score.interval,
            "gap": candidate.gap,
            "gap_low": candidate.gap_low,
            "gap_high": candidate.gap_high,
        }


def verification_json(report: VerificationReport) -> str:
    """Write the verdicts with everything they rest on.

    The keys of a candidate are the columns of `verification.csv` in their order, with lists where the table joins, then
    `findings`, `size_bytes` and `label_emotions` (for each label the emotion it maps to, or null).

    Args:
        report: The verdicts on all candidates.

    Returns:
        A JSON document that ends in a line end; NaN and infinities are null.
    """
    content = report.model_dump(mode="json")
    content["candidates"] = [_candidate(candidate) for candidate in report.candidates]
    return _document(content)


def leaderboard_json(leaderboard: Leaderboard) -> str:
    """Write a run with all its rows; what is written can be read again as a `Leaderboard`.

    The keys of a row are the columns of `leaderboard.csv` in their order; the user's own metrics are under `metrics`.

    Args:
        leaderboard: The scored run.

    Returns:
        A JSON document that ends in a line end; NaN and infinities are null.
    """
    complete = leaderboard.model_copy(update={"rows": complete_rows(leaderboard)})
    return _document(complete.model_dump(mode="json"))


def corpus_json(description: CorpusDescription) -> str:
    """Write the description of a corpus; what is written can be read again as a `CorpusDescription`.

    Args:
        description: The corpus, described.

    Returns:
        A JSON document that ends in a line end.
    """
    return _document(description.model_dump(mode="json"))


def _candidate(candidate: Verification) -> dict[str, Any]:
    stored = candidate.model_dump(mode="json")
    values = stored | {
        "verdict": str(candidate.verdict),
        "emotions": len(candidate.emotion_classes) if candidate.labels else None,
        "size_mb": candidate.size_mb,
        "emotion_names": list(candidate.emotion_classes),
        "label_emotions": stored["emotions"],
        "batches": None if candidate.batching is None else candidate.batching.batches,
        "pads": None if candidate.batching is None else candidate.batching.pads,
    }
    return {key: values[key] for key in dict.fromkeys((*VERIFICATION_COLUMNS, *values))}


def _document(content: dict[str, Any]) -> str:
    return json_text(json.dumps(_finite(content), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(member) for key, member in value.items()}
    return [_finite(member) for member in value] if isinstance(value, list) else value
