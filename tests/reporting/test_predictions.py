"""The export of predictions: typed, streamed, whole or absent."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmark.errors import RequestError
from benchmark.reporting import predictions
from benchmark.reporting.predictions import PREDICTIONS_SCHEMA, PredictionRow, write_predictions


def _row(number: int = 0, *, label: str | None = "ang") -> PredictionRow:
    return PredictionRow(
        candidate="org/model",
        corpus="ravdess",
        clip=f"{number}.wav",
        clip_hash=f"{number:032x}",
        label=label,
        emotion=None if label is None else "anger",
        predicted="anger",
        probabilities=(("ANGRY", 0.1 + 0.2), ("SAD", 0.7)),
    )


def test_rows_come_back_exactly(tmp_path: Path) -> None:
    failed = PredictionRow(candidate="org/model", corpus="ravdess", clip="x.wav", label="sad")
    path = write_predictions([_row(1), failed], tmp_path / "new")
    assert path == tmp_path / "new" / "predictions.parquet"
    assert pq.read_schema(path).equals(PREDICTIONS_SCHEMA)
    first, second = pq.read_table(path).to_pylist()
    assert first["probabilities"] == [
        {"label": "ANGRY", "probability": 0.1 + 0.2},
        {"label": "SAD", "probability": 0.7},
    ]
    assert (first["candidate"], first["clip"], first["emotion"], first["speaker"]) == (
        "org/model",
        "1.wav",
        "anger",
        None,
    )
    assert (second["predicted"], second["probabilities"]) == (None, [])


def test_nothing_to_export_is_a_table_without_rows(tmp_path: Path) -> None:
    frame = pd.read_parquet(write_predictions([], tmp_path))
    assert list(frame.columns) == PREDICTIONS_SCHEMA.names
    assert frame.empty


def test_a_column_without_any_value_keeps_its_type_over_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "_ROWS_PER_GROUP", 3)
    path = write_predictions((_row(number, label=None if number < 3 else "ang") for number in range(8)), tmp_path)
    assert pq.ParquetFile(path).metadata.num_row_groups == 3
    assert [row["label"] for row in pq.read_table(path).to_pylist()] == [None] * 3 + ["ang"] * 5


def test_rows_are_read_as_they_are_written_and_not_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "_ROWS_PER_GROUP", 10)
    sizes = []
    table_of = predictions._table

    def recorded(rows: Sequence[PredictionRow]) -> pa.Table:
        sizes.append(len(rows))
        return table_of(rows)

    monkeypatch.setattr(predictions, "_table", recorded)
    write_predictions((_row(number) for number in range(25)), tmp_path)
    assert sizes == [10, 10, 5]


def test_an_interrupted_export_leaves_the_old_one(tmp_path: Path) -> None:
    def interrupted() -> Iterator[PredictionRow]:
        yield _row()
        raise KeyboardInterrupt

    path = write_predictions([_row()], tmp_path)
    with pytest.raises(KeyboardInterrupt):
        write_predictions(interrupted(), tmp_path)
    assert pq.read_table(path).num_rows == 1
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_kept_and_only_what_is_no_text_is_replaced(tmp_path: Path, hostile: str) -> None:
    row = PredictionRow(candidate=hostile, corpus="c", clip="\udcff.wav", probabilities=((hostile, math.nan),))
    (back,) = pq.read_table(write_predictions([row], tmp_path)).to_pylist()
    assert back["candidate"] == hostile
    assert back["clip"] == "?.wav"
    assert back["probabilities"] == [{"label": hostile, "probability": None}]


def test_an_unwritable_folder_is_a_wrong_request(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(RequestError, match="--output"):
        write_predictions([_row()], tmp_path / "reports")
