"""`predictions.parquet`: what every model said to every clip, exported for people and their notebooks."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.results.files import open_atomically

PREDICTIONS_FILE = "predictions.parquet"
PREDICTIONS_SCHEMA = pa.schema(
    [
        ("candidate", pa.string()),
        ("corpus", pa.string()),
        ("clip", pa.string()),
        ("clip_hash", pa.string()),
        ("label", pa.string()),
        ("emotion", pa.string()),
        ("speaker", pa.string()),
        ("predicted", pa.string()),
        ("probabilities", pa.list_(pa.struct([("label", pa.string()), ("probability", pa.float64())]))),
    ],
    metadata={"written_by": "bench", "schema_version": "1"},
)
"""The columns of the export; text is kept as it is, since nothing that reads Parquet runs it."""

# Enough for good compression, and a bound on memory: a run may hold millions of rows.
_ROWS_PER_GROUP = 50_000
_TEXTS = tuple(name for name in PREDICTIONS_SCHEMA.names if name != "probabilities")


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionRow:
    """What one model said to one clip, with what is known of both.

    Attributes:
        candidate: What tables call the candidate.
        corpus: What tables call the corpus.
        clip: The clip's name within the corpus.
        clip_hash: Hash of its decoded samples and their rate.
        label: The corpus's own label, if any.
        emotion: The emotion that the label means, after merges; None where it means none.
        speaker: Who speaks, if known.
        predicted: The emotion that the candidate answers; None where it could not process the clip.
        probabilities: The candidate's labels with their probabilities, in the order of its outputs; empty where it
            could not process the clip.
    """

    candidate: str
    corpus: str
    clip: str
    clip_hash: str | None = None
    label: str | None = None
    emotion: str | None = None
    speaker: str | None = None
    predicted: str | None = None
    probabilities: tuple[tuple[str, float], ...] = ()


def write_predictions(rows: Iterable[PredictionRow], folder: Path) -> Path:
    """Write `predictions.parquet`, whole or not at all, without holding all rows in memory.

    Args:
        rows: What the models said; read once.
        folder: Where reports go; created where it is missing.

    Returns:
        The file.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full or fails.
    """
    path = folder / PREDICTIONS_FILE
    remaining = iter(rows)
    with (
        open_atomically(path) as file,
        pq.ParquetWriter(file, PREDICTIONS_SCHEMA, compression="zstd") as writer,
    ):
        while group := list(itertools.islice(remaining, _ROWS_PER_GROUP)):
            writer.write_table(_table(group))
    return path


def _table(rows: Sequence[PredictionRow]) -> pa.Table:
    columns: list[list[object]] = [[_storable(getattr(row, name)) for row in rows] for name in _TEXTS]
    columns.append([_answers(row) for row in rows])
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, PREDICTIONS_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=PREDICTIONS_SCHEMA)


def _answers(row: PredictionRow) -> list[dict[str, object]]:
    return [
        {"label": _storable(label), "probability": probability if math.isfinite(probability) else None}
        for label, probability in row.probabilities
    ]


def _storable(text: str | None) -> str | None:
    """Replace what is not Unicode: file names of Linux need not be."""
    return None if text is None else text.encode("utf-8", errors="replace").decode("utf-8")
