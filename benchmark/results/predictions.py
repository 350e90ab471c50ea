"""What a model said to each clip, and everything that decided what it said."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from benchmark.results.schema import Stored

PREDICTIONS_SCHEMA_VERSION = 1
# Fields that came later: setups that leave them at their defaults keep the key that they had before.
_LATER = ("perturbation", "batch")
CONVERSION = "conversion"
"""What stands among the libraries of a setup for bench's own way of converting a model."""
CONVERSION_VERSION = 4
"""Raised whenever the same checkpoint is converted or computed differently, so that nothing older is used."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What one model said to one clip.

    Attributes:
        clip_hash: Hash of the clip's decoded samples and their rate.
        logits: One float32 value per label, in `id2label` order; None where the model could not process the clip.
            For a clip of several windows: the logarithm of the probabilities averaged by duration, so that softmax
            gives those back.
        windows: How many windows the clip went through in.
        failure: Why there are no logits; None where there are.
        seconds: Time from samples to logits.
    """

    clip_hash: str
    logits: NDArray[np.float32] | None
    windows: int
    failure: str | None
    seconds: float


class InferenceSetup(Stored):
    """Everything that decides the logits of a clip, kept beside them; predictions are keyed by it.

    Attributes:
        candidate: The Hub id or local path.
        revision: The commit sha, or the content hash of a local folder.
        labels: In `id2label` order.
        head: The layout of the head.
        head_parameters: What the layout leaves open, such as the pooling.
        backend: `torch`, …
        device: `cpu` or `cuda`.
        dtype: `float32`, …
        batch: Windows that went through the model together.
        window_s: The longest stretch of audio, in seconds, that goes into the model at once.
        preprocessor: The registry's override of the feature extractor, if any.
        versions: Versions of the libraries that compute.
        perturbation: What was done to every clip before the model heard it, such as `noise:20dB`; None for nothing.
    """

    candidate: str
    revision: str
    labels: tuple[str, ...]
    head: str
    head_parameters: dict[str, JsonValue] = {}
    backend: str
    device: str
    dtype: str
    batch: int = 1
    window_s: float
    preprocessor: dict[str, JsonValue] | None = None
    versions: dict[str, str]
    perturbation: str | None = None

    @property
    def key(self) -> str:
        """A name for the predictions made with exactly this setup, of 16 hexadecimal digits."""
        absent = {name for name in _LATER if getattr(self, name) == type(self).model_fields[name].default}
        content = self.model_dump_json(exclude=absent) + str(PREDICTIONS_SCHEMA_VERSION)
        return hashlib.sha256(content.encode()).hexdigest()[:16]
