"""Clips of every length, through the windows of the protocol."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.load_reports import NotFiniteError, TooShortError
from benchmark.models.speech_model import averaged
from tests.support.tiny_models import MODEL_TYPES

RATE = 16_000


@pytest.mark.parametrize("model_type", ["wav2vec2", "sew-d", "wav2vec2-conformer", "wav2vec2-bert", "whisper"])
def test_a_clip_of_65_seconds_goes_through_in_three_windows(
    tiny: dict[str, Path], noise: NDArray[np.float32], model_type: str
) -> None:
    checkpoint = load_checkpoint(tiny[model_type])
    logits = checkpoint.clip_logits(noise)
    parts = (noise[: 30 * RATE], noise[30 * RATE : 60 * RATE], noise[60 * RATE :])
    probabilities = [softmax(checkpoint.logits(part).astype(np.float64)) for part in parts]
    expected = np.average(probabilities, axis=0, weights=[30, 30, 5])
    np.testing.assert_allclose(softmax(logits), expected, rtol=0, atol=1e-6)


def test_a_spectrogram_transformer_hears_a_window_to_its_end(tiny: dict[str, Path], noise: NDArray[np.float32]) -> None:
    checkpoint = load_checkpoint(tiny["audio-spectrogram-transformer"])
    window = round(1.28 * RATE)
    samples = noise[: 2 * window]
    changed = samples.copy()
    changed[window - 400 : window] = 0  # the last 25 ms of the first window
    assert not np.array_equal(checkpoint.clip_logits(samples), checkpoint.clip_logits(changed))


def test_a_tail_of_under_a_second_is_dropped(tiny: dict[str, Path], noise: NDArray[np.float32]) -> None:
    checkpoint = load_checkpoint(tiny["wav2vec2"])
    logits = checkpoint.clip_logits(noise[: 30 * RATE + RATE - 1])
    np.testing.assert_array_equal(logits, checkpoint.logits(noise[: 30 * RATE]))


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_a_clip_too_short_for_a_single_frame_is_a_failure_of_that_clip_only(
    tiny: dict[str, Path], noise: NDArray[np.float32], model_type: str
) -> None:
    checkpoint = load_checkpoint(tiny[model_type])
    shortest = {"whisper": 1, "sew": 720, "sew-d": 720, "wav2vec2-bert": 560}.get(model_type, 400)
    for samples in (0, shortest - 1):
        with pytest.raises(TooShortError, match=f"at least {shortest}"):
            checkpoint.clip_logits(noise[:samples])
    assert np.isfinite(checkpoint.clip_logits(noise[:shortest])).all()
    assert np.isfinite(checkpoint.clip_logits(np.zeros(RATE, np.float32))).all()


def test_an_answer_that_is_not_a_number_is_a_failure_of_the_clip_and_visible_to_probes(tiny: dict[str, Path]) -> None:
    checkpoint = load_checkpoint(tiny["wav2vec2"])
    with torch.no_grad():
        checkpoint.model.classifier.bias[2] = float("nan")
    samples = np.ones(RATE, np.float32)
    assert np.isnan(checkpoint.logits(samples)[2])
    with pytest.raises(NotFiniteError, match="NaN"):
        checkpoint.clip_logits(samples)


def test_probabilities_are_the_softmax_of_the_logits(tiny: dict[str, Path], noise: NDArray[np.float32]) -> None:
    checkpoint = load_checkpoint(tiny["wavlm"])
    probabilities = checkpoint.probabilities(noise[:RATE])
    np.testing.assert_allclose(probabilities, softmax(checkpoint.logits(noise[:RATE])), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "labels"), [("w2v2-ravdess", 8), ("wavlm-ravdess", 8), ("hubert-emodb", 4), ("ast-ravdess", 8)]
)
def test_real_checkpoints_answer(shared: Path, noise: NDArray[np.float32], name: str, labels: int) -> None:
    checkpoint = load_checkpoint(shared / "models" / name)
    assert checkpoint.clip_logits(noise[: 5 * RATE]).shape == (labels,)


def test_certain_answers_are_averaged_without_infinities() -> None:
    logits = np.array([[500.0, -500.0, -500.0], [500.0, -500.0, -500.0]], np.float32)
    mean = averaged(logits, np.array([1, 1]))
    assert np.isfinite(mean).all()
    assert softmax(mean)[0] == 1
