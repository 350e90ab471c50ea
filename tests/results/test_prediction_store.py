import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.results.cache_entries import EntryParts, Sidecar
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.storage import Storage
from tests.support.command_line import run_bench
from tests.support.damage import rewrite
from tests.support.finished_runs import setup_of, verification

LABELS = ("sad", "happy", "분노")
SETUP = setup_of(verification("model", LABELS))


def prediction(name: str, *values: float) -> Prediction:
    logits = np.array(values, dtype=np.float32) if values else None
    failure = None if values else "too short"
    return Prediction(clip_hash=name, logits=logits, windows=1, failure=failure, seconds=0.25)


def parts(cache: Path) -> list[Path]:
    return sorted(cache.rglob("part-*.parquet"))


def first_logit(store: PredictionStore, clip: str) -> float:
    logits = store.read(SETUP)[clip].logits
    assert logits is not None
    return float(logits[0])


@pytest.fixture
def store(tmp_path: Path) -> PredictionStore:
    """Give an empty store."""
    return PredictionStore(tmp_path)


def random_predictions(seed: int, clips: int) -> list[Prediction]:
    """Answers, failures, logits that are not numbers, impossible labels, and several windows."""
    generator = np.random.default_rng(seed)
    predictions = []
    for number in range(clips):
        kind, logits = generator.integers(6), generator.normal(0, 3, len(LABELS)).astype(np.float32)
        if kind < 2:
            logits[generator.integers(len(LABELS))] = (np.nan, -np.inf)[kind]
        windows, seconds = int(generator.integers(1, 5)), float(generator.random())
        answered = Prediction(clip_hash=f"clip {number}", logits=logits, windows=windows, failure=None, seconds=seconds)
        predictions.append(replace(answered, logits=None, failure="too short") if kind == 2 else answered)
    return predictions


def test_what_was_added_is_read_back_exactly_before_and_after_compacting(
    store: PredictionStore, tmp_path: Path
) -> None:
    predictions, later = random_predictions(1, 200), random_predictions(2, 30)
    for start in range(0, 200, 70):
        store.add(SETUP, predictions[start : start + 70])
    store.add(SETUP, later)
    expected = {prediction.clip_hash: prediction for prediction in (*predictions, *later)}
    for _ in range(2):
        table = store.read(SETUP)
        assert list(table) == list(expected)
        for clip_hash, original in expected.items():
            assert replace(table[clip_hash], logits=None) == replace(original, logits=None)
            np.testing.assert_array_equal(table[clip_hash].logits, original.logits, strict=True)
        store.compact(SETUP)
    assert len(parts(tmp_path)) == 1


def test_nothing_stored_is_nothing_read(store: PredictionStore, tmp_path: Path) -> None:
    store.add(SETUP, [])
    assert store.read(SETUP) == {}
    assert parts(tmp_path) == []


def test_another_setup_does_not_see_the_predictions(store: PredictionStore) -> None:
    store.add(SETUP, [prediction("a", 1, 2, 3)])
    assert store.read(SETUP.model_copy(update={"perturbation": "noise:20dB"})) == {}


def test_a_part_that_was_cut_off_is_left_out(
    store: PredictionStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.add(SETUP, [prediction("a", 1, 2, 3)])
    store.add(SETUP, [prediction("b", 1, 2, 3)])
    broken = parts(tmp_path)[0]
    os.truncate(broken, 100)
    for _ in range(2):
        assert store.read(SETUP).keys() == {"b"}
    assert caplog.text.count(f"{broken} is damaged: its content is not what was written") == 1


def test_a_part_with_other_labels_is_left_out(
    store: PredictionStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.add(SETUP, [prediction("a", 1, 2, 3)])
    (part,) = parts(tmp_path)
    store.add(SETUP.model_copy(update={"labels": ("sad", "happy")}), [prediction("b", 1, 2)])
    (wrong,) = set(parts(tmp_path)) - {part}
    for path in (wrong, wrong.with_name(f"{wrong.name}.meta")):
        path.rename(part.with_name(path.name))
    assert list(store.read(SETUP)) == ["a"]
    assert "its logits are not those of 3 labels" in caplog.text


def test_an_old_cache_is_a_miss_reported_in_one_line(
    store: PredictionStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.add(SETUP, [prediction("a", 1, 2, 3)])
    store.add(SETUP, [prediction("b", 1, 2, 3)])
    for sidecar in tmp_path.rglob("*.meta"):
        sidecar.unlink()
    for _ in range(2):
        assert PredictionStore(tmp_path).read(SETUP) == {}
    assert caplog.messages == [f"{tmp_path} holds results of an earlier version of bench, which are not used any more."]


def test_parts_of_an_earlier_version_are_a_miss_and_deleted_when_parts_are_merged(
    store: PredictionStore, tmp_path: Path
) -> None:
    for clip in ("a", "b"):
        store.add(SETUP, [prediction(clip, 1, 2, 3)])
    for sidecar in tmp_path.rglob("*.meta"):
        rewrite(sidecar, content_schema=0)
    assert store.read(SETUP) == {}
    store.compact(SETUP)
    assert parts(tmp_path) == []


def test_the_setup_is_kept_beside_the_predictions(store: PredictionStore, tmp_path: Path) -> None:
    store.add(SETUP, [prediction("a", 1, 2, 3)])
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


def test_parts_that_another_process_merges_while_they_are_read_are_read_again(
    store: PredictionStore, tmp_path: Path, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    store.add(SETUP, [prediction("a", 1.0, 0.0, 0.0)])
    store.add(SETUP, [prediction("b", 0.0, 1.0, 0.0)])
    meanwhile(lambda: PredictionStore(tmp_path).compact(SETUP))
    assert store.read(SETUP).keys() == {"a", "b"}
    assert len(parts(tmp_path)) == 1


def test_of_two_processes_that_merge_at_once_the_slower_leaves_it_to_the_other(
    store: PredictionStore, tmp_path: Path, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    store.add(SETUP, [prediction("a", 1.0, 0.0, 0.0)])
    store.add(SETUP, [prediction("a", 0.0, 1.0, 0.0)])
    meanwhile(lambda: PredictionStore(tmp_path).compact(SETUP))
    store.compact(SETUP)
    assert first_logit(store, "a") == 0.0
    assert len(parts(tmp_path)) == 1


def test_an_answer_that_is_added_while_parts_are_merged_counts(
    store: PredictionStore, tmp_path: Path, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    store.add(SETUP, [prediction("a", 1.0, 0.0, 0.0)])
    store.add(SETUP, [prediction("a", 2.0, 1.0, 0.0)])
    meanwhile(lambda: PredictionStore(tmp_path).add(SETUP, [prediction("a", 3.0, 0.0, 1.0)]))
    for _ in range(2):
        store.compact(SETUP)
        assert first_logit(store, "a") == 3.0


def test_an_answer_of_a_writer_that_took_the_same_number_as_the_newest_part_is_not_outranked_by_merging(
    store: PredictionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(SETUP, [prediction("a", 1.0, 0.0, 0.0)])
    store.add(SETUP, [prediction("b", 1.0, 0.0, 0.0)])
    before = [part.relative_to(tmp_path).as_posix() for part in parts(tmp_path)]
    store.compact(SETUP)
    with monkeypatch.context() as context:  # it has listed the parts before the second one was there
        context.setattr(EntryParts, "names", lambda self: tuple(before[:1]))
        store.add(SETUP, [prediction("a", 2.0, 0.0, 0.0)])
    assert first_logit(store, "a") == 2.0


def test_what_many_writers_add_at_once_is_all_there(store: PredictionStore, tmp_path: Path) -> None:
    def write(writer: int) -> None:
        own = PredictionStore(tmp_path)
        for clip in range(5):
            own.add(SETUP, [prediction(f"{writer}/{clip}", writer, clip, 0)])
        own.compact(SETUP)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.read(SETUP)) == 20


@pytest.mark.slow
def test_two_runs_that_fill_one_store_at_once_write_the_same_predictions(tmp_path: Path) -> None:
    request = ("run", "--candidates", "demo", "-m", "hubert-german", "--corpus", "demo", "--backend", "openvino")

    def run(output: Path) -> int:
        return run_bench(*request, "--latency-seconds", 0, "-o", output, folder=tmp_path).returncode

    outputs = [tmp_path / "first", tmp_path / "second"]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, outputs)) == [0, 0]
    first, second = ((output / "predictions.parquet").read_bytes() for output in outputs)
    assert first == second
    checked = run_bench("cache", "check", folder=tmp_path)
    assert (checked.returncode, "nothing damaged" in checked.stdout + checked.stderr) == (0, True)
