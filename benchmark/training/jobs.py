"""What a fit in the worker takes and gives; plain data on the pipe."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from benchmark.results.training_record import EpochRecord

MONITORED_CLIPS = 64
"""Clips of training speakers that a curve is measured on where nobody is held out: a second or so per epoch."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FitJob:
    """One fit: of a fold, of an inner split, or of the final model.

    Attributes:
        train: Indices of the clips to train on, likewise `validation` (may be empty) and `test` (to be answered).
        labels: Index of the class of every clip, shape (clips,).
        speakers: Index of the speaker of every clip; clips without a speaker are their own.
        classes: Emotions, in the order of the outputs.
        epochs: Train so many and choose none; None to take the recipe's.
        enrolled: Clips whose mean vector is subtracted from all of their speaker, in linear models; empty to subtract
            none.
        folder: Where the model is saved; None to keep only the answers.
        progress: A file that gets a JSON line per epoch: {"epoch": 3, "of": 30, "loss": 1.2, "uar": 0.4}.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    labels: NDArray[np.int64]
    speakers: NDArray[np.int64]
    classes: tuple[str, ...]
    seed: int
    epochs: int | None = None
    enrolled: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    folder: str | None = None
    progress: str | None = None

    def plain(self) -> dict[str, Any]:
        """The job as plain data: its fields."""
        return asdict(self)

    def speaker_means(self, vectors: NDArray[np.floating], clips: NDArray[np.int64]) -> NDArray[np.float64]:
        """The mean vector of each speaker's enrolled clips, 0 where there are none.

        Args:
            vectors: Shape (rows, …).
            clips: Of each row, shape (rows,).

        Returns:
            Shape (speakers, …), by the index in `speakers`.
        """
        means = np.zeros((int(self.speakers.max()) + 1, *vectors.shape[1:]))
        rows = np.flatnonzero(np.isin(clips, self.enrolled))
        speakers = self.speakers[clips[rows]]
        for speaker in np.unique(speakers):
            means[speaker] = vectors[rows[speakers == speaker]].mean(axis=0)
        return means


@dataclass(frozen=True, eq=False, kw_only=True)
class FitResult:
    """What a fit brought.

    Attributes:
        probabilities: Shape (test clips, classes), in the order of `FitJob.test`; not finite where the fit failed.
        chosen: Hyper-parameters that were chosen on training speakers.
        monitored: What the curve is measured on: `validation` or `training`; None for fits without epochs.
        best_epoch: The epoch whose weights were taken.
        parameters: Of the saved model.
        head_parameters: Those that were fitted.
        members: The answers of an ensemble's members, by name, as `probabilities`.
    """

    probabilities: NDArray[np.float32]
    chosen: dict[str, JsonValue] = field(default_factory=dict)
    epochs: tuple[EpochRecord, ...] = ()
    monitored: str | None = None
    best_epoch: int | None = None
    parameters: int | None = None
    head_parameters: int | None = None
    seconds: float = 0.0
    peak_memory_mb: float | None = None
    members: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def is_finite(self) -> bool:
        """Whether the fit has come to answers."""
        return bool(np.isfinite(self.probabilities).all()) and not (self.epochs and self.epochs[-1].loss is None)

    def plain(self) -> dict[str, Any]:
        """The result as plain data."""
        epochs = [epoch.model_dump(mode="json") for epoch in self.epochs]
        return {**asdict(replace(self, epochs=(), members={})), "epochs": epochs, "members": dict(self.members)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "FitResult":
        """Take what `plain` gives."""
        epochs = tuple(map(EpochRecord.model_validate, plain["epochs"]))
        probabilities = np.asarray(plain["probabilities"], np.float32)
        members = {name: np.asarray(answers, np.float32) for name, answers in plain["members"].items()}
        return cls(**{**plain, "epochs": epochs, "probabilities": probabilities, "members": members})


class Learner(Protocol):
    """Fits models of one recipe on parts of a corpus."""

    def fit(self, job: FitJob) -> FitResult:
        """Fit a model on the training part, and answer the test part."""


def mean_recall(labels: NDArray[np.int64], answers: NDArray[np.int64]) -> float:
    """The recall of each class that occurs, averaged: the UAR.

    Examples:
        >>> mean_recall(np.array([0, 0, 1]), np.array([0, 1, 1]))
        0.75
    """
    return float(np.mean([np.mean(answers[labels == label] == label) for label in np.unique(labels)]))


def label_names(classes: Sequence[str]) -> dict[str, dict[Any, Any]]:
    """The fields of a configuration that name the outputs of a model.

    Examples:
        >>> label_names(["anger", "fear"])
        {'id2label': {0: 'anger', 1: 'fear'}, 'label2id': {'anger': 0, 'fear': 1}}
    """
    return {"id2label": dict(enumerate(classes)), "label2id": {name: index for index, name in enumerate(classes)}}
