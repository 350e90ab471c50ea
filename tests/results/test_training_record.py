import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmark.errors import RequestError
from benchmark.results.training_record import (
    OUT_OF_FOLD_FILE,
    OUT_OF_FOLD_SCHEMA,
    TRAINING_FILE,
    OutOfFold,
    TrainingRecord,
    weights_digest,
)
from tests.support.trained_folders import demo_answers, trained_folder, training_record, write_answers

ANSWERS = demo_answers()


def test_a_record_and_its_answers_are_read_as_they_were_written(tmp_path: Path) -> None:
    folder = trained_folder(tmp_path / "mine", ANSWERS)
    record, answers = TrainingRecord.of_folder(folder), OutOfFold.read(folder / OUT_OF_FOLD_FILE)
    assert record is not None and answers is not None
    assert record.weights_sha256 == weights_digest(folder)
    assert (answers.clip_hashes, answers.folds, answers.classes) == (
        ANSWERS.clip_hashes,
        ANSWERS.folds,
        ANSWERS.classes,
    )
    assert np.array_equal(answers.probabilities, ANSWERS.probabilities)
    assert answers.digest == ANSWERS.digest != replace(ANSWERS, folds=(9, *ANSWERS.folds[1:])).digest


def test_a_folder_that_bench_did_not_train_has_no_record_and_no_answers(tmp_path: Path) -> None:
    assert TrainingRecord.of_folder(tmp_path) is None
    assert OutOfFold.read(tmp_path / OUT_OF_FOLD_FILE) is None
    assert weights_digest(tmp_path) is None


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def _nested(path: Path) -> None:
    path.write_text("[" * 100_000)


def _of_the_future(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 99}))


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(10**12)


PIPE = pytest.param(_a_pipe, marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here"))


@pytest.mark.parametrize("damage", [_cut_off, _nested, _of_the_future, _a_folder, PIPE, _huge])
def test_a_damaged_record_is_one_sentence(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = tmp_path / TRAINING_FILE
    path.write_text(training_record(ANSWERS).model_dump_json())
    damage(path)
    with pytest.raises(RequestError, match=r"training\.json"):
        TrainingRecord.of_folder(tmp_path)


@pytest.mark.parametrize("damage", [_cut_off, _nested, _a_folder, PIPE, _huge])
def test_a_damaged_table_of_answers_is_one_sentence(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = write_answers(tmp_path, ANSWERS)
    damage(path)
    with pytest.raises(RequestError, match=r"out_of_fold\.parquet is no table of out-of-fold answers"):
        OutOfFold.read(path)


def _with(**fields: object) -> OutOfFold:
    return replace(ANSWERS, **fields)  # type: ignore[arg-type]


def _probabilities(value: float) -> OutOfFold:
    changed = ANSWERS.probabilities.copy()
    changed[3, 2] = value
    return _with(probabilities=changed)


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        (_probabilities(float("nan")), "not finite"),
        (_probabilities(-0.5), "sum to one"),
        (_probabilities(0.99), "sum to one"),
        (_with(clip_hashes=(ANSWERS.clip_hashes[1], *ANSWERS.clip_hashes[1:])), "has two answers"),
        (_with(classes=("anger", *ANSWERS.classes[:-1])), "a class occurs twice"),
    ],
)
def test_answers_that_contradict_themselves_are_refused(tmp_path: Path, answers: OutOfFold, problem: str) -> None:
    with pytest.raises(RequestError, match=problem):
        OutOfFold.read(write_answers(tmp_path, answers))


def test_copies_of_a_recording_may_have_the_same_answer(tmp_path: Path) -> None:
    rows = np.array([0, *range(len(ANSWERS.clips))])
    twice = pa.Table.take(ANSWERS.table(), pa.array(rows))
    pq.write_table(twice, tmp_path / OUT_OF_FOLD_FILE)
    answers = OutOfFold.read(tmp_path / OUT_OF_FOLD_FILE)
    assert answers is not None
    assert len(answers.clips) == 113


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (ANSWERS.table().slice(0, 0), "it has 0 rows"),
        (ANSWERS.table().drop_columns(["fold"]), "the column fold is missing"),
        (pa.concat_tables([ANSWERS.table(), ANSWERS.table()] * 5_000), "rows, not 1 to 1,000,000"),
        (
            pa.Table.from_pylist(
                [
                    *ANSWERS.table().to_pylist()[:5],
                    ANSWERS.table().to_pylist()[5] | {"probabilities": [{"label": "joy", "probability": 1.0}]},
                ],
                schema=OUT_OF_FOLD_SCHEMA,
            ),
            "other numbers of classes",
        ),
        (
            pa.Table.from_pylist(
                [{**row, "clip_hash": None} for row in ANSWERS.table().to_pylist()],
                schema=pa.schema([field.with_nullable(True) for field in OUT_OF_FOLD_SCHEMA]),
            ),
            "the column clip_hash lacks values",
        ),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, table: pa.Table, problem: str) -> None:
    pq.write_table(table, tmp_path / OUT_OF_FOLD_FILE)
    with pytest.raises(RequestError, match=problem):
        OutOfFold.read(tmp_path / OUT_OF_FOLD_FILE)
