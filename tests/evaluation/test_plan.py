"""Plans with batches: the same answers, whatever the order and however often a run stopped, or a reason for none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.sources import AudioFile
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.evaluate import Evaluated, Evaluation, RunOptions
from benchmark.evaluation.parity import ParityTest
from benchmark.evaluation.subjects import Subject
from benchmark.progress import Silent
from benchmark.results.inference import InferenceRecord
from benchmark.results.prediction_store import PredictionStore
from benchmark.settings import Settings
from tests.support.tiny_models import EMOTIONS, edit_json, write_tiny

SetUp = Callable[..., Evaluation]
RATE = 16_000
TORCH = RunOptions(latency_budget_s=0, engines=EngineChoice(backend="torch"))
BATCHES = RunOptions(latency_budget_s=0, engines=EngineChoice(backend="torch", batch=4))


@pytest.fixture(scope="module")
def subject(subjects: dict[str, Subject], tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Give a candidate that answers in a batch as it does alone."""
    folder = write_tiny("wav2vec2", tmp_path_factory.mktemp("layer") / "model", feat_extract_norm="layer")
    edit_json(folder / "preprocessor_config.json", return_attention_mask=True)
    return replace(subjects["wav2vec2"], folder=folder)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, ...]:
    """Give recordings of many lengths, one of two windows, and one that is too short."""
    folder, random, made = tmp_path_factory.mktemp("clips"), np.random.default_rng(4), []
    for index, seconds in enumerate((0.5, 0.52, 0.54, 0.7, 0.9, 0.91, 1.0, 1.01, 1.02, 31.5, 0.01)):
        path = folder / f"{index}.wav"
        soundfile.write(path, random.normal(0, 0.1, int(seconds * RATE)), RATE)
        made.append(Clip(name=path.name, audio=AudioFile(path), label=EMOTIONS[index % 5], speaker=str(index % 3)))
    return tuple(made)


@pytest.fixture
def run(evaluation: SetUp, subject: Subject, clips: tuple[Clip, ...], tmp_path: Path) -> Callable[..., "Ran"]:
    """Give a function that runs the candidate in a cache of the name that it is given."""

    def ran(
        cache: str, options: RunOptions = BATCHES, *, subject: Subject = subject, clips: tuple[Clip, ...] = clips
    ) -> "Ran":
        settings = Settings(cache=tmp_path / cache)
        corpus = Corpus(name="clips", source="folder:clips", clips=clips, available_clips=len(clips))
        made = evaluation(settings=settings, options=options)
        return Ran(replace(made, subjects=(subject,), corpora=[corpus], store=PredictionStore(settings.cache)))

    return ran


class Ran:
    """What a run of one candidate has brought."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.result: Evaluated = evaluation.run(Silent())
        (self.record,) = self.result.evaluations
        assert self.record.failure is None
        assert self.record.inference is not None
        self.inference: InferenceRecord = self.record.inference
        stored = evaluation.store.read(self.record.setup)
        hashes = {clip.clip: clip.clip_hash or "" for clip in self.result.corpora[0].clips}
        self.logits: dict[str, NDArray[np.float32] | None] = {name: stored[key].logits for name, key in hashes.items()}


def test_batches_answer_as_the_reference_does_and_the_run_says_so(run: Callable[..., Ran]) -> None:
    alone, together = run("alone", TORCH), run("together")
    assert (together.inference.backend, together.inference.batch, together.inference.asked) == (
        "torch", 4, "torch batch-size 4",
    )  # fmt: skip
    assert together.inference.checked_clips == 10
    assert together.inference.largest_difference is not None
    assert together.inference.largest_difference < 1e-5
    assert together.record.setup.key != alone.record.setup.key
    for name, expected in alone.logits.items():
        found = together.logits[name]
        if expected is None:
            assert (name, found) == ("10.wav", None)
        else:
            assert found is not None
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_what_agrees_with_the_reference_to_the_bit_was_not_done_again_for_that(
    run: Callable[..., Ran], subjects: dict[str, Subject], tmp_path: Path
) -> None:
    folder = write_tiny("whisper", tmp_path / "whisper")
    whisper = replace(subjects["wav2vec2"], folder=folder)
    alone, together = run("one", TORCH, subject=whisper), run("one", subject=whisper)
    same = [name for name, logits in alone.logits.items() if np.array_equal(logits, together.logits[name])]  # type: ignore[arg-type]
    assert same
    assert (together.inference.batch, together.inference.redone_clips) == (4, 0)


def test_order_and_a_stop_in_between_change_no_bit_of_a_batch(run: Callable[..., Ran], clips: tuple[Clip, ...]) -> None:
    expected = run("plain").logits
    run("resumed", clips=clips[3:8])
    for other in (run("backwards", clips=clips[::-1]), run("resumed")):
        assert other.logits.keys() == expected.keys()
        for name, logits in expected.items():
            found = other.logits[name]
            assert (found is None and logits is None) or np.array_equal(found, logits)  # type: ignore[arg-type]


def test_a_model_that_answers_otherwise_in_a_batch_is_asked_one_by_one_and_the_reason_told(
    run: Callable[..., Ran], subjects: dict[str, Subject]
) -> None:
    ran = run("group", subject=subjects["hubert"])
    assert (ran.inference.batch, ran.inference.largest_difference) == (1, None)
    assert ran.inference.fallbacks == (
        "torch float32 in batches of 4 was not taken: it hears what shorter clips of a batch are padded with.",
    )


@pytest.mark.parametrize(("speed", "batch"), [(2.0, 3), (0.5, 1)])
def test_where_nobody_asked_for_batches_they_are_taken_only_if_they_are_faster_on_this_device(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, speed: float, batch: int
) -> None:
    # As on a GPU, which cannot be had here.
    monkeypatch.setattr(EngineChoice, "_batches", lambda self, device: (3, 1))
    monkeypatch.setattr(ParityTest, "_speed", lambda *_: speed)
    ran = run("left", RunOptions(latency_budget_s=0, engines=EngineChoice(backend="torch")))
    assert ran.inference.batch == batch
    reasons = () if batch > 1 else (
        "torch float32 in batches of 3 was not taken: in a full batch, a window takes 2.0 times as long as alone.",
    )  # fmt: skip
    assert ran.inference.fallbacks == reasons


def test_how_fast_batches_are_is_measured(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    speeds: list[float | None] = []
    measure = ParityTest._speed

    def kept(self: ParityTest, *arguments: object) -> float | None:
        speeds.append(measure(self, *arguments))  # type: ignore[arg-type]
        return speeds[-1]

    monkeypatch.setattr(ParityTest, "_speed", kept)
    run("measured")
    (speed,) = speeds
    assert speed is not None
    assert 0 < speed < 1000


def test_latency_is_measured_one_call_at_a_time_whatever_answered(run: Callable[..., Ran]) -> None:
    ran = run("timed", RunOptions(latency_budget_s=1e-6, segment_s=0.3, engines=EngineChoice(backend="torch", batch=4)))
    (latency,) = ran.result.latencies
    assert (latency.backend, latency.dtype, latency.failure) == ("torch", "float32", None)
