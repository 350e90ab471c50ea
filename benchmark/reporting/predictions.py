"""`predictions.parquet`: what every model said to every clip, exported for people and their notebooks."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.results.files import open_atomically

_ANSWER = pa.struct([("label", pa.string()), ("probability", pa.float64())])
_ANSWERS = pa.list_(_ANSWER)

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
        ("probabilities", _ANSWERS),
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
    columns = [pa.array([_storable(getattr(row, name)) for row in rows], type=pa.string()) for name in _TEXTS]
    return pa.Table.from_arrays([*columns, _answers(rows)], schema=PREDICTIONS_SCHEMA)


def _answers(rows: Sequence[PredictionRow]) -> pa.ListArray:
    # Flat columns and offsets: a dictionary per answer would take ten times as long.
    answers = [answer for row in rows for answer in row.probabilities]
    offsets = np.cumsum([0, *(len(row.probabilities) for row in rows)], dtype=np.int32)
    labels = pa.array([_storable(label) for label, _ in answers], type=pa.string())
    values = np.fromiter((value for _, value in answers), dtype=np.float64, count=len(answers))
    probabilities = pa.array(values, mask=~np.isfinite(values))
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.StructArray.from_arrays([labels, probabilities], fields=list(_ANSWER)), type=_ANSWERS
    )


@lru_cache(maxsize=4096)
def _storable(text: str | None) -> str | None:
    """Replace what is not Unicode: file names of Linux need not be."""
    return None if text is None else text.encode("utf-8", errors="replace").decode("utf-8")
