"""Runs of tiny candidates on recordings of noise."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.emotions.label_map import map_labels
from benchmark.evaluation import runner
from benchmark.evaluation.context import Overwrite, RunOptions
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.evaluate import Evaluation
from benchmark.evaluation.sessions import ModelSession
from benchmark.progress import Silent
from benchmark.registry.schema import Candidate
from benchmark.results.environment import Environment
from benchmark.results.inference_record import InferenceRecord
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import Prediction
from benchmark.results.runs import EvaluationRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.settings import Settings
from benchmark.workers.answers import Answer
from benchmark.workers.worker import Worker
from tests.support.audio import shared_reader
from tests.support.tiny_models import EMOTIONS, write_tiny

RATE = 16_000
TORCH = RunOptions(latency_budget_s=0, find_speech=False)
OPENVINO = replace(TORCH, engines=EngineChoice(backend="openvino"))
ALWAYS = replace(OPENVINO, overwrite=Overwrite.ALWAYS)
AUTO = replace(TORCH, engines=EngineChoice(backend="auto"))
FAST = replace(TORCH, engines=EngineChoice(backend="openvino", fast=True))


def tiny_subject(model_type: str, folder: Path) -> Subject:
    """Make a usable candidate."""
    verification = Verification(
        candidate=model_type,
        id=str(folder),
        revision="r1",
        status=Status.USABLE,
        reason="",
        labels=EMOTIONS,
        emotions=map_labels(EMOTIONS).emotions,
        sampling_rate=RATE,
        window_s=30.0,
        parameters=10_000,
    )
    return Subject(Candidate(id=str(folder), name=model_type), verification, write_tiny(model_type, folder))


def write_clips(folder: Path, seconds: Sequence[float]) -> tuple[Clip, ...]:
    """Write recordings of these lengths; those of no seconds are no audio."""
    random = np.random.default_rng(7)
    clips = []
    for index, length in enumerate(seconds):
        path = folder / f"{index}.wav"
        soundfile.write(path, random.normal(0, 0.1, int(length * RATE)), RATE)
        if not length:
            path.write_bytes(b"no audio")
        clips.append(Clip(name=path.name, audio=AudioFile(path), label=EMOTIONS[index % 5], speaker=str(index % 3)))
    return tuple(clips)


def evaluation_of(
    subjects: Sequence[Subject],
    clips: Sequence[Clip],
    cache: Path,
    *,
    options: RunOptions = TORCH,
    merge: Mapping[str, str] | None = None,
    **settings: Any,
) -> Evaluation:
    """Set up a run on the CPU."""
    corpus = Corpus(name="noise", source="", clips=tuple(clips), available_clips=len(clips), merge=dict(merge or {}))
    return Evaluation(
        subjects=tuple(subjects),
        corpora=[corpus],
        reader=shared_reader(),
        devices=("cpu",),
        options=options,
        settings=Settings(cache=cache, **settings),
        store=PredictionStore(cache),
        environment=Environment.here(),
    )


class Run:
    """What a run has brought, and what it has stored for its first candidate."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation, self.result = evaluation, evaluation.run(Silent())
        self.record: EvaluationRecord = self.result.evaluations[0]
        self.answers = self._stored(self.record)
        assert self.record.inference is not None
        self.inference: InferenceRecord = self.record.inference

    @property
    def failures(self) -> dict[str, str | None]:
        """Why clips as they are were not answered, by candidate."""
        return {record.candidate: record.failure for record in self.result.evaluations}

    def answers_of(self, candidate: str, perturbation: str | None = None) -> dict[str, Prediction]:
        """The stored predictions of a candidate, by the name of the clip."""
        records = [*self.result.evaluations, *self.result.perturbed]
        (record,) = [
            record for record in records if (record.candidate, record.setup.perturbation) == (candidate, perturbation)
        ]
        return self._stored(record)

    def _stored(self, record: EvaluationRecord) -> dict[str, Prediction]:
        stored = self.evaluation.store.read(record.setup)
        hashes = {clip.clip: clip.clip_hash or "" for clip in self.result.corpora[0].clips}
        return {name: stored[clip_hash] for name, clip_hash in hashes.items() if clip_hash in stored}

    def same_as(self, other: "Run", *, within: float = 0.0) -> bool:
        """Whether the same clips have the same answers."""
        if self.answers.keys() != other.answers.keys():
            return False
        pairs = [(answer.logits, other.answers[name].logits) for name, answer in self.answers.items()]
        return all(
            mine is theirs if mine is None or theirs is None else bool(np.abs(mine - theirs).max() <= within)
            for mine, theirs in pairs
        )


def before_predicting(monkeypatch: pytest.MonkeyPatch, act: Callable[[ModelSession, int], None]) -> None:
    """Do something before every single call of a worker, which gets the number of calls for its candidate."""
    predict = ModelSession.predict
    calls: list[str] = []

    def wrapped(self: ModelSession, samples: Any) -> Any:
        calls.append(self.subject.name)
        act(self, calls.count(self.subject.name))
        return predict(self, samples)

    monkeypatch.setattr(ModelSession, "predict", wrapped)


Exchange = Callable[[], Answer]


def around_exchange(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[ModelSession, list[Any], Exchange], Answer]
) -> None:
    """Do something around every exchange with a worker that computes clips of the run; parity tests are left alone."""

    class Watched(runner.ModelSession):  # type: ignore[name-defined,misc] # whatever another call has put there
        def exchange(self, windows: Any, most_pending: int) -> Answer:
            return act(self, windows, lambda: super(Watched, self).exchange(windows, most_pending))

    monkeypatch.setattr(runner, "ModelSession", Watched)


def watch_engines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the engines that compute clips from now on, once for each window."""
    engines: list[str] = []

    def watched(session: ModelSession, windows: list[Any], exchange: Exchange) -> Answer:
        engines.extend(str(session.implementation.engine) for _ in windows)
        return exchange()

    around_exchange(monkeypatch, watched)
    return engines


def kill_workers_of(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill the worker of an engine whenever it is sent windows or asked for answers."""

    def killed(session: ModelSession, windows: list[Any], exchange: Exchange) -> Answer:
        if str(session.implementation.engine) == engine:
            os.kill(session._worker.pid or 0, signal.SIGKILL)
        return exchange()

    around_exchange(monkeypatch, killed)


def forbid_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if a worker is called, but for those that decode."""
    call = Worker.call

    def refuse(worker: Worker, method: str, *arguments: object, timeout_s: float) -> Answer:
        if method not in ("start", "more"):
            raise AssertionError("a worker was started")
        return call(worker, method, *arguments, timeout_s=timeout_s)

    monkeypatch.setattr(Worker, "call", refuse)
