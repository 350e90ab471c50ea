"""A run with a faster engine, whose answers are the reference's, whatever happens to its workers or its model."""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.corpora.clips import Clip
from benchmark.evaluation.context import RunContext
from benchmark.evaluation.decoding import ClipSet, decode_corpus
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.plan import InferencePlan
from benchmark.evaluation.runner import InferenceRunner
from benchmark.evaluation.sessions import LoadedModels, ModelSession
from benchmark.models.backends.conversion import convert
from benchmark.models.backends.converted import ConvertedModel
from benchmark.models.backends.openvino_backend import computes_in
from benchmark.models.checkpoint import load_checkpoint
from benchmark.progress import Silent
from benchmark.results.prediction_store import PredictionStore
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Raised
from tests.support.evaluations import (
    ALWAYS,
    FAST,
    RATE,
    TORCH,
    Exchange,
    Run,
    around_exchange,
    evaluation_of,
    forbid_workers,
    kill_workers_of,
)
from tests.support.tiny_models import write_tiny


def converted_in(cache: Path) -> Path:
    (description,) = cache.rglob("manifest.json")
    return description.parent


def test_a_run_with_openvino_answers_as_one_with_torch_and_says_how_close(run: Callable[..., Run]) -> None:
    fast, exact = run(), run(options=TORCH)
    assert (fast.record.setup.backend, exact.record.setup.backend) == ("openvino", "torch")
    assert "openvino" in fast.record.setup.versions
    assert fast.record.failure is None
    assert fast.same_as(exact, within=3e-6)
    assert fast.answers["9.wav"].windows == 2
    assert "needs at least 400" in (fast.answers["10.wav"].failure or "")
    inference = fast.inference
    assert (inference.asked, inference.backend, inference.dtype) == ("openvino", "openvino", "float32")
    assert inference.fallbacks == ()
    assert inference.checked_clips == 10  # all but the one too short
    assert 0 <= (inference.largest_difference or 0) < 3e-6
    assert (inference.conversion_s or 0) > 0


def test_a_second_run_starts_no_worker(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_workers(monkeypatch)
    assert len(run().answers) == 11


def test_a_corpus_that_grew_costs_its_new_clips_and_no_second_conversion(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run(kept=slice(4), empty=True)
    assert (before.inference.backend, before.inference.fallbacks) == ("openvino", ())
    sizes: list[int] = []

    def counted(session: ModelSession, windows: list[Any], exchange: Exchange) -> Answer:
        sizes.extend(window.size for window in windows)
        return exchange()

    around_exchange(monkeypatch, counted)
    after = run(kept=slice(6))
    assert sizes == [round(0.8 * RATE), round(0.7 * RATE)], after.inference  # the longest first
    assert after.inference.checked_clips == 6
    assert after.inference.conversion_s == before.inference.conversion_s


@pytest.mark.parametrize("compared", [False, True])
def test_a_wrong_model_in_the_cache_is_caught_and_torch_answers(
    run: Callable[..., Run], tmp_path: Path, compared: bool
) -> None:
    exact = run(options=TORCH)
    other = load_checkpoint(write_tiny("hubert", tmp_path / "other", seed=1))
    folder = converted_in(tmp_path / "cache")
    shutil.rmtree(folder)
    assert convert(other, "openvino", folder)  # whole, and wrong
    if not compared:  # else the result about the right one still stands beside it
        (check,) = (tmp_path / "cache").rglob("*.parity.json")
        check.unlink()
    fell_back = run(options=ALWAYS)
    assert (fell_back.record.setup.backend, fell_back.record.failure) == ("torch", None)
    assert fell_back.same_as(exact)
    (reason,) = fell_back.inference.fallbacks
    assert reason.startswith("openvino float32 was not taken: on 4 clips its probabilities differ")
    assert reason.endswith("and 1e-03 is allowed.")
    assert run().inference.fallbacks == (reason,)  # known without trying again


@pytest.mark.parametrize("harm", ["gone", "cut off"])
def test_a_converted_model_that_is_not_whole_is_made_again(
    run: Callable[..., Run], tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    run()
    folder = converted_in(tmp_path / "cache")
    if harm == "gone":
        shutil.rmtree(folder)
    else:
        (folder / "model.bin").write_bytes((folder / "model.bin").read_bytes()[:-8])
    again = run(options=ALWAYS)
    assert (again.record.setup.backend, again.record.failure) == ("openvino", None)
    assert ConvertedModel.open(folder) is not None
    assert ("the content of its model.bin is not what was written" in caplog.text) == (harm == "cut off")


@pytest.mark.skipif(not computes_in("bfloat16"), reason="this processor does not compute in bfloat16")
def test_a_worker_that_is_killed_in_the_middle_of_the_run_costs_its_engine_only(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_workers_of("openvino bfloat16", monkeypatch)
    fast = run(options=FAST)
    assert (fast.inference.backend, fast.inference.dtype, fast.record.failure) == ("openvino", "float32", None)
    (reason,) = fast.inference.fallbacks
    assert reason.startswith("openvino bfloat16 was not taken: its worker ended in the middle of the run")
    assert "SIGKILL" in reason
    assert reason.endswith(".")
    assert not reason.endswith("..")
    assert len(fast.answers) == 11


def test_a_faster_engine_whose_worker_is_killed_once_is_tried_again_and_stays(
    run: Callable[..., Run], converted: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []

    def kill_once(session: ModelSession, windows: list[Any], exchange: Exchange) -> Answer:
        if not killed:
            killed.append(session._worker.pid or 0)
            os.kill(killed[0], signal.SIGKILL)
        return exchange()

    around_exchange(monkeypatch, kill_once)
    fast = run(options=ALWAYS)
    assert killed
    assert (fast.inference.backend, fast.inference.fallbacks, fast.record.failure) == ("openvino", (), None)
    assert fast.same_as(converted[1])


def test_latency_is_measured_with_the_engine_that_answered(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_workers_of("openvino float32", monkeypatch)
    ran = run(options=replace(ALWAYS, latency_budget_s=1e-6, segment_s=0.3))
    assert ran.record.setup.backend == "torch"
    assert [measured.backend for measured in ran.result.latencies] == ["torch"]


def test_windows_that_cannot_be_exchanged_end_the_engine_and_change_no_answer(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def lose_one(session: ModelSession, windows: list[Any], exchange: Exchange) -> Answer:
        answer = exchange()
        calls.append(1)
        if str(session.implementation.engine) == "openvino float32" and len(calls) == 8:
            return Raised(kind="RuntimeError", message="can't start new thread", outer="RuntimeError")
        return answer

    around_exchange(monkeypatch, lose_one)
    ran = run(options=ALWAYS)
    assert "can't start new thread" in ran.inference.fallbacks[0]
    assert (ran.record.setup.backend, ran.record.failure) == ("torch", None)
    monkeypatch.undo()
    assert ran.same_as(run(options=TORCH))


def test_a_run_that_is_interrupted_goes_on_with_the_same_answers(
    run: Callable[..., Run], converted: tuple[Path, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = ModelSession.exchange
    calls: list[int] = []

    def interrupted(self: ModelSession, windows: Any, most_pending: int) -> Answer:
        calls.append(len(windows))
        if len(calls) == 9:
            signal.raise_signal(signal.SIGINT)
        return exchange(self, windows, most_pending)

    with monkeypatch.context() as context:
        context.setattr(ModelSession, "exchange", interrupted)
        first = run(empty=True)
    assert first.result.interrupted
    resumed = run(jobs=2)
    assert not resumed.result.interrupted
    assert resumed.record.setup.key == converted[1].record.setup.key
    assert len(resumed.answers) == 11


def test_the_number_of_threads_changes_no_answer_by_a_bit(run: Callable[..., Run]) -> None:
    before = run()
    assert run(options=ALWAYS, jobs=64).same_as(before)


def test_a_model_that_is_kept_is_loaded_once_for_all_parts(
    subjects: dict[str, Subject], recordings: tuple[Clip, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, loads = ModelSession.load, list[str]()

    def counted(session: ModelSession) -> Any:
        loads.append(session.subject.name)
        return load(session)

    monkeypatch.setattr(ModelSession, "load", counted)
    evaluation = evaluation_of((subjects["hubert"],), recordings, tmp_path / "cache")
    whole = Run(evaluation)
    decoded = decode_corpus(evaluation.corpora[0], evaluation.reader, Silent())
    context = RunContext(
        clips=ClipSet.of([decoded]),
        reader=evaluation.reader,
        options=TORCH,
        store=PredictionStore(tmp_path / "parts"),
        settings=Settings(cache=tmp_path / "parts"),
        threads=evaluation.environment.cores,
    )
    plan = InferencePlan.build(subjects["hubert"], "cpu", context)
    loads.clear()
    with LoadedModels(keep=True) as models:
        hashes = list(context.clips.audio)
        for part in (hashes[::2], hashes[1::2]):
            InferenceRunner(plan, context.clips.only(part), models).run(None)
    assert loads == ["hubert"]
    stored = context.store.read(plan.reference.setup)
    assert set(stored) == set(hashes)
    known = evaluation.store.read(whole.record.setup)
    pairs: list[tuple[Any, Any]] = [(stored[name].logits, known[name].logits) for name in hashes]
    assert [mine is None for mine, _ in pairs].count(False) == 10
    assert all(mine is other or np.array_equal(mine, other) for mine, other in pairs)
