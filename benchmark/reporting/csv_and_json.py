"""Reports for programs: `verification`, `leaderboard`, `pairs`, `groups`, `robustness` as CSV; what exists as JSON.

CSV: UTF-8, lines end in a line feed, unknown is empty, truth is `true` and `false`, numbers are written so that reading
gives the same number back. Several words in a cell are joined by a space (flags, emotions, languages, corpora); labels,
which may hold spaces, by `;`. What came from outside stands on one line and cannot run as a formula.

JSON: the same columns in the same order with lists where CSV joins, and everything else that is known, unaltered. NaN
and infinities are null.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from benchmark.reporting.citation import citation_data
from benchmark.reporting.escaping import csv_text, json_text
from benchmark.results.analyses import CorpusGroups, PairComparison, Robustness
from benchmark.results.corpus_description import CorpusDescription
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.verification import Verification, VerificationReport

Cell = str | bool | int | float | None

VERIFICATION_COLUMNS = (
    *("candidate", "revision", "verdict", "status", "loads", "reason", "emotions", "labels", "architecture", "head"),
    *("parameters", "size_mb", "license", "seconds"),
    *("emotion_names", "expect", "id", "languages", "trained_on", "multi_label", "log", "notes"),
    *("batches", "pads"),
)
"""The columns of `verification.csv`."""

LEADERBOARD_COLUMNS = tuple(name for name in LeaderboardRow.model_fields if name != "metrics")
"""The columns of `leaderboard.csv`; those of the user's own metrics, `metric_…`, follow them."""

GROUP_COLUMNS = (
    *("corpus", "column", "group", "candidate", "clips", "speakers", "emotions", "uar", "uar_low", "uar_high"),
    *("interval", "gap", "gap_low", "gap_high", "reason", "gap_p"),
)
"""The columns of `groups.csv`."""

ROBUSTNESS_COLUMNS = tuple(Robustness.model_fields)
"""The columns of `robustness.csv`."""

PAIR_COLUMNS = tuple(PairComparison.model_fields)
"""The columns of `pairs.csv`."""


def verification_csv(report: VerificationReport) -> str:
    """Write the verdicts as CSV, in the registry's order."""
    rows = []
    for candidate in report.candidates:
        labels = ";".join(map(csv_text, candidate.labels))
        multi_label = candidate.multi_label if candidate.labels else None
        rows.append(verification_values(candidate) | {"labels": labels, "multi_label": multi_label})
    return csv_table(VERIFICATION_COLUMNS, rows)


def verification_json(report: VerificationReport) -> str:
    """Write the verdicts with their evidence as JSON.

    The keys of a candidate are the columns of `verification.csv`, then `findings`, `size_bytes`, `label_emotions` (for
    each label the emotion it maps to, or null) and all other stored fields.
    """
    content = report.model_dump(mode="json")
    return json_document(content | {"candidates": list(map(verification_values, report.candidates))})


def leaderboard_csv(leaderboard: Leaderboard) -> str:
    """Write all rows of a run as CSV."""
    metrics = dict.fromkeys(name for row in leaderboard.rows for name in row.metrics)
    headings = {csv_text(f"metric_{name}"): name for name in metrics}
    rows = (
        row.model_dump() | {heading: row.metrics.get(name) for heading, name in headings.items()}
        for row in leaderboard.rows
    )
    return csv_table((*LEADERBOARD_COLUMNS, *headings), rows)


def leaderboard_json(leaderboard: Leaderboard) -> str:
    """Write a run as JSON, which can be read again as a `Leaderboard`.

    The keys of a row are the columns of `leaderboard.csv`; the user's own metrics are under `metrics`, and what to
    quote with the scores is under `cite`.
    """
    return json_document(leaderboard.model_dump(mode="json") | {"cite": citation_data(leaderboard)})


def corpus_json(description: CorpusDescription) -> str:
    """Write the description of a corpus as JSON, which can be read again as a `CorpusDescription`."""
    return json_document(description.model_dump(mode="json"))


def model_json(result: BaseModel) -> str:
    """Write a comparison or a recommendation as JSON, with numbers as pydantic writes them."""
    return json_text(result.model_dump_json(indent=2) + "\n")


def groups_csv(groups: Sequence[CorpusGroups]) -> str:
    """Write the scores on all parts of all corpora as CSV.

    Rows without a candidate are parts that were not scored, with the reason; rows without a part say why a whole column
    was not. All rows of a candidate and a column have the gap between the best and the worst part.
    """
    return csv_table(GROUP_COLUMNS, (row for corpus_groups in groups for row in _group_rows(corpus_groups)))


def robustness_csv(rows: Sequence[Robustness]) -> str:
    """Write robustness as CSV, a row per corpus, candidate and perturbation."""
    return csv_table(ROBUSTNESS_COLUMNS, (row.model_dump() for row in rows))


def pairs_csv(pairs: Sequence[PairComparison]) -> str:
    """Write the pairs of ranked candidates as CSV, a row per corpus and pair, the higher UAR first."""
    return csv_table(PAIR_COLUMNS, (pair.model_dump() for pair in pairs))


def csv_table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    r"""Write rows below a heading, in the format described above.

    Args:
        columns: Their names, in order.
        rows: Mappings with a value for each column; other keys are ignored.

    Examples:
        >>> csv_table(["name", "share", "flags"], [{"name": "=a", "share": None, "flags": ("seen", "limit")}])
        "name,share,flags\n'=a,,seen limit\n"
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return csv_text(" ".join(f"{name}: {text}" for name, text in value.items()))
    if isinstance(value, list | tuple):
        return csv_text(" ".join(value))
    return csv_text(value) if isinstance(value, str) else repr(value)


def verification_values(candidate: Verification) -> dict[str, Any]:
    """All stored fields and what follows from them, the columns first."""
    stored = candidate.model_dump(mode="json")
    batching = candidate.batching
    values = stored | {
        "verdict": str(candidate.verdict),
        "emotions": len(candidate.emotion_classes) if candidate.labels else None,
        "size_mb": candidate.size_mb,
        "emotion_names": list(candidate.emotion_classes),
        "label_emotions": stored["emotions"],
        "batches": None if batching is None else batching.batches,
        "pads": None if batching is None else batching.pads,
    }
    return {key: values[key] for key in dict.fromkeys((*VERIFICATION_COLUMNS, *values))}


def _group_rows(groups: CorpusGroups) -> Iterator[Mapping[str, Any]]:
    base: dict[str, Any] = dict.fromkeys(GROUP_COLUMNS) | {"corpus": groups.corpus, "column": groups.column}
    for candidate in groups.candidates:
        for size, score in zip(groups.groups, candidate.scores, strict=True):
            scored = size.model_dump() | score.model_dump() | candidate.model_dump(exclude={"scores"})
            yield base | scored | {"emotions": groups.emotions}
    for unscored in groups.left_out:
        yield base | {"group": unscored.group, "clips": unscored.clips, "reason": unscored.reason}
    if groups.left_out_more:
        yield base | {"reason": f"{groups.left_out_more} more groups are not scored and not listed"}
    if groups.unknown_clips:
        yield base | {"clips": groups.unknown_clips, "reason": "the corpus does not tell of them"}
    if groups.problem:
        yield base | {"reason": groups.problem}


def json_document(content: Mapping[str, Any]) -> str:
    """Write a document of JSON for people and programs; what is not finite is null."""
    return json_text(json.dumps(finite(content), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def finite(value: Any, text: Callable[[str], str] = str) -> Any:
    """Replace what is not finite by None, however deep, and all texts and keys by what `text` makes of them."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {text(key): finite(member, text) for key, member in value.items()}
    return [finite(member, text) for member in value] if isinstance(value, list | tuple) else value
