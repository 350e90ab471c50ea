"""A whole run: every clip answered, the same to the bit, whatever the order, the jobs, or a stop in between."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

import benchmark
from benchmark.audio.perturbation import parse_perturbations
from benchmark.audio.waveform import resample
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip
from benchmark.evaluation.context import Overwrite, RunOptions
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.evaluate import Evaluation
from benchmark.evaluation.sessions import ModelSession
from benchmark.evaluation.shards import Shard
from benchmark.models.backends.protocol import is_installed
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.load_reports import LoadReport
from benchmark.progress import Silent
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Failure
from tests.support.audio import path_of, waveform_of
from tests.support.evaluations import RATE, TORCH, Run, before_predicting, evaluation_of, forbid_workers, write_clips
from tests.support.lost_workers import ALWAYS, end_workers

SetUp = Callable[..., Evaluation]
PERTURBED = replace(TORCH, perturbations=parse_perturbations(["gain:-12dB,speed:1.1"]))


@pytest.fixture(scope="module")
def ended(subjects: dict[str, Subject], clips: tuple[Clip, ...], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Give a run of both candidates on clips as they are and perturbed."""
    return Run(evaluation_of(tuple(subjects.values()), clips, tmp_path_factory.mktemp("ended"), options=PERTURBED))


def send(number: signal.Signals, candidate: str, *, calls: Collection[int]) -> Callable[[ModelSession, int], None]:
    """Send a signal to a candidate's worker before some of its calls, counted from 1 over all its workers."""

    def act(session: ModelSession, call: int) -> None:
        if session.subject.name == candidate and call in calls:
            os.kill(session._worker.pid or 0, number)

    return act


def test_every_readable_clip_is_answered_as_plain_transformers_does(
    ended: Run, subjects: dict[str, Subject], clips: tuple[Clip, ...]
) -> None:
    assert ended.failures == {"wav2vec2": None, "hubert": None}
    for name, subject in subjects.items():
        model = AutoModelForAudioClassification.from_pretrained(subject.folder, dtype=torch.float32).eval()
        extractor = AutoFeatureExtractor.from_pretrained(subject.folder)
        answers = ended.answers_of(name)
        for clip in clips[:4]:
            samples, rate = soundfile.read(path_of(clip), dtype="float32")
            with torch.inference_mode():
                logits = model(**extractor(samples, sampling_rate=rate, return_tensors="pt")).logits[0].numpy()
            assert answers[clip.name].logits == pytest.approx(logits, abs=1e-6)


def test_a_clip_nobody_can_read_and_one_a_model_cannot_process_do_not_stop_the_run(ended: Run) -> None:
    unreadable = ended.result.corpora[0].clips[4]
    assert unreadable.clip_hash is None
    assert unreadable.failure
    too_short = ended.answers_of("hubert")["5.wav"]
    assert too_short.logits is None
    assert "400" in (too_short.failure or "")


def test_perturbed_clips_are_answered_apart_from_the_others_under_their_own_hash(
    ended: Run, subjects: dict[str, Subject], clips: tuple[Clip, ...]
) -> None:
    perturbed = [(record.candidate, record.setup.perturbation, record.failure) for record in ended.result.perturbed]
    assert perturbed == [(name, form, None) for name in subjects for form in ("gain:-12dB", "speed:1.1")]
    assert [record.setup.perturbation for record in ended.result.evaluations] == [None, None]
    samples = waveform_of(clips[0]).samples
    for name, subject in subjects.items():
        answers = ended.answers_of(name, "gain:-12dB")
        expected = load_checkpoint(subject.folder).clip_logits(samples * np.float32(10 ** (-12 / 20)))
        assert answers["0.wav"].logits == pytest.approx(expected, abs=1e-6)
        assert answers["0.wav"].clip_hash == ended.answers_of(name)["0.wav"].clip_hash
        assert len(answers) == 5
        assert answers["5.wav"].logits is None  # too short for the model, perturbed or not


def test_overwrite_always_computes_again_and_never_computes_nothing(evaluation: SetUp) -> None:
    assert Run(evaluation(options=replace(TORCH, overwrite=Overwrite.NEVER))).answers == {}
    Run(evaluation())
    again = Run(evaluation(options=replace(TORCH, overwrite=Overwrite.ALWAYS)))
    assert all(record.log for record in again.result.evaluations)
    assert len(again.answers_of("hubert")) == 5


def test_the_first_of_several_shards_measures_the_latency_of_all_candidates(evaluation: SetUp) -> None:
    options = replace(TORCH, latency_budget_s=1e-6, segment_s=0.3)
    first, second = (replace(evaluation(options=options), shard=Shard(index, 2)).run(Silent()) for index in (1, 2))
    assert [timing.candidate for timing in first.latencies] == ["wav2vec2", "hubert"]
    assert second.latencies == []
    assert {name: own.clips for name, own in first.ranges.items()} == {"wav2vec2": 5, "hubert": 0}
    assert {name: own.clips for name, own in second.ranges.items()} == {"hubert": 5}
    assert [record.failure for result in (first, second) for record in result.evaluations] == [None] * 3
    assert first.digest == second.digest


@pytest.mark.parametrize(
    ("number", "calls", "reason"), [(signal.SIGSEGV, (3, 4), "SIGSEGV"), (signal.SIGSTOP, (3,), "within 2 s")]
)
def test_a_worker_that_dies_twice_or_hangs_costs_its_candidate_only(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, calls: tuple[int, ...], reason: str
) -> None:
    before_predicting(monkeypatch, send(number, "wav2vec2", calls=calls))
    run = Run(evaluation(clip_timeout_s=2.0))
    assert reason in (run.failures["wav2vec2"] or "")
    assert run.failures["hubert"] is None
    assert len(run.answers_of("wav2vec2")) == 2  # what was answered before is kept
    assert len(run.answers_of("hubert")) == 5


def test_a_worker_that_dies_over_perturbed_clips_leaves_the_others_scored(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second of the first perturbation, and the next one when it is tried again.
    before_predicting(monkeypatch, send(signal.SIGKILL, "wav2vec2", calls=(7, 8)))
    run = Run(evaluation(options=PERTURBED))
    assert run.failures == {"wav2vec2": None, "hubert": None}
    failed = {(record.candidate, record.setup.perturbation) for record in run.result.perturbed if record.failure}
    assert failed == {("wav2vec2", "gain:-12dB"), ("wav2vec2", "speed:1.1")}
    assert len(run.answers_of("wav2vec2", "gain:-12dB")) == 1
    assert len(run.answers_of("hubert", "speed:1.1")) == 5


@pytest.mark.parametrize("overwrite", [Overwrite.MISSING, Overwrite.ALWAYS])
def test_a_candidate_that_loses_its_worker_once_goes_on_alone_with_the_same_answers(
    evaluation: SetUp, ended: Run, monkeypatch: pytest.MonkeyPatch, overwrite: Overwrite
) -> None:
    calls: list[str] = []

    def kill(session: ModelSession, call: int) -> None:
        calls.append(session.subject.name)
        if (session.subject.name, call) == ("wav2vec2", 3):
            os.kill(session._worker.pid or 0, signal.SIGKILL)

    before_predicting(monkeypatch, kill)
    run = Run(evaluation(options=replace(PERTURBED, overwrite=overwrite)))
    assert not [record.failure for record in (*run.result.evaluations, *run.result.perturbed) if record.failure]
    assert run.same_as(ended)
    assert calls[-13:] == ["wav2vec2"] * 13  # after all others; what was answered before the kill is not done again
    assert len(calls) == 2 * 15 + 1


def test_a_candidate_whose_worker_dies_while_it_is_loaded_is_loaded_again(
    evaluation: SetUp, ended: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        end_workers(context, "load", of="wav2vec2")
        assert Run(evaluation()).same_as(ended)
    end_workers(monkeypatch, "load", of="wav2vec2", calls=ALWAYS)
    run = Run(evaluation(options=replace(TORCH, overwrite=Overwrite.ALWAYS)))
    assert "It could not be loaded again when it was tried once more, alone: the worker was killed (SIGKILL)" in (
        run.failures["wav2vec2"] or ""
    )
    assert run.failures["hubert"] is None


def test_answers_that_are_deleted_while_others_are_computed_are_computed_again(
    evaluation: SetUp, ended: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(session: ModelSession, call: int) -> None:
        if (session.subject.name, call) == ("hubert", 2):
            shutil.rmtree(tmp_path / "cache")

    before_predicting(monkeypatch, delete)
    run = Run(evaluation())
    assert run.failures == {"wav2vec2": None, "hubert": None}
    assert run.same_as(ended)


def test_answers_that_are_deleted_at_the_end_are_missing_and_said_to_be(
    evaluation: SetUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_calls = ModelSession.time_calls

    def delete(self: ModelSession, *arguments: Any, **options: Any) -> Answer:
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        return time_calls(self, *arguments, **options)

    monkeypatch.setattr(ModelSession, "time_calls", delete)
    run = evaluation(options=replace(TORCH, latency_budget_s=0.1, segment_s=0.3)).run(Silent())
    assert [record.failure for record in run.evaluations] == [
        "5 of 5 answers are not in the cache any more: it was deleted during the run."
    ] * 2


def test_an_interrupted_run_keeps_what_was_finished_and_goes_on_from_there(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(session: ModelSession, calls: int) -> None:
        if (session.subject.name, calls) == ("hubert", 2):
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as context:
        before_predicting(context, interrupt)
        stopped = Run(evaluation())
    assert stopped.result.interrupted
    assert len(stopped.answers_of("wav2vec2")) == 5
    resumed = Run(evaluation())
    assert not resumed.result.interrupted
    assert len(resumed.answers_of("hubert")) == 5


def test_only_perturbed_clips_are_computed_where_the_others_are_stored(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    Run(evaluation())
    calls, loads, load = list[str](), list[str](), ModelSession.load

    def loaded(self: ModelSession) -> LoadReport | Failure:
        loads.append(self.subject.name)
        return load(self)

    before_predicting(monkeypatch, lambda session, _: calls.append(session.subject.name))
    monkeypatch.setattr(ModelSession, "load", loaded)
    Run(evaluation(options=PERTURBED))
    assert len(calls) == 2 * 2 * 5
    assert loads == ["wav2vec2", "hubert"]  # once for all perturbations
    forbid_workers(monkeypatch)
    again = Run(evaluation(options=replace(PERTURBED, find_speech=False)))
    assert len(again.answers_of("hubert", "speed:1.1")) == 5


def long_clip(folder: Path, seconds: float) -> Clip:
    path = folder / "long.wav"
    samples = np.random.default_rng(5).normal(0, 0.1, (int(seconds * 22_050), 2))
    soundfile.write(path, samples, 22_050)
    return Clip(name="long.wav", audio=AudioFile(path), label="anger")


def test_a_long_clip_is_answered_window_by_window_and_averaged_as_in_one_call(
    evaluation: SetUp, subjects: dict[str, Subject], tmp_path: Path
) -> None:
    clip = long_clip(tmp_path, 68.5)
    run = Run(evaluation(clips=(clip,)))
    whole = resample(waveform_of(clip), RATE).samples
    for name, subject in subjects.items():
        answer = run.answers_of(name)["long.wav"]
        expected = load_checkpoint(subject.folder).clip_logits(whole)
        assert answer.windows == 3
        assert answer.logits == pytest.approx(expected, abs=1e-6)


def test_a_clip_that_is_lost_during_the_run_is_left_out_for_all_candidates_and_tried_again_by_the_next(
    evaluation: SetUp, clips: tuple[Clip, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = long_clip(tmp_path, 1.0)
    path = path_of(clip)
    content = path.read_bytes()
    load, loaded, warnings = ModelSession.load, list[ModelSession](), list[str]()

    def load_when_it_is_gone(self: ModelSession) -> LoadReport | Failure:
        loaded.append(self)
        if len(loaded) == 2:  # the first candidate has answered
            path.unlink()
        return load(self)

    with monkeypatch.context() as context:
        context.setattr(ModelSession, "load", load_when_it_is_gone)
        context.setattr(Silent, "warn", lambda self, message: warnings.append(message))
        run = Run(evaluation(clips=(clips[0], clip)))
    assert run.failures == {"wav2vec2": None, "hubert": None}
    for name in ("wav2vec2", "hubert"):
        assert {clip: answer.logits is not None for clip, answer in run.answers_of(name).items()} == {"0.wav": True}
    lost = run.result.corpora[0].clips[1]
    assert (lost.clip, lost.clip_hash, lost.duration_s) == ("long.wav", None, None)
    assert "does not exist" in (lost.failure or "")
    assert [message for message in warnings if "1 of 2 clips could not be read any more" in message]
    path.write_bytes(content)
    assert Run(evaluation(clips=(clips[0], clip))).answers_of("hubert")["long.wav"].logits is not None


@pytest.fixture(scope="module")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, ...]:
    """Give recordings of many lengths, in a folder of their own."""
    return write_clips(tmp_path_factory.mktemp("twelve"), tuple(np.random.default_rng(11).uniform(0.2, 1.5, 12)))


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_order_and_jobs_and_a_stop_in_between_change_no_bit(
    evaluation: SetUp, twelve: tuple[Clip, ...], tmp_path: Path, backend: str
) -> None:
    if not is_installed(backend):
        pytest.skip(f"{backend} is not installed")
    options = RunOptions(latency_budget_s=0, engines=EngineChoice(backend=backend))

    def logits(name: str, clips: tuple[Clip, ...], *, jobs: int = 1) -> dict[tuple[str, str], NDArray[np.float32]]:
        made = evaluation(clips=clips, cache=tmp_path / name, options=options, jobs=jobs)
        environment = made.environment.model_copy(update={"cores": jobs})  # one thread each, however many jobs
        run = Run(replace(made, environment=environment))
        assert run.failures == {"wav2vec2": None, "hubert": None}
        return {
            (candidate, clip): np.asarray(answer.logits)
            for candidate in run.failures
            for clip, answer in run.answers_of(candidate).items()
        }

    expected = logits("plain", twelve)
    assert len(expected) == 24
    logits("resumed", twelve[:5])
    for found in (logits("backwards", twelve[::-1]), logits("together", twelve, jobs=2), logits("resumed", twelve)):
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[key], expected[key]) for key in expected)


# Ends itself as the kernel would, once a few answers are on the disk and a few more are not.
KILLED = """
import os, signal, sys
from benchmark.evaluation import runner
from benchmark.results.prediction_store import PredictionStore
import benchmark
runner._FLUSH_CLIPS = 4
add, parts = PredictionStore.add, []
def counted(self, setup, predictions):
    add(self, setup, predictions)
    parts.append(setup)
    if len(parts) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
PredictionStore.add = counted
benchmark.run(models=[sys.argv[1]], corpora=["folder:" + sys.argv[2]], latency_seconds=0, find_speech=False,
              backend="torch", output="reports")
"""


def test_a_run_whose_process_was_killed_goes_on_where_it_was_and_a_further_one_starts_no_worker(
    subjects: dict[str, Subject], twelve: tuple[Clip, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, folder = str(subjects["hubert"].folder), path_of(twelve[0]).parent
    cache = tmp_path / ".bench"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, checkpoint, str(folder)],
        cwd=tmp_path,
        env={**os.environ, "BENCH_CACHE": str(cache), "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    calls: list[str] = []
    before_predicting(monkeypatch, lambda session, _: calls.append(session.subject.name))

    def run() -> int | None:
        outcome = benchmark.run(
            models=[checkpoint], corpora=[f"folder:{folder}"], latency_seconds=0, find_speech=False, backend="torch",
            devices=["cpu"], output=tmp_path / "reports", settings=Settings(cache=cache),
        )  # fmt: skip
        return outcome.leaderboard.rows[0].clips

    assert run() == 12
    assert len(calls) == 12 - 2 * 4
    forbid_workers(monkeypatch)
    assert run() == 12
