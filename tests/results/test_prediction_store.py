import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import RequestError
from benchmark.results.entries import EntryParts, Sidecar
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.storage import Storage

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
    assert first_logit(store, "a") == 2


def test_a_part_that_was_cut_off_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1, 2, 3)])
    store.add(SETUP, [prediction("b", 1, 2, 3)])
    broken = parts(tmp_path)[0]
    os.truncate(broken, 100)
    for _ in range(2):
        assert store.read(SETUP).keys() == {"b"}
    assert caplog.text.count(f"{broken} is left out, as if its clips had not been answered") == 1


@pytest.mark.parametrize(("version", "outcome"), [(0, "miss"), (99, "newer")])
def test_an_old_schema_is_a_miss_and_a_newer_one_is_refused(tmp_path: Path, version: int, outcome: str) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1, 2, 3)])
    (sidecar,) = tmp_path.rglob("*.meta")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"content_schema": version}))
    if outcome == "miss":
        assert store.read(SETUP) == {}
    else:
        with pytest.raises(RequestError, match="newer version"):
            store.read(SETUP)


def test_an_old_cache_is_a_miss_reported_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    PredictionStore(tmp_path).add(SETUP, [prediction("a", 1, 2, 3)])
    PredictionStore(tmp_path).add(SETUP, [prediction("b", 1, 2, 3)])
    for sidecar in tmp_path.rglob("*.meta"):
        sidecar.unlink()
    for _ in range(2):
        assert PredictionStore(tmp_path).read(SETUP) == {}
    assert caplog.messages == [f"{tmp_path} holds results of an earlier version of bench, which are not used any more."]


def test_the_setup_is_kept_beside_the_predictions(tmp_path: Path) -> None:
    PredictionStore(tmp_path).add(SETUP, [prediction("a", 1, 2, 3)])
    (path,) = tmp_path.rglob("*.meta")
    sidecar = Sidecar.read(path)
    assert sidecar is not None
    assert (InferenceSetup.model_validate(sidecar.key.details), sidecar.clips) == (SETUP, 1)
    assert path.is_relative_to(tmp_path / "org__model" / SETUP.revision)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Give a function that lets another process act just before the second part is read."""

    def schedule(action: Callable[[], None]) -> None:
        read, parts_read = Storage.read, []

        def interrupted(self: Storage, name: str) -> bytes:
            if name.endswith(".parquet"):
                parts_read.append(name)
                if len(parts_read) == 2:
                    action()
            return read(self, name)

        monkeypatch.setattr(Storage, "read", interrupted)

    return schedule


def test_what_is_merged_by_another_process_in_between_is_read_again(
    tmp_path: Path, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1.0, 0.0, 0.0)])
    store.add(SETUP, [prediction("b", 0.0, 1.0, 0.0)])
    meanwhile(lambda: PredictionStore(tmp_path).compact(SETUP))
    assert store.read(SETUP).keys() == {"a", "b"}
    assert len(parts(tmp_path)) == 1


def test_of_two_processes_that_merge_at_once_the_slower_leaves_it_to_the_other(
    tmp_path: Path, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1.0, 0.0, 0.0)])
    store.add(SETUP, [prediction("a", 0.0, 1.0, 0.0)])
    meanwhile(lambda: PredictionStore(tmp_path).compact(SETUP))
    store.compact(SETUP)
    assert first_logit(store, "a") == 0.0
    assert len(parts(tmp_path)) == 1


def test_an_answer_that_is_added_while_parts_are_merged_counts(
    tmp_path: Path, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1.0, 0.0, 0.0)])
    store.add(SETUP, [prediction("a", 2.0, 1.0, 0.0)])
    meanwhile(lambda: PredictionStore(tmp_path).add(SETUP, [prediction("a", 3.0, 0.0, 1.0)]))
    store.compact(SETUP)
    assert first_logit(store, "a") == 3.0
    store.compact(SETUP)
    assert first_logit(store, "a") == 3.0


def test_an_answer_of_a_writer_that_took_the_same_number_as_the_newest_part_is_not_outranked_by_merging(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PredictionStore(tmp_path)
    store.add(SETUP, [prediction("a", 1.0, 0.0, 0.0)])
    store.add(SETUP, [prediction("b", 1.0, 0.0, 0.0)])
    before = [part.relative_to(tmp_path).as_posix() for part in parts(tmp_path)]
    store.compact(SETUP)
    with monkeypatch.context() as context:  # it has listed the parts before the second one was there
        context.setattr(EntryParts, "names", lambda self: tuple(before[:1]))
        store.add(SETUP, [prediction("a", 2.0, 0.0, 0.0)])
    assert first_logit(store, "a") == 2.0


def test_what_many_writers_add_at_once_is_all_there(tmp_path: Path) -> None:
    def write(writer: int) -> None:
        store = PredictionStore(tmp_path)
        for clip in range(5):
            store.add(SETUP, [prediction(f"{writer}/{clip}", writer, clip, 0)])
        store.compact(SETUP)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(PredictionStore(tmp_path).read(SETUP)) == 20


def first_logit(store: PredictionStore, clip: str) -> float:
    logits = store.read(SETUP)[clip].logits
    assert logits is not None
    return float(logits[0])
