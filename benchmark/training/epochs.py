"""What fits in epochs share: the curve, early stopping, class weights, the progress file."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from benchmark.results.training_record import EpochRecord
from benchmark.training.jobs import MONITORED_CLIPS, FitJob, mean_recall
from benchmark.training.recipe import Fit, Weighting


def class_weights(labels: NDArray[np.int64], classes: int, weighting: Weighting) -> NDArray[np.float32]:
    """Weights of classes by the inverse of their size, 1 for a class of mean size.

    Args:
        labels: Class indices of the training clips.

    Examples:
        >>> class_weights(np.array([0, 0, 0, 1]), 2, Weighting(max_class_weight=1.5))
        array([0.6666667, 1.5      ], dtype=float32)
    """
    if not weighting.class_weights:
        return np.ones(classes, np.float32)
    sizes = np.maximum(np.bincount(labels, minlength=classes), 1)
    return np.minimum(labels.size / (classes * sizes), weighting.max_class_weight).astype(np.float32)


def monitored_clips(job: FitJob) -> NDArray[np.int64]:
    """The clips that the curve is measured on: those of the validation speakers, else some of each training class."""
    if job.validation.size:
        return job.validation
    random = np.random.default_rng(job.seed)
    shuffled = random.permutation(job.train)
    turn = np.empty(shuffled.size, np.int64)
    for label in np.unique(job.labels[shuffled]):
        is_label = job.labels[shuffled] == label
        turn[is_label] = np.arange(int(is_label.sum()))
    return np.sort(shuffled[np.argsort(turn, kind="stable")[:MONITORED_CLIPS]])


@dataclass
class Curve(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Measures a model after each epoch, stops a fit that gains nothing any more, and keeps the best weights.

    Attributes:
        answer: Gives the probabilities of clips, shape (clips, classes); the model is in evaluation mode then.
        best_epoch: The epoch whose weights are to be taken; None for the last one.
    """

    job: FitJob
    fit: Fit
    answer: Callable[[NDArray[np.int64]], NDArray[np.float32]]
    model: nn.Module
    epochs: list[EpochRecord] = field(default_factory=list)
    best_epoch: int | None = None
    _loss: float = 0.0
    _steps: int = 0
    _best_uar: float = -1.0
    _best_weights: dict[str, Tensor] | None = None

    def __post_init__(self) -> None:
        self._clips = monitored_clips(self.job)

    @property
    def monitored(self) -> str:
        """What the curve is measured on."""
        return "validation" if self.job.validation.size else "training"

    @property
    def has_failed(self) -> bool:
        """Whether the loss was not finite."""
        return bool(self.epochs) and self.epochs[-1].loss is None

    def add_loss(self, loss: float) -> None:
        """Count the loss of a batch."""
        self._loss += loss
        self._steps += 1

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Measure, and decide whether to go on."""
        epoch = len(self.epochs) + 1
        loss = self._loss / max(self._steps, 1)
        self._loss, self._steps = 0.0, 0
        if not np.isfinite(loss):
            self.epochs.append(EpochRecord(epoch=epoch, loss=None))
            control.should_training_stop = True
            return control
        self.model.eval()
        answers = self.answer(self._clips).argmax(axis=1)
        self.model.train()
        uar = mean_recall(self.job.labels[self._clips], answers)
        commonest, count = max(zip(*np.unique(answers, return_counts=True), strict=True), key=lambda pair: pair[1])
        share = (self.job.classes[int(commonest)], float(count) / answers.size)
        self.epochs.append(EpochRecord(epoch=epoch, loss=loss, uar=uar, commonest=share))
        self._report(epoch, int(args.num_train_epochs), loss, uar)
        if self.fit.patience and self.job.validation.size:
            self._keep_best(epoch, uar)
            control.should_training_stop |= epoch - (self.best_epoch or epoch) >= self.fit.patience
        return control

    def take_best(self) -> None:
        """Give the model the weights of the best epoch."""
        if self._best_weights is not None:
            self.model.load_state_dict(self._best_weights)

    def _keep_best(self, epoch: int, uar: float) -> None:
        if uar > self._best_uar:
            self._best_uar, self.best_epoch = uar, epoch
            self._best_weights = {name: value.clone() for name, value in self.model.state_dict().items()}

    def _report(self, epoch: int, last: int, loss: float, uar: float) -> None:
        if self.job.progress is not None:
            with Path(self.job.progress).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"epoch": epoch, "of": last, "loss": loss, "uar": uar}) + "\n")


def trainer_arguments(job: FitJob, fit: Fit, folder: Path, *, mixed_precision: bool) -> TrainingArguments:
    """Arguments of transformers' Trainer, which writes nothing and asks nobody."""
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=job.epochs or fit.epochs,
        per_device_train_batch_size=fit.batch_size,
        dataloader_drop_last=job.train.size > fit.batch_size,
        dataloader_pin_memory=on_gpu,
        max_grad_norm=5.0,
        seed=job.seed,
        data_seed=job.seed,
        bf16=mixed_precision,
        use_cpu=not on_gpu,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
    )
