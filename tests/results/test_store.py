import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmark.errors import RequestError
from benchmark.results import store as store_module
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.store import PredictionStore

SETUP = InferenceSetup(
    candidate="org/model",
    revision="a" * 40,
    labels=("sad", "happy", "분노"),
    head="standard",
    backend="torch",
    device="cpu",
    dtype="float32",
    window_s=30.0,
    versions={"torch": "2.13.0"},
)


def prediction(name: str, *values: float) -> Prediction:
    logits = np.array(values, dtype=np.float32) if values else None
    failure = None if values else "too short"
    return Prediction(clip_hash=name, logits=logits, windows=1, failure=failure, seconds=0.25)


def parts(cache: Path) -> list[Path]:
    return sorted(cache.rglob("part-*.parquet"))


def test_what_was_added_is_read_back_exactly(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 0.1, -2.5, float(np.float32(1) / 3)), prediction("b")])
    read = store.read(SETUP)
    assert read.keys() == {"a", "b"}
    assert read["a"].logits is not None
    assert read["a"].logits.tolist() == [np.float32(0.1), -2.5, np.float32(1) / np.float32(3)]
    assert (read["b"].logits, read["b"].failure, read["b"].seconds) == (None, "too short", 0.25)


def test_nothing_stored_is_nothing_read(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [])
    assert store.read(SETUP) == {}
    assert parts(tmp_path) == []


def test_setups_from_before_there_were_perturbations_keep_their_key() -> None:
    # Computed by the version before; another key would lose everything that is stored.
    before = SETUP.model_copy(update={"revision": "abc", "labels": ("sad", "happy")})
    assert before.key == "e72b402612ca66f3"
    assert before.model_copy(update={"perturbation": "clip:0.3"}).key != before.key


def test_another_setup_does_not_see_the_predictions(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1, 2, 3)])
    for change in (
        {"revision": "b" * 40},
        {"device": "cuda"},
        {"perturbation": "noise:20dB"},
        {"dtype": "bfloat16"},
        {"window_s": 10.0},
        {"head": "dense-out"},
        {"versions": {"torch": "2.14.0"}},
        {"preprocessor": {"sampling_rate": 8000}},
    ):
        assert store.read(SETUP.model_copy(update=change)) == {}


def test_compacting_keeps_every_prediction_in_one_part(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    for index in range(5):
        store.add(SETUP, [prediction(f"clip{index}", index, 0, 0)])
    store.compact(SETUP)
    assert len(parts(tmp_path)) == 1
    assert store.read(SETUP).keys() == {f"clip{index}" for index in range(5)}


def test_a_later_answer_replaces_an_earlier_one(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1, 0, 0)])
    store.compact(SETUP)
    store.add(SETUP, [prediction("a", 2, 0, 0)])
    logits = store.read(SETUP)["a"].logits
    assert logits is not None
    assert logits[0] == 2


def test_a_part_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1, 2, 3)])
    store.add(SETUP, [prediction("b", 1, 2, 3)])
    broken = parts(tmp_path)[0]
    os.truncate(broken, 100)
    assert len(store.read(SETUP)) == 1


@pytest.mark.parametrize(("version", "outcome"), [(b"0", "miss"), (b"99", "newer")])
def test_an_old_schema_is_a_miss_and_a_newer_one_is_refused(tmp_path: Path, version: bytes, outcome: str) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1, 2, 3)])
    (path,) = parts(tmp_path)
    table = pq.read_table(path)
    metadata = {**table.schema.metadata, b"bench.schema_version": version}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    if outcome == "miss":
        assert store.read(SETUP) == {}
    else:
        with pytest.raises(RequestError, match="newer version"):
            store.read(SETUP)


def test_the_setup_is_kept_beside_the_predictions(tmp_path: Path) -> None:
    PredictionStore(tmp_path).add(SETUP, [prediction("a", 1, 2, 3)])
    (path,) = parts(tmp_path)
    stored = pq.read_schema(path).metadata[b"bench.setup"]
    assert InferenceSetup.model_validate_json(stored) == SETUP
    assert path.is_relative_to(tmp_path / "org__model" / SETUP.revision)


def test_what_is_merged_by_another_process_in_between_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1.0, 0.0, 0.0)])
    store.add(SETUP, [prediction("b", 0.0, 1.0, 0.0)])
    read_part = store_module._read_part

    def merged_first(path: Path, labels: int) -> object:
        monkeypatch.setattr(store_module, "_read_part", read_part)
        PredictionStore(tmp_path).compact(SETUP)
        return read_part(path, labels)

    monkeypatch.setattr(store_module, "_read_part", merged_first)
    assert store.read(SETUP).keys() == {"a", "b"}
    assert len(parts(tmp_path)) == 1


def test_an_answer_that_is_added_while_parts_are_merged_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1.0, 0.0, 0.0)])
    store.add(SETUP, [prediction("a", 0.0, 1.0, 0.0)])
    read = PredictionStore._read

    def added_behind(self: PredictionStore, *arguments: Any) -> Any:
        table = read(self, *arguments)
        PredictionStore(tmp_path).add(SETUP, [prediction("a", 0.0, 0.0, 1.0)])
        return table

    with monkeypatch.context() as context:
        context.setattr(PredictionStore, "_read", added_behind)
        store.compact(SETUP)
    newest = store.read(SETUP)["a"].logits
    assert newest is not None
    assert newest.tolist() == [0.0, 0.0, 1.0]
