"""A whole run: every clip answered, the same to the bit, whatever the order, the jobs, or a stop in between."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from benchmark.audio.perturbation import parse_perturbations
from benchmark.audio.waveform import resample
from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.sources import AudioFile
from benchmark.evaluation.engines import EngineChoice, is_installed
from benchmark.evaluation.evaluate import Evaluated, Evaluation, RunOptions
from benchmark.evaluation.plan import Overwrite
from benchmark.evaluation.sessions import ModelSession
from benchmark.evaluation.subjects import Subject
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.reports import LoadReport
from benchmark.progress import Silent
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import Prediction
from benchmark.settings import Settings
from benchmark.workers import worker
from benchmark.workers.answers import Answer, Failure

SetUp = Callable[..., Evaluation]


Samples = NDArray[np.float32]


def answers(evaluation: Evaluation, result: Evaluated, candidate: str) -> dict[str, Prediction]:
    """Give the stored predictions of a candidate by clip name."""
    setup = next(record.setup for record in result.evaluations if record.candidate == candidate)
    stored = evaluation.store.read(setup)
    return {
        clip.clip: stored[clip_hash]
        for clip in result.corpora[0].clips
        if (clip_hash := clip.clip_hash or "") in stored
    }


def failures(result: Evaluated) -> dict[str, str | None]:
    return {record.candidate: record.failure for record in result.evaluations}


def before_predicting(
    monkeypatch: pytest.MonkeyPatch, candidate: str, calls: int, act: Callable[[ModelSession], None]
) -> None:
    """Do something to the worker of one candidate before its call number `calls`."""
    predict = ModelSession.predict
    seen: list[str] = []

    def wrapped(self: ModelSession, samples: Samples) -> Answer:
        name = self.subject.name
        seen.append(name)
        if name == candidate and seen.count(name) == calls:
            act(self)
        return predict(self, samples)

    monkeypatch.setattr(ModelSession, "predict", wrapped)


def send(number: signal.Signals) -> Callable[[ModelSession], None]:
    def act(session: ModelSession) -> None:
        assert session._worker.pid is not None
        os.kill(session._worker.pid, number)

    return act


def test_every_readable_clip_is_answered_as_plain_transformers_does(
    evaluation: SetUp, subjects: dict[str, Subject], clips: tuple[Clip, ...]
) -> None:
    run = evaluation()
    result = run.run(Silent())
    assert failures(result) == {"wav2vec2": None, "hubert": None}
    for name, subject in subjects.items():
        model = AutoModelForAudioClassification.from_pretrained(subject.folder, dtype=torch.float32).eval()
        extractor = AutoFeatureExtractor.from_pretrained(subject.folder)
        found = answers(run, result, name)
        for clip in clips[:4]:
            samples, rate = soundfile.read(clip.audio.path, dtype="float32")  # type: ignore[attr-defined]
            with torch.inference_mode():
                logits = model(**extractor(samples, sampling_rate=rate, return_tensors="pt")).logits[0].numpy()
            assert found[clip.name].logits == pytest.approx(logits, abs=1e-6)


def test_a_clip_nobody_can_read_and_one_a_model_cannot_process_do_not_stop_the_run(evaluation: SetUp) -> None:
    run = evaluation()
    result = run.run(Silent())
    unreadable = result.corpora[0].clips[4]
    assert unreadable.clip_hash is None
    assert unreadable.failure
    too_short = answers(run, result, "hubert")["5.wav"]
    assert too_short.logits is None
    assert "400" in (too_short.failure or "")


def test_a_second_run_starts_no_worker(evaluation: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    first = evaluation()
    before = answers(first, first.run(Silent()), "hubert")

    def refuse(self: ModelSession) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(ModelSession, "load", refuse)
    second = evaluation()
    after = answers(second, second.run(Silent()), "hubert")
    assert after.keys() == before.keys()


def test_a_corpus_that_grew_costs_only_its_new_clips(evaluation: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation(kept=3).run(Silent())
    asked: list[int] = []
    predict = ModelSession.predict

    def counted(self: ModelSession, samples: Samples) -> Answer:
        asked.append(samples.size)
        return predict(self, samples)

    monkeypatch.setattr(ModelSession, "predict", counted)
    run = evaluation(kept=4)
    result = run.run(Silent())
    assert len(asked) == 2  # one new clip for each of two candidates
    assert len(answers(run, result, "wav2vec2")) == 4


def test_overwrite_always_asks_again_and_never_asks_nobody(evaluation: SetUp) -> None:
    run = evaluation(options=RunOptions(latency_budget_s=0, overwrite=Overwrite.NEVER))
    assert answers(run, run.run(Silent()), "hubert") == {}
    evaluation().run(Silent())
    again = evaluation(options=RunOptions(latency_budget_s=0, overwrite=Overwrite.ALWAYS))
    result = again.run(Silent())
    assert all(record.log for record in result.evaluations)
    assert len(answers(again, result, "hubert")) == 5


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_is_killed_costs_its_candidate_only(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch, kill: signal.Signals
) -> None:
    before_predicting(monkeypatch, "wav2vec2", 3, send(kill))
    run = evaluation()
    result = run.run(Silent())
    failed = failures(result)
    assert kill.name in (failed["wav2vec2"] or "")
    assert failed["hubert"] is None
    assert len(answers(run, result, "wav2vec2")) == 2  # what was answered before is kept
    assert len(answers(run, result, "hubert")) == 5


def test_a_worker_that_hangs_costs_its_candidate_only(evaluation: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    before_predicting(monkeypatch, "wav2vec2", 2, send(signal.SIGSTOP))
    run = evaluation()
    object.__setattr__(run.settings, "clip_timeout_s", 2.0)
    failed = failures(run.run(Silent()))
    assert "within 2 s" in (failed["wav2vec2"] or "")
    assert failed["hubert"] is None


def test_an_interrupted_run_keeps_what_was_finished_and_goes_on_from_there(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(session: ModelSession) -> None:
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as context:
        before_predicting(context, "hubert", 2, interrupt)
        run = evaluation()
        result = run.run(Silent())
    assert result.interrupted
    assert len(answers(run, result, "wav2vec2")) == 5
    resumed = evaluation()
    result = resumed.run(Silent())
    assert not result.interrupted
    assert len(answers(resumed, result, "hubert")) == 5


def test_candidates_side_by_side_give_the_same_answers_as_one_by_one(evaluation: SetUp, tmp_path: Path) -> None:
    alone = evaluation(settings=Settings(cache=tmp_path / "alone"))
    together = evaluation(settings=Settings(cache=tmp_path / "together", jobs=2))
    one, two = (answers(run, run.run(Silent()), "hubert") for run in (alone, together))
    assert one.keys() == two.keys()
    for clip, prediction in one.items():
        if prediction.logits is not None:
            assert prediction.logits == pytest.approx(two[clip].logits, abs=1e-6)


def long_clip(folder: Path, seconds: float) -> Clip:
    path = folder / "long.wav"
    samples = np.random.default_rng(5).normal(0, 0.1, (int(seconds * 22_050), 2))
    soundfile.write(path, samples, 22_050)
    return Clip(name="long.wav", audio=AudioFile(path), label="anger")


def test_a_long_clip_is_answered_window_by_window_and_averaged_as_in_one_call(
    evaluation: SetUp, subjects: dict[str, Subject], tmp_path: Path
) -> None:
    clip = long_clip(tmp_path, 68.5)
    run = replace(evaluation(), corpora=[Corpus(name="long", source="", clips=(clip,), available_clips=1)])
    result = run.run(Silent())
    for name, subject in subjects.items():
        found = answers(run, result, name)["long.wav"]
        whole = resample(clip.audio.waveform(), 16_000).samples
        expected = load_checkpoint(subject.folder).clip_logits(whole)
        assert found.windows == 3
        assert found.logits == pytest.approx(expected, abs=1e-6)


def test_a_clip_that_is_lost_during_the_run_is_left_out_for_all_candidates_and_tried_again_by_the_next(
    evaluation: SetUp, clips: tuple[Clip, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = long_clip(tmp_path, 1.0)
    content = clip.audio.path.read_bytes()  # type: ignore[attr-defined]
    corpus = Corpus(name="two", source="", clips=(clips[0], clip), available_clips=2)

    load, loaded, told = ModelSession.load, list[ModelSession](), list[str]()

    def load_when_it_is_gone(self: ModelSession) -> LoadReport | Failure:
        loaded.append(self)
        if len(loaded) == 2:  # the first candidate has answered
            clip.audio.path.unlink()  # type: ignore[attr-defined]
        return load(self)

    with monkeypatch.context() as context:
        context.setattr(ModelSession, "load", load_when_it_is_gone)
        context.setattr(Silent, "warn", lambda self, message: told.append(message))
        run = replace(evaluation(), corpora=[corpus])
        result = run.run(Silent())
    assert failures(result) == {"wav2vec2": None, "hubert": None}
    for name in ("wav2vec2", "hubert"):
        assert {clip: found.logits is not None for clip, found in answers(run, result, name).items()} == {"0.wav": True}
    lost = result.corpora[0].clips[1]
    assert (lost.clip, lost.clip_hash, lost.duration_s) == ("long.wav", None, None)
    assert "does not exist" in (lost.failure or "")
    assert [message for message in told if "1 of 2 clips could not be read any more" in message]
    clip.audio.path.write_bytes(content)  # type: ignore[attr-defined]
    again = replace(evaluation(), corpora=[corpus])
    assert answers(again, again.run(Silent()), "hubert")["long.wav"].logits is not None


OPTIONS = RunOptions(latency_budget_s=0, perturbations=parse_perturbations(["gain:-12dB,speed:1.1"]))


def perturbed_answers(run: Evaluation, result: Evaluated, candidate: str, form: str) -> dict[str, Prediction]:
    """Give the stored predictions for perturbed clips, by the name of the clip."""
    (found,) = [
        record for record in result.perturbed if (record.candidate, record.setup.perturbation) == (candidate, form)
    ]
    stored = run.store.read(found.setup)
    return {
        clip.clip: stored[clip_hash]
        for clip in result.corpora[0].clips
        if (clip_hash := clip.clip_hash or "") in stored
    }


def test_perturbed_clips_are_answered_apart_from_the_others_under_their_own_hash(
    evaluation: SetUp, subjects: dict[str, Subject], clips: tuple[Clip, ...]
) -> None:
    run = evaluation(options=OPTIONS)
    result = run.run(Silent())
    assert [(one.candidate, one.setup.perturbation) for one in result.evaluations] == [
        ("wav2vec2", None),
        ("hubert", None),
    ]
    assert [(one.candidate, one.setup.perturbation) for one in result.perturbed] == [
        (name, form) for name in ("wav2vec2", "hubert") for form in ("gain:-12dB", "speed:1.1")
    ]
    assert not [one.failure for one in (*result.evaluations, *result.perturbed) if one.failure]
    plain = run.store.read(result.evaluations[0].setup)
    samples = clips[0].audio.waveform().samples
    for name, subject in subjects.items():
        found = perturbed_answers(run, result, name, "gain:-12dB")
        expected = load_checkpoint(subject.folder).clip_logits(samples * np.float32(10 ** (-12 / 20)))
        assert found["0.wav"].logits == pytest.approx(expected, abs=1e-6)
        assert found["0.wav"].clip_hash in plain
        assert len(found) == 5
        assert found["5.wav"].logits is None  # too short for the model, perturbed or not


def test_clips_that_were_heard_before_cost_nothing_but_what_is_new(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation().run(Silent())
    asked: list[int] = []
    loads: list[str] = []
    predict, load = ModelSession.predict, ModelSession.load

    def counted(self: ModelSession, samples: NDArray[np.float32]) -> Answer:
        asked.append(samples.size)
        return predict(self, samples)

    def loaded(self: ModelSession) -> LoadReport | Failure:
        loads.append(self.subject.name)
        return load(self)

    monkeypatch.setattr(ModelSession, "predict", counted)
    monkeypatch.setattr(ModelSession, "load", loaded)
    evaluation(options=OPTIONS).run(Silent())
    assert len(asked) == 2 * 2 * 5
    assert loads == ["wav2vec2", "hubert"]  # once for all perturbations
    asked.clear()
    loads.clear()
    again = evaluation(options=OPTIONS)
    result = again.run(Silent())
    assert (asked, loads) == ([], [])
    assert len(perturbed_answers(again, result, "hubert", "speed:1.1")) == 5


def test_the_order_of_clips_does_not_change_what_is_heard(
    evaluation: SetUp, clips: tuple[Clip, ...], tmp_path: Path
) -> None:
    options = replace(OPTIONS, perturbations=parse_perturbations(["noise:5dB"]))
    run = evaluation(options=options)
    backwards = Corpus(name="six", source="", clips=clips[::-1], available_clips=6)
    other = replace(evaluation(options=options), corpora=[backwards])
    other = replace(other, store=type(other.store)(tmp_path / "other"))
    one, two = (perturbed_answers(each, each.run(Silent()), "hubert", "noise:5dB") for each in (run, other))
    assert one.keys() == two.keys()
    for name, prediction in one.items():
        if prediction.logits is not None:
            np.testing.assert_array_equal(prediction.logits, two[name].logits)


def test_a_worker_that_dies_over_perturbed_clips_leaves_the_others_scored(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = ModelSession.predict
    calls: list[str] = []

    def dying(self: ModelSession, samples: NDArray[np.float32]) -> Answer:
        calls.append(self.subject.name)
        if calls[-1] == "wav2vec2" and calls.count("wav2vec2") == 7:  # the second of the first perturbation
            assert self._worker.pid is not None
            os.kill(self._worker.pid, signal.SIGKILL)
        return predict(self, samples)

    monkeypatch.setattr(ModelSession, "predict", dying)
    run = evaluation(options=OPTIONS)
    result = run.run(Silent())
    assert [one.failure for one in result.evaluations] == [None, None]
    failed = {(one.candidate, one.setup.perturbation) for one in result.perturbed if one.failure}
    assert failed == {("wav2vec2", "gain:-12dB"), ("wav2vec2", "speed:1.1")}
    assert len(perturbed_answers(run, result, "wav2vec2", "gain:-12dB")) == 1
    assert len(perturbed_answers(run, result, "hubert", "speed:1.1")) == 5


RATE = 16_000


ROOT = Path(__file__).parents[2]


# Ends itself as the kernel would, once a few answers are on the disk and a few more are not.
KILLED = """
import os, signal, sys
from pathlib import Path
from benchmark.evaluation import runner
from benchmark.results.prediction_store import PredictionStore
import benchmark
runner._FLUSH_CLIPS = 4
add, parts = PredictionStore.add, []
def counted(self, setup, predictions):
    add(self, setup, predictions)
    parts.append(setup)
    if len(parts) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
PredictionStore.add = counted
benchmark.run(models=[sys.argv[1]], corpora=["folder:" + sys.argv[2]], latency_seconds=0, find_speech=False,
              backend="torch", output="reports")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with twelve recordings of many lengths."""
    place = tmp_path_factory.mktemp("twelve")
    random = np.random.default_rng(11)
    for number, seconds in enumerate(random.uniform(0.2, 1.5, 12)):
        soundfile.write(place / f"{number:02d}.wav", random.normal(0, 0.1, int(seconds * RATE)), RATE)
    return place


def corpus(folder: Path, *, backwards: bool = False, kept: int = 12) -> Corpus:
    paths = sorted(folder.glob("*.wav"), reverse=backwards)[:kept]
    clips = tuple(Clip(name=path.name, audio=AudioFile(path)) for path in paths)
    return Corpus(name="twelve", source="folder:twelve", clips=clips, available_clips=len(clips))


def logits(run: Evaluation) -> dict[tuple[str, str], NDArray[np.float32]]:
    """Run, and give what was stored, by candidate and clip hash."""
    result = run.run(Silent())
    assert [record.failure for record in result.evaluations] == [None, None]
    return {
        (record.candidate, clip.clip_hash or ""): np.asarray(run.store.read(record.setup)[clip.clip_hash or ""].logits)
        for record in result.evaluations
        for clip in result.corpora[0].clips
    }


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_order_and_jobs_and_a_stop_in_between_change_no_bit(
    evaluation: SetUp, folder: Path, tmp_path: Path, backend: str
) -> None:
    if not is_installed(backend):
        pytest.skip(f"{backend} is not installed")
    options = RunOptions(latency_budget_s=0, engines=EngineChoice(backend=backend))

    def set_up(name: str, *, jobs: int = 1, backwards: bool = False, kept: int = 12) -> Evaluation:
        run = evaluation(settings=Settings(cache=tmp_path / name, jobs=jobs), options=options)
        environment = run.environment.model_copy(update={"cores": jobs})  # one thread each, however many jobs
        return replace(
            run, environment=environment, corpora=[corpus(folder, backwards=backwards, kept=kept)],
            store=PredictionStore(tmp_path / name),
        )  # fmt: skip

    expected = logits(set_up("plain"))
    assert len(expected) == 24
    logits(set_up("resumed", kept=5))
    for run in (set_up("backwards", backwards=True), set_up("together", jobs=2), set_up("resumed")):
        found = logits(run)
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[key], expected[key]) for key in expected)


def test_a_run_whose_process_was_killed_goes_on_where_it_was_and_a_further_one_starts_no_worker(
    subjects: dict[str, object], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import benchmark  # noqa: PLC0415 - as the killed process does

    checkpoint = str(subjects["hubert"].folder)  # type: ignore[attr-defined]
    command = [sys.executable, "-c", KILLED, checkpoint, str(folder), "2"]
    cache = tmp_path / ".bench"
    ended = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "BENCH_CACHE": str(cache), "PYTHONPATH": str(ROOT)}, check=False,
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    asked: list[int] = []
    predict = ModelSession.predict

    def counted(self: ModelSession, samples: NDArray[np.float32]) -> object:
        asked.append(samples.size)
        return predict(self, samples)

    monkeypatch.setattr(ModelSession, "predict", counted)

    def run() -> int | None:
        outcome = benchmark.run(
            models=[checkpoint], corpora=[f"folder:{folder}"], latency_seconds=0, find_speech=False, backend="torch",
            devices=["cpu"], output=tmp_path / "reports", settings=Settings(cache=cache),
        )  # fmt: skip
        return outcome.leaderboard.rows[0].clips

    assert run() == 12
    assert len(asked) == 12 - 2 * 4

    def refuse(start: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(worker, "start_process", refuse)
    assert run() == 12
