import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.audio.perturbation import parse_perturbations
from benchmark.corpora.clips import Clip, Corpus
from benchmark.evaluation.evaluate import Evaluated, Evaluation, RunOptions
from benchmark.evaluation.sessions import ModelSession
from benchmark.evaluation.subjects import Subject
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.reports import LoadReport
from benchmark.progress import Silent
from benchmark.results.predictions import Prediction
from benchmark.workers.answers import Answer, Failure

SetUp = Callable[..., Evaluation]

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
        assert found["0.wav"].logits == pytest.approx(expected.logits, abs=1e-6)
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
        loads.append(self._subject.name)
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
        calls.append(self._subject.name)
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
