"""The columns of predictions, and the key of their setup."""

import numpy as np
import pyarrow as pa
import pytest

from benchmark.results.predictions import ABSENT, Prediction, PredictionTable, arrow_table, latest_answers
from tests.support.finished_runs import setup_of, verification

SETUP = setup_of(verification("model"))


def answer(clip: str, *logits: float, seconds: float = 0.0) -> Prediction:
    array = np.array(logits, dtype=np.float32) if logits else None
    return Prediction(clip_hash=clip, logits=array, windows=1, failure=None if logits else "short", seconds=seconds)


def table_of(*predictions: Prediction) -> PredictionTable:
    return PredictionTable.from_arrow(arrow_table(predictions), 2)


def test_a_clip_of_which_nothing_is_stored_has_no_row() -> None:
    table = table_of(answer("a", 1, 2), answer("b"), answer("c", 3, 4))
    assert table.rows(pa.array(["c", "elsewhere", "a", "c"])).tolist() == [2, ABSENT, 0, 2]
    assert table_of().rows(pa.array(["a"])).tolist() == [ABSENT]
    assert table.rows(pa.array([], type=pa.string())).tolist() == []


def test_changing_one_prediction_leaves_the_table_alone() -> None:
    table = table_of(answer("a", 1, 2))
    logits = table["a"].logits
    assert logits is not None
    logits[:] = 7.0
    assert table.logits.tolist() == [[1, 2]]


def test_of_several_predictions_for_a_clip_the_last_counts() -> None:
    predictions = [answer("a", seconds=1), answer("b", seconds=2), answer("a", seconds=3)]
    kept = latest_answers(arrow_table(predictions))
    assert kept.select(["clip_hash", "seconds"]).to_pydict() == {"clip_hash": ["a", "b"], "seconds": [3, 2]}


def test_setups_of_earlier_versions_keep_their_key() -> None:
    # Computed by the version before perturbations; another key would lose everything that is stored.
    before = SETUP.model_copy(update={"revision": "abc", "labels": ("sad", "happy"), "versions": {"torch": "2.13.0"}})
    assert before.key == "e72b402612ca66f3"


@pytest.mark.parametrize(
    "change",
    [
        {"revision": "b" * 40},
        {"labels": ("sad", "happy")},
        {"head": "dense-out"},
        {"device": "cuda"},
        {"dtype": "bfloat16"},
        {"window_s": 10.0},
        {"versions": {"torch": "2.14.0"}},
        {"preprocessor": {"sampling_rate": 8000}},
        {"perturbation": "noise:20dB"},
    ],
)
def test_whatever_determines_the_logits_is_in_the_key(change: dict[str, object]) -> None:
    assert SETUP.model_copy(update=change).key != SETUP.key
