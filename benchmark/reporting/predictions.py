"""`predictions.parquet`: what every model said to every clip, exported for people and their notebooks."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmark.results.files import open_atomically

_ANSWER = pa.struct([("label", pa.string()), ("probability", pa.float64())])

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
        ("probabilities", pa.list_(_ANSWER)),
        ("device", pa.string()),
        ("backend", pa.string()),
        ("dtype", pa.string()),
    ],
    metadata={"written_by": "bench", "schema_version": "1"},
)
"""The columns of the export; text is kept as it is, since nothing that reads Parquet runs it."""

# Enough for good compression, and little for who writes or reads group by group.
_ROWS_PER_GROUP = 5_000
# The columns whose values are few. To look for repetitions in the others made the file larger, and took 40 MB of memory
# for 20,000 clips.
_REPEATED = [
    *("candidate", "corpus", "label", "emotion", "speaker", "predicted", "probabilities.list.element.label"),
    *("device", "backend", "dtype"),
]


def write_predictions(tables: Iterable[pa.Table], folder: Path) -> Path:
    """Write `predictions.parquet`, whole or not at all, without holding all rows in memory.

    Args:
        tables: What the models said, each of `PREDICTIONS_SCHEMA`; read once.
        folder: Where reports go; created where it is missing.

    Returns:
        The file.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full or fails.
    """
    path = folder / PREDICTIONS_FILE
    with (
        open_atomically(path) as file,
        pq.ParquetWriter(file, PREDICTIONS_SCHEMA, compression="zstd", use_dictionary=_REPEATED) as writer,
    ):
        for table in tables:
            writer.write_table(table, row_group_size=_ROWS_PER_GROUP)
    return path


def text_column(texts: Iterable[str | None]) -> pa.Array:
    r"""Make a column of texts; what is not Unicode is replaced by `?`, for file names of Linux need not be.

    Examples:
        >>> text_column(["angry", None, "\udcff.wav"]).to_pylist()
        ['angry', None, '?.wav']
    """
    values = list(texts)
    try:
        return pa.array(values, type=pa.string())
    except UnicodeEncodeError:
        return pa.array([None if text is None else _storable(text) for text in values], type=pa.string())


def _storable(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")
