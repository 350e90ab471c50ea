"""What is compared: each engine answers a list of files, decoding included, with the probabilities of the labels."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from performance.memory import peak_mb

Samples = NDArray[np.float32]
Probabilities = NDArray[np.float64]


class Engine(ABC):
    """Something that answers clips."""

    @abstractmethod
    def answer(self, clips: Sequence[Path]) -> list[Probabilities]:
        """Give the probabilities of the labels, in the order of the model's outputs, for each clip."""

    def prepared(self, clips: Sequence[Path]) -> None:
        """Do beforehand what is not to be timed."""
        del clips

    def memory_mb(self) -> float:
        """The most memory of the process that holds the model, in MB (10⁶ bytes)."""
        return peak_mb()

    def details(self) -> dict[str, str]:
        """Say what there is to say of how it computes."""
        return {}


def read_samples(clip: Path, rate: int) -> Samples:
    """Read a file as most people do: soundfile, the mean of the channels, resampled where needed."""
    samples, own = soundfile.read(clip, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    resampled: Samples = mono if own == rate else soxr.resample(mono, own, rate)
    return resampled


class NaiveLoop(Engine):
    """`from_pretrained`, and the processor and the model for each clip."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoFeatureExtractor, AutoModelForAudioClassification  # noqa: PLC0415

        self._extractor = AutoFeatureExtractor.from_pretrained(folder)
        self._model = AutoModelForAudioClassification.from_pretrained(folder).eval()

    def answer(self, clips: Sequence[Path]) -> list[Probabilities]:
        """Answer clip by clip."""
        import torch  # noqa: PLC0415

        rate = self._extractor.sampling_rate
        answers = []
        for clip in clips:
            features = self._extractor(read_samples(clip, rate), sampling_rate=rate, return_tensors="pt")
            with torch.no_grad():
                logits = self._model(**features).logits[0]
            answers.append(torch.softmax(logits.double(), dim=-1).numpy())
        return answers


class PipelineLoop(Engine):
    """`pipeline("audio-classification")`, which takes samples where there is no FFmpeg."""

    def __init__(self, folder: Path, *, batch_size: int) -> None:
        from transformers import pipeline  # noqa: PLC0415

        self._pipeline = pipeline("audio-classification", model=str(folder), device=-1)
        self._batch_size = batch_size
        names = self._pipeline.model.config.id2label
        self._labels = [names[place] for place in range(len(names))]

    def answer(self, clips: Sequence[Path]) -> list[Probabilities]:
        """Hand the clips over as a generator, as its documentation advises."""
        rate = self._pipeline.feature_extractor.sampling_rate
        inputs = ({"raw": read_samples(clip, rate), "sampling_rate": rate} for clip in clips)
        answers = []
        for scores in self._pipeline(inputs, batch_size=self._batch_size, top_k=len(self._labels)):
            by_label = {entry["label"]: entry["score"] for entry in scores}
            answers.append(np.array([by_label[label] for label in self._labels], dtype=np.float64))
        return answers
