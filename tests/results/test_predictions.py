"""The columns of the store against single predictions, one by one, on random answers of every kind."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import (
    ABSENT,
    InferenceSetup,
    Prediction,
    PredictionTable,
    arrow_table,
    latest_answers,
)

LABELS = ("anger", "fear", "joy", "x1")


SETUP = InferenceSetup(
    candidate="org/model", revision="abc", labels=LABELS, head="standard", backend="torch", device="cpu",
    dtype="float32", window_s=30.0, versions={},
)  # fmt: skip


def random_predictions(seed: int, clips: int) -> list[Prediction]:
    """Answers, failures, logits that are not numbers, impossible labels, and several windows."""
    generator = np.random.default_rng(seed)
    predictions = []
    for place in range(clips):
        kind = generator.integers(6)
        logits = generator.normal(0, 3, len(LABELS)).astype(np.float32)
        if kind == 0:
            logits[generator.integers(len(LABELS))] = np.nan
        if kind == 1:
            logits[generator.integers(len(LABELS))] = -np.inf
        failed = kind == 2
        predictions.append(
            Prediction(
                clip_hash=f"clip {place}",
                logits=None if failed else logits,
                windows=int(generator.integers(1, 5)),
                failure="too short" if failed else None,
                seconds=float(generator.random()),
            )
        )
    return predictions


def assert_same(found: Prediction, expected: Prediction) -> None:
    assert (found.clip_hash, found.windows, found.failure, found.seconds) == (
        expected.clip_hash,
        expected.windows,
        expected.failure,
        expected.seconds,
    )
    if expected.logits is None:
        assert found.logits is None
    else:
        np.testing.assert_array_equal(found.logits, expected.logits, strict=True)


@pytest.mark.parametrize("seed", range(5))
def test_what_the_columns_hold_is_what_was_stored(tmp_path: Path, seed: int) -> None:
    store = PredictionStore(tmp_path)
    predictions = random_predictions(seed, 200)
    for start in range(0, 200, 70):
        store.add(SETUP, predictions[start : start + 70])
    again = random_predictions(seed + 100, 30)
    store.add(SETUP, again)
    expected = {prediction.clip_hash: prediction for prediction in (*predictions, *again)}
    for compacted in (False, True):
        if compacted:
            store.compact(SETUP)
        read = store.read(SETUP)
        assert list(read) == list(expected)
        for clip_hash, prediction in expected.items():
            assert_same(read[clip_hash], prediction)
        assert read.processed.tolist() == [each.logits is not None for each in expected.values()]


def test_a_clip_of_which_nothing_is_stored_has_no_row() -> None:
    table = PredictionTable.of(random_predictions(1, 3), len(LABELS))
    assert table.rows(pa.array(["clip 2", "elsewhere", "clip 0", "clip 2"])).tolist() == [2, ABSENT, 0, 2]
    assert PredictionTable.of([], 2).rows(pa.array(["a"])).tolist() == [ABSENT]
    assert table.rows(pa.array([], type=pa.string())).tolist() == []


def test_changing_one_prediction_leaves_the_table_alone() -> None:
    table = PredictionTable.of(random_predictions(3, 3), len(LABELS))
    before = table.logits.copy()
    for prediction in table.values():
        if prediction.logits is not None:
            prediction.logits[:] = 7.0
    np.testing.assert_array_equal(table.logits, before)


def test_of_answers_to_one_clip_the_last_counts() -> None:
    first, second = random_predictions(4, 40), random_predictions(5, 20)
    kept = latest_answers(pa.concat_tables([arrow_table(first), arrow_table(second)]))
    assert kept.column("clip_hash").to_pylist() == [each.clip_hash for each in first]
    assert kept.column("seconds").to_pylist()[:20] == [each.seconds for each in second]


def test_a_part_with_other_labels_or_other_columns_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, random_predictions(6, 4))
    other = SETUP.model_copy(update={"labels": (*LABELS, "more")})
    (part,) = tmp_path.rglob("part-*.parquet")
    store.add(other, [Prediction(clip_hash="b", logits=np.zeros(5, np.float32), windows=1, failure=None, seconds=0.0)])
    (wrong,) = set(tmp_path.rglob("part-*.parquet")) - {part}
    for path in (wrong, wrong.with_name(wrong.name + ".meta")):
        path.rename(part.with_name(path.name))
    assert list(store.read(SETUP)) == [f"clip {place}" for place in range(4)]
    assert "its logits are not those of 4 labels" in caplog.text
