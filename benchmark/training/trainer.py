"""The loop of fits in epochs: transformers' Trainer, with weights of classes and learning rates of groups."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler, WeightedRandomSampler
from transformers import Trainer

from benchmark.training.epochs import Curve, class_weights, trainer_arguments
from benchmark.training.jobs import FitJob
from benchmark.training.recipe import Fit

_RISING = 0.3
"""Share of the steps in which the learning rate rises."""


@dataclass(frozen=True, eq=False, kw_only=True)
class EpochTask:
    """What is fitted in epochs.

    Attributes:
        rows: What is trained on, in whatever numbers `batch` understands, shape (rows,), likewise their `labels`.
        batch: Makes the inputs of `logits` from rows. Where it mixes rows, it gives `targets` as well: probabilities of
            the classes, shape (rows, classes).
        logits: Computes shape (rows, classes).
        learning_rates: The highest learning rate of each group of weights.
        folder: An existing folder, into which nothing is written.
        mixed_precision: Compute in bfloat16 where that keeps the precision that is needed.
    """

    model: nn.Module
    job: FitJob
    fit: Fit
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    batch: Callable[[Sequence[int]], Mapping[str, Tensor]]
    logits: Callable[[Mapping[str, Tensor]], Tensor]
    learning_rates: Sequence[tuple[float, Sequence[nn.Parameter]]]
    folder: Path
    mixed_precision: bool = False

    def run(self, curve: Curve) -> None:
        """Fit, and leave the model in evaluation mode with the weights of the best epoch."""
        arguments = trainer_arguments(self.job, self.fit, self.folder, mixed_precision=self.mixed_precision)
        size = self.fit.batch_size
        per_epoch = self.rows.size // size if arguments.dataloader_drop_last else -(-self.rows.size // size)
        groups = [{"params": list(weights), "lr": rate} for rate, weights in self.learning_rates]
        optimizer = torch.optim.AdamW(groups, weight_decay=self.fit.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            [rate for rate, _ in self.learning_rates],
            total_steps=per_epoch * int(arguments.num_train_epochs) + 1,
            pct_start=_RISING,
        )
        self.model.train()
        _TaskTrainer(
            task=self,
            curve=curve,
            model=self.model,
            args=arguments,
            train_dataset=_Rows(self.rows, self.labels),
            data_collator=self._collate,
            optimizers=(optimizer, schedule),
            callbacks=[curve],
        ).train()
        curve.take_best()
        self.model.eval()

    def _collate(self, items: Sequence[tuple[int, int]]) -> dict[str, Tensor]:
        labels = torch.tensor([label for _, label in items])
        targets = nn.functional.one_hot(labels, len(self.job.classes)).float()
        return {"targets": targets, **self.batch([row for row, _ in items])}


class _Rows(Dataset[tuple[int, int]]):
    """Rows with their labels; the batch reads what belongs to them."""

    def __init__(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> None:
        self._rows, self._labels = rows, labels

    def __len__(self) -> int:
        return self._rows.size

    def __getitem__(self, index: int) -> tuple[int, int]:
        return int(self._rows[index]), int(self._labels[index])


class _TaskTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """Trainer with smoothed targets, weights of classes and a sampler that balances classes."""

    def __init__(self, *, task: EpochTask, curve: Curve, **options: Any) -> None:
        super().__init__(**options)
        self._task, self._curve = task, curve
        classes = len(task.job.classes)
        self._weights = torch.from_numpy(class_weights(task.labels, classes, task.fit))

    def compute_loss(self, model: nn.Module, inputs: dict[str, Tensor], *_: Any, **__: Any) -> Tensor:
        """Cross-entropy against smoothed targets; each class counts by its weight."""
        targets = inputs.pop("targets")
        with self.accelerator.autocast():
            logits = self._task.logits(inputs).float()
        loss = nn.functional.cross_entropy(
            logits, targets, weight=self._weights.to(logits.device), label_smoothing=self._task.fit.label_smoothing
        )
        self._curve.add_loss(float(loss.detach()))
        return loss

    def _get_train_sampler(self, *arguments: Any, **options: Any) -> Sampler[int] | None:
        if not self._task.fit.balanced_sampler:
            return super()._get_train_sampler(*arguments, **options)  # type: ignore[no-any-return]
        shares = 1.0 / np.bincount(self._task.labels)[self._task.labels]
        generator = torch.Generator().manual_seed(self.args.seed)
        return WeightedRandomSampler(shares.tolist(), shares.size, generator=generator)
