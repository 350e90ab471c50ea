"""The published table: columns named one by one, so that what is added to a leaderboard is not published unawares."""

import io
import json
from typing import Any, get_args

import pyarrow as pa
from pyarrow import parquet

from benchmark.reporting.csv_tables import Cell, complete_rows, csv_table
from benchmark.reporting.escaping import json_text
from benchmark.reporting.publish.publishable import is_on_hub
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.runs import RunRecord

PUBLISHED_COLUMNS = (
    *("rank", "candidate", "id", "revision", "status", "head", "corpus", "clips", "failed_clips", "unscored_clips"),
    *("emotions", "coverage", "accuracy", "accuracy_low", "accuracy_high", "uar", "uar_low", "uar_high", "interval"),
    *("macro_f1", "weighted_f1", "shared_uar", "common_uar", "adjusted_uar", "majority_accuracy", "ece", "brier"),
    *("entropy", "effective_emotions", "informative_emotions", "top_emotion", "top_share", "collapsed", "seen"),
    *("device", "backend", "dtype", "latency_p50_ms", "latency_p90_ms", "latency_p99_ms", "rtfx", "load_s"),
    *("peak_memory_mb", "parameters", "size_mb", "flags"),
)
"""The columns of the published table. No path, no speaker, no clip and no text of a user's is among them."""
_SCHEMA_VERSION = 1
_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}


def published_rows(leaderboard: Leaderboard, record: RunRecord) -> list[dict[str, Cell]]:
    """List the rows of a leaderboard with nothing but the published columns.

    Args:
        leaderboard: The scored run.
        record: The run, which knows the repositories.

    Returns:
        One per row, then one per candidate that was not evaluated; flags are joined by spaces.
    """
    found = {each.candidate: each for each in record.verifications}
    rows = []
    for row in complete_rows(leaderboard):
        own = found.get(row.candidate)
        facts: dict[str, Cell] = {
            "id": own.id if own is not None and is_on_hub(own) else None,
            "status": None if own is None else str(own.status),
            "flags": " ".join(row.flags) or None,
        }
        cells: dict[str, Cell] = row.model_dump() | facts
        rows.append({name: cells[name] for name in PUBLISHED_COLUMNS})
    return rows


def published_csv(rows: list[dict[str, Cell]]) -> str:
    """Write the published table as CSV."""
    return csv_table(PUBLISHED_COLUMNS, rows)


def published_parquet(rows: list[dict[str, Cell]]) -> bytes:
    """Write the published table as Parquet, in which every column has one type whatever is in it."""
    schema = pa.schema([(name, _type(name)) for name in PUBLISHED_COLUMNS])
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    return file.getvalue()


def _type(column: str) -> pa.DataType:
    field = LeaderboardRow.model_fields.get(column)
    kinds = () if field is None else get_args(field.annotation)
    return next((_TYPES[kind] for kind in kinds if kind in _TYPES), pa.string())


def published_json(rows: list[dict[str, Cell]], leaderboard: Leaderboard) -> str:
    """Write the published table with what is known of the corpora and the machine, as JSON."""
    content: dict[str, Any] = {
        "schema_version": _SCHEMA_VERSION,
        "created": leaderboard.created.isoformat(),
        "environment": leaderboard.environment.model_dump(mode="json"),
        "limit": leaderboard.limit,
        "interrupted": leaderboard.interrupted,
        "segment_s": leaderboard.segment_s,
        "threads": leaderboard.threads,
        "corpora": [_corpus(each) for each in leaderboard.corpora],
        "rows": rows,
    }
    return json_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def _corpus(corpus: CorpusSummary) -> dict[str, Any]:
    return {
        "name": corpus.name,
        "kind": corpus.source.partition(":")[0],
        "synthetic": corpus.synthetic,
        "clips": corpus.clips,
        "available_clips": corpus.available_clips,
        "speakers": corpus.speakers,
        "hours": round(corpus.hours, 3),
        "emotion_clips": corpus.emotion_clips,
        "merge": corpus.merge,
    }
