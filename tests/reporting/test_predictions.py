"""The export of predictions: typed, table by table, whole or absent."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmark.errors import RequestError
from benchmark.reporting import predictions
from benchmark.reporting.predictions import PREDICTIONS_SCHEMA, write_predictions


def _table(*numbers: int, label: str | None = "ang") -> pa.Table:
    rows = [
        {
            "candidate": "org/model",
            "corpus": "ravdess",
            "clip": f"{number}.wav",
            "clip_hash": f"{number:032x}",
            "label": label,
            "emotion": None if label is None else "anger",
            "predicted": "anger",
            "probabilities": [{"label": "ANGRY", "probability": 0.1 + 0.2}, {"label": "SAD", "probability": 0.7}],
        }
        for number in numbers
    ]
    return pa.Table.from_pylist(rows, schema=PREDICTIONS_SCHEMA)


def test_rows_come_back_exactly(tmp_path: Path) -> None:
    table = _table(1, 2)
    path = write_predictions([table], tmp_path / "new")
    assert path == tmp_path / "new" / "predictions.parquet"
    assert pq.read_schema(path).equals(PREDICTIONS_SCHEMA)
    assert pq.read_table(path).to_pylist() == table.to_pylist()


def test_nothing_to_export_is_a_table_without_rows(tmp_path: Path) -> None:
    frame = pd.read_parquet(write_predictions([], tmp_path))
    assert list(frame.columns) == PREDICTIONS_SCHEMA.names
    assert frame.empty


def test_a_column_without_any_value_keeps_its_type_over_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "_ROWS_PER_GROUP", 3)
    path = write_predictions([_table(0, 1, 2, label=None), _table(3, 4, 5, 6, 7)], tmp_path)
    assert pq.ParquetFile(path).metadata.num_row_groups == 3
    assert [row["label"] for row in pq.read_table(path).to_pylist()] == [None] * 3 + ["ang"] * 5


def test_an_interrupted_export_leaves_the_old_one(tmp_path: Path) -> None:
    def interrupted() -> Iterator[pa.Table]:
        yield _table(1)
        raise KeyboardInterrupt

    path = write_predictions([_table(1)], tmp_path)
    with pytest.raises(KeyboardInterrupt):
        write_predictions(interrupted(), tmp_path)
    assert pq.read_table(path).num_rows == 1
    assert list(tmp_path.iterdir()) == [path]


def test_an_unwritable_folder_is_a_wrong_request(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(RequestError, match="--output"):
        write_predictions([_table(1)], tmp_path / "reports")
