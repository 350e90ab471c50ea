"""From samples to a converted model's inputs, without torch where that gives the same to the bit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmark.models.load_reports import CheckpointError
from benchmark.models.model_types import ATTENTION_MASK

SPECTROGRAM = "input_features"
"""The main input of Whisper."""
# As in Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm.
_SMALLEST_VARIANCE = 1e-7


@dataclass(frozen=True, kw_only=True)
class FeatureRecipe:
    """What goes into a converted model, and how it is made of samples.

    Attributes:
        inputs: Names of the model's inputs, its main one first.
        sampling_rate: Samples per second that it expects.
        model_type: The type that the configuration names.
        shortest: Samples that it needs at least.
        normalize: For a model that reads samples: whether they are brought to mean 0 and variance 1. None where the
            checkpoint's own feature extractor is needed.
        fills_up: Whether that is Whisper's, and only the audio needs to be transformed (`filled_up`).
    """

    inputs: tuple[str, ...]
    sampling_rate: int
    model_type: str
    shortest: int
    normalize: bool | None = None
    fills_up: bool = False

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Take the recipe from plain data, in which tuples have become lists."""
        return cls(**{**plain, "inputs": tuple(plain["inputs"])})

    def load_extractor(self, folder: Path, preprocessor: Mapping[str, Any] | None) -> Any:
        """Load a checkpoint's feature extractor, with the registry's override; None where the recipe needs none."""
        if self.normalize is not None:
            return None
        # It imports torch, which a model that reads samples does without.
        from benchmark.models.extractors import load_extractor  # noqa: PLC0415

        return load_extractor(folder, model_type=self.model_type, override=preprocessor)

    def features(self, samples: NDArray[np.float32], extractor: Any) -> dict[str, NDArray[Any]]:
        """Make the model's inputs for one window.

        Raises:
            CheckpointError: The extractor (see `load_extractor`) does not make what the model reads.

        Examples:
            >>> recipe = FeatureRecipe(inputs=("input_values",), sampling_rate=16000, model_type="hubert",
            ...     shortest=400, normalize=True)
            >>> recipe.features(np.array([1, 3], np.float32), None)["input_values"].round(3).tolist()
            [[-1.0, 1.0]]
        """
        if self.normalize is not None:
            values = samples
            if self.normalize:
                values = (samples - samples.mean()) / np.sqrt(samples.var() + _SMALLEST_VARIANCE)
            made: dict[str, NDArray[Any]] = {self.inputs[0]: values[None]}
            if ATTENTION_MASK in self.inputs:
                made[ATTENTION_MASK] = np.ones((1, samples.size), np.int32)
            return made
        if self.fills_up:
            return {SPECTROGRAM: filled_up(extractor, samples)}
        extracted = extractor(samples, sampling_rate=self.sampling_rate, return_tensors="np")
        missing = [name for name in self.inputs if name not in extracted]
        if missing:
            raise CheckpointError(f"the feature extractor makes no {missing[0]}")
        return {name: np.asarray(extracted[name]) for name in self.inputs}


def filled_up(extractor: Any, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute what a `WhisperFeatureExtractor` makes of a window, without transforming the silence that it adds.

    Every frame of silence is alike: the least value that the loudest frame allows. With three seconds of audio this
    takes a twentieth of the time.

    Returns:
        Shape (1, mel bands, frames of a whole window).
    """
    hop, whole = extractor.hop_length, extractor.n_samples
    # So much behind the audio that the last frame overlaps none of it.
    frames = -(-(samples.size + extractor.n_fft) // hop)
    if (frames + 1) * hop >= whole:
        return _spectrogram(extractor, samples, padding="max_length")
    padded = np.zeros(frames * hop, np.float32)
    padded[: samples.size] = samples
    computed = _spectrogram(extractor, padded, padding=False)
    made = np.empty((*computed.shape[:2], whole // hop), computed.dtype)
    made[:, :, : computed.shape[2]] = computed
    made[:, :, computed.shape[2] :] = computed[:, :, -1:]
    return made


def _spectrogram(extractor: Any, samples: NDArray[np.float32], *, padding: str | bool) -> NDArray[np.float32]:
    made = extractor(samples, sampling_rate=extractor.sampling_rate, return_tensors="np", padding=padding)
    return np.asarray(made[SPECTROGRAM])
