"""A linear model on functionals: statistics over time of log-mels, a logistic regression on them."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from benchmark.models.actor import peak_memory_mb
from benchmark.models.mel_networks import MelClassifier, MelConfig
from benchmark.training.clips_file import ClipsFile
from benchmark.training.fit_network import long_enough, save_model
from benchmark.training.jobs import FitJob, FitResult, label_names
from benchmark.training.linear_head import LinearHead, fit_head, inner_folds, row_weights
from benchmark.training.recipe import FunctionalsRecipe

_FILE = "functionals.npy"

Vectors = NDArray[np.float64]


class FunctionalsLearner:
    """Fits linear models; the statistics of all windows are computed once, and centred by speaker if a job says so."""

    def __init__(self, clips: ClipsFile, recipe: FunctionalsRecipe, features: Path) -> None:
        self._clips, self._recipe = clips, recipe
        path = features / _FILE
        if not path.exists():
            np.save(path, _statistics(clips))
        self._vectors = np.load(path, mmap_mode="r")

    def fit(self, job: FitJob) -> FitResult:
        """Fit one model; the strength of L2 is chosen on speakers held out of the job's training clips."""
        begin = time.perf_counter()
        vectors = self._centred(job)
        strength = self._strength(job, vectors)
        head = self._head(job, vectors, np.concatenate([job.train, job.validation]), strength)
        model = _model(head, job.classes)
        if job.folder is not None:
            save_model(model, Path(job.folder))
        return FitResult(
            probabilities=self._answers(head, vectors, job.test),
            chosen={"strength": strength},
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            head_parameters=head.coefficients.size + head.intercepts.size,
            seconds=time.perf_counter() - begin,
            peak_memory_mb=peak_memory_mb(),
        )

    def _centred(self, job: FitJob) -> Vectors:
        vectors: Vectors = self._vectors.astype(np.float64)
        if job.enrolled.size:
            own = np.flatnonzero(self._clips.clips < job.speakers.size)  # clips of another corpus lie behind
            means = job.speaker_means(vectors, self._clips.clips)
            vectors[own] -= means[job.speakers[self._clips.clips[own]]]
        return vectors

    def _strength(self, job: FitJob, vectors: Vectors) -> float:
        """The strength with the smallest loss on held-out speakers, of equal ones the smallest."""
        strengths = sorted(self._recipe.strengths)
        losses = np.zeros(len(strengths))
        for held_out in inner_folds(job.train, job):
            fitted = np.setdiff1d(job.train, held_out)
            rows = self._rows(held_out)
            labels = job.labels[self._clips.clips[rows]]
            for index, strength in enumerate(strengths):
                logits = self._head(job, vectors, fitted, strength).logits(vectors[rows])
                losses[index] -= log_softmax(logits, axis=1)[np.arange(rows.size), labels].sum()
        return strengths[int(losses.argmin())]

    def _head(self, job: FitJob, vectors: Vectors, clips: NDArray[np.int64], strength: float) -> LinearHead:
        rows = self._rows(clips)
        labels = job.labels[self._clips.clips[rows]]
        shares = self._clips.lengths[rows] / self._clips.lengths[rows].mean()
        weights = row_weights(labels, shares, len(job.classes), self._recipe.weighting)
        return fit_head(vectors[rows], labels, weights, len(job.classes), strength)

    def _rows(self, clips: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate([self._clips.windows_of(int(clip)) for clip in clips])

    def _answers(self, head: LinearHead, vectors: Vectors, clips: NDArray[np.int64]) -> NDArray[np.float32]:
        answers = np.empty((clips.size, head.intercepts.size), np.float32)
        for row, clip in enumerate(clips):
            windows = softmax(head.logits(vectors[self._clips.windows_of(int(clip))]), axis=1)
            answers[row] = self._clips.mean_over_windows(int(clip), windows.astype(np.float32))
        return answers


def _statistics(clips: ClipsFile) -> NDArray[np.float32]:
    """The functionals of all windows, shape (windows, functionals)."""
    model: Any = MelClassifier(MelConfig(network="functionals")).eval()
    with torch.inference_mode():
        rows = [
            model.encoder.network.statistics(*model.mels(torch.from_numpy(long_enough(samples, model))[None]))[0]
            for samples in map(clips.samples, range(clips.starts.size))
        ]
    return np.asarray(torch.stack(rows).numpy())


def _model(head: LinearHead, classes: Sequence[str]) -> MelClassifier:
    """The model with a fitted head: its own standardisation is the identity, as that of the fit is in the weights."""
    config = MelConfig(
        network="functionals",
        dropout=0.0,
        **label_names(classes),
    )
    model: MelClassifier = MelClassifier(config)
    model.eval()
    norm: Any = model.encoder.network.norm
    with torch.no_grad():
        norm.running_var.fill_(1 - norm.eps)
        model.classifier.weight.copy_(torch.from_numpy(head.coefficients))
        model.classifier.bias.copy_(torch.from_numpy(head.intercepts))
    return model
