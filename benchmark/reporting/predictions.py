"""`predictions.parquet`: the answers of every candidate to every clip."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.special import softmax

from benchmark.results.files import FileSet, joined
from benchmark.results.predictions import ABSENT, PredictionTable
from benchmark.results.runs import RunRecord
from benchmark.scoring.answers import NO_ANSWER
from benchmark.scoring.evaluations import join_evaluation, unasked_clips
from benchmark.scoring.labels import LabelledClips, label_clips
from benchmark.scoring.leaderboard import FindPredictions

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
"""The columns of the export; text is not escaped, since no reader of Parquet runs it."""


# Enough rows for good compression, few enough for the memory of writers and readers.
_ROWS_PER_GROUP = 5_000
# The columns with few distinct values. A dictionary of the others made the file larger, and took 40 MB of memory for
# 20,000 clips.
_REPEATED = [
    *("candidate", "corpus", "label", "emotion", "speaker", "predicted", "probabilities.list.element.label"),
    *("device", "backend", "dtype"),
]


def write_predictions(tables: Iterable[pa.Table], folder: Path, *, together: FileSet | None = None) -> Path:
    """Write `predictions.parquet`, whole or not at all, without holding all rows in memory.

    Args:
        tables: Tables with `PREDICTIONS_SCHEMA`; read once.
        folder: The folder of the reports; created if it is missing.
        together: Other files with which it takes its name.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full or fails.
    """
    path = folder / PREDICTIONS_FILE
    with (
        joined(together) as files,
        files.open(path) as file,
        pq.ParquetWriter(file, PREDICTIONS_SCHEMA, compression="zstd", use_dictionary=_REPEATED) as writer,
    ):
        for table in tables:
            writer.write_table(table, row_group_size=_ROWS_PER_GROUP)
    return path


def text_column(texts: Iterable[str | None]) -> pa.Array:
    r"""Make a column of texts; what is not Unicode is replaced by `?`, since file names of Linux need not be Unicode.

    Examples:
        >>> text_column(["angry", None, "\udcff.wav"]).to_pylist()
        ['angry', None, '?.wav']
    """
    values = list(texts)
    try:
        return pa.array(values, type=pa.string())
    except UnicodeEncodeError:
        encoded = [None if text is None else text.encode("utf-8", errors="replace") for text in values]
        return pa.array(encoded, type=pa.binary()).cast(pa.string())


def prediction_tables(record: RunRecord, predictions: FindPredictions) -> Iterator[pa.Table]:
    """Join stored predictions with labels, merges and emotions.

    Args:
        record: The run.
        predictions: Finds the stored predictions of a setup, by the hash of the clip's audio.

    Yields:
        A table with `PREDICTIONS_SCHEMA` per candidate and corpus, with a row for every readable clip with a stored
        answer or failure; of a candidate that a race has stopped, for those that it was asked.
    """
    corpora = {corpus.name: corpus for corpus in record.corpora}
    labelled = {name: label_clips(corpus) for name, corpus in corpora.items()}
    clip_columns = {name: _clip_columns(clips) for name, clips in labelled.items()}
    verifications = {verification.candidate: verification for verification in record.verifications}
    for evaluation in record.evaluations:
        setup, corpus, clips = evaluation.setup, corpora[evaluation.corpus], labelled[evaluation.corpus]
        stored = PredictionTable.of_mapping(predictions(setup), labels=len(setup.labels))
        verification = verifications[evaluation.candidate]
        answers = join_evaluation(evaluation, verification, corpus, stored, clips).answers
        rows = clips.finder.rows(stored)
        tried = (rows != ABSENT) & ~unasked_clips(evaluation, clips)
        chosen = answers.chosen[tried]
        same_in_all_rows = {
            "candidate": evaluation.candidate,
            "corpus": evaluation.corpus,
            "device": setup.device,
            "backend": setup.backend,
            "dtype": setup.dtype,
        }
        columns = {
            **{name: column.filter(pa.array(tried)) for name, column in clip_columns[evaluation.corpus].items()},
            **{name: pa.repeat(text_column([text])[0], len(chosen)) for name, text in same_in_all_rows.items()},
            "predicted": text_column(answers.classes).take(pa.array(chosen, mask=chosen == NO_ANSWER)),
            "probabilities": _probabilities(stored, rows[tried], setup.labels),
        }
        yield pa.table(columns, schema=PREDICTIONS_SCHEMA)


def _clip_columns(clips: LabelledClips) -> dict[str, pa.Array]:
    return {
        "clip": text_column(clip.clip for clip in clips.clips),
        "clip_hash": clips.clip_hashes,
        "label": text_column(clip.label for clip in clips.clips),
        "emotion": text_column(clips.truth),
        "speaker": text_column(clips.speakers),
    }


def _probabilities(stored: PredictionTable, rows: NDArray[np.int64], labels: Sequence[str]) -> pa.ListArray:
    """The softmax of the logits as lists of (label, probability); empty for clips that could not be processed."""
    processed = stored.processed[rows]
    logits = stored.logits[rows[processed]].astype(np.float64)
    with np.errstate(invalid="ignore"):  # inf - inf is NaN, which is no number to report
        values = softmax(logits, axis=1).reshape(-1) if logits.size else logits.reshape(-1)
    names = text_column(labels).take(pa.array(np.tile(np.arange(len(labels)), len(logits))))
    answers = pa.StructArray.from_arrays([names, pa.array(values, mask=~np.isfinite(values))], fields=list(_ANSWER))
    offsets = np.concatenate([[0], np.cumsum(processed * len(labels))])
    return pa.ListArray.from_arrays(pa.array(offsets, type=pa.int32()), answers, type=pa.list_(_ANSWER))
