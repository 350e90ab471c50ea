"""Spectrograms without the silence behind the audio: the same, however long the audio is."""

from pathlib import Path

import numpy as np
import pytest
from transformers import WhisperFeatureExtractor

from benchmark.models.backends.conversion import _recipe
from benchmark.models.backends.features import filled_up
from benchmark.models.checkpoint import load_checkpoint
from tests.support.tiny_models import edit_json, write_tiny

RATE = 16_000
LENGTHS = (1, 159, 160, 161, 400, 5_000, 47_999, 48_000, 300_001, 479_000, 479_440, 479_600, 479_999, 480_000)
OTHER_HOP = {"chunk_length": 31, "hop_length": 200, "n_fft": 512}


@pytest.mark.parametrize(
    ("options", "lengths"),
    [
        ({}, LENGTHS),
        ({"feature_size": 128}, (161, 300_001)),
        (OTHER_HOP, (1, 199, 200, 201, 400, 300_001, 480_000, 495_999, 496_000)),
    ],
)
def test_a_window_gets_what_the_extractor_itself_makes_of_it(options: dict[str, int], lengths: tuple[int, ...]) -> None:
    extractor = WhisperFeatureExtractor(**options)
    noises = [np.random.default_rng(samples).normal(0, 0.1, samples) for samples in lengths]
    for audio in (*noises, np.zeros(RATE), np.ones(RATE), np.full(RATE, 1e-9), np.eye(1, RATE)[0]):
        samples = audio.astype(np.float32)
        own = extractor(samples, sampling_rate=RATE, return_tensors="np")["input_features"]
        made = filled_up(extractor, samples)
        assert (made.dtype, made.shape) == (own.dtype, own.shape)
        np.testing.assert_allclose(made, own, rtol=0, atol=1e-6)  # one matrix product of another width


@pytest.mark.parametrize(("field", "value"), [("padding_value", 0.5), ("dither", 0.1)])
def test_an_extractor_that_does_otherwise_is_asked_about_the_whole_window(
    tmp_path: Path, field: str, value: float
) -> None:
    plain = load_checkpoint(write_tiny("whisper", tmp_path / "plain"))
    assert _recipe(plain, ("input_features",)).fills_up
    other = write_tiny("whisper", tmp_path / "other")
    edit_json(other / "preprocessor_config.json", **{field: value})
    checkpoint = load_checkpoint(other)
    recipe = _recipe(checkpoint, ("input_features",))
    assert not recipe.fills_up
    audio = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    made = recipe.features(audio, checkpoint.extractor)["input_features"]
    assert made.shape == filled_up(plain.extractor, audio).shape
