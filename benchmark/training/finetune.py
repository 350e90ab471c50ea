"""Fine-tuning: the upper layers of an encoder are trained with its head, saved as the stock classifier."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import set_seed

from benchmark.errors import RequestError
from benchmark.models.actor import peak_memory_mb
from benchmark.models.inference import Checkpoint
from benchmark.models.load_reports import NotFiniteError
from benchmark.training.augmentation import augmented
from benchmark.training.clips_file import SAMPLING_RATE, ClipsFile
from benchmark.training.encoder import base_model, layered_module, load_encoder, require_long_enough
from benchmark.training.epochs import Curve
from benchmark.training.jobs import FitJob, FitResult, label_names
from benchmark.training.recipe import FinetuneRecipe
from benchmark.training.trainer import EpochTask


class FinetuneLearner:
    """Trains one encoder by one recipe, beginning with the checkpoint each time.

    Raises:
        RequestError: The encoder has no such layer, or a clip is too short for it.
        CheckpointError: Weights of the encoder are missing.
    """

    def __init__(self, clips: ClipsFile, recipe: FinetuneRecipe, encoder: Path, features: Path) -> None:
        self._clips, self._recipe, self._encoder, self._scratch = clips, recipe, encoder, features
        checkpoint = load_encoder(encoder, {})
        require_long_enough(checkpoint, clips)
        trained_layers(checkpoint, recipe.unfreeze_from)

    def fit(self, job: FitJob) -> FitResult:
        """Train once, and answer the job's test clips."""
        begin = time.perf_counter()
        checkpoint = load_encoder(self._encoder, _config(job.classes), seed=job.seed)
        model = checkpoint.model
        groups = self._groups(checkpoint)
        set_seed(job.seed)
        curve = Curve(job, self._recipe.fit, lambda clips: self._answers(checkpoint, clips), model)
        rows = np.flatnonzero(np.isin(self._clips.clips, job.train))
        random = np.random.default_rng(job.seed)
        EpochTask(
            model=model,
            job=job,
            fit=self._recipe.fit,
            rows=rows,
            labels=job.labels[self._clips.clips[rows]],
            batch=lambda windows: self._batch(checkpoint, windows, random),
            logits=lambda inputs: model(**inputs).logits,
            learning_rates=groups,
            folder=self._scratch,
        ).run(curve)
        if job.folder is not None and not curve.has_failed:
            model.save_pretrained(job.folder)
            checkpoint.extractor.save_pretrained(job.folder)
        return FitResult(
            probabilities=self._answers(checkpoint, job.test),
            epochs=tuple(curve.epochs),
            monitored=curve.monitored,
            best_epoch=curve.best_epoch,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            head_parameters=sum(parameter.numel() for _, weights in groups for parameter in weights),
            seconds=time.perf_counter() - begin,
            peak_memory_mb=peak_memory_mb(),
        )

    def _groups(self, checkpoint: Checkpoint) -> list[tuple[float, list[nn.Parameter]]]:
        """Freeze what is not trained; give the rest with its learning rates: the head, then the layers from the top."""
        recipe, model = self._recipe, checkpoint.model
        in_encoder = {id(parameter) for parameter in base_model(model).parameters()}
        head = [parameter for parameter in model.parameters() if id(parameter) not in in_encoder]
        base_model(model).requires_grad_(False)
        groups = [(recipe.head_learning_rate, head)]
        rate = recipe.fit.learning_rate
        for layer in reversed(trained_layers(checkpoint, recipe.unfreeze_from)):
            layer.requires_grad_(True)
            groups.append((rate, list(layer.parameters())))
            rate *= recipe.layer_decay
        return groups

    def _batch(
        self, checkpoint: Checkpoint, windows: Sequence[int], random: np.random.Generator
    ) -> Mapping[str, Tensor]:
        """Cut excerpts of one length, changed as the recipe says; shorter ones are repeated.

        Padding would change what encoders with group normalisation make of them.
        """
        most = min(self._recipe.crop_s, checkpoint.report.window_s) * SAMPLING_RATE
        copies = [augmented(self._clips.samples(window), self._recipe.augmentation, random) for window in windows]
        length = min(round(most), max(copy.size for copy in copies))
        excerpts = []
        for copy in copies:
            start = int(random.integers(max(copy.size - length, 0) + 1))
            excerpt = copy[start : start + length]
            excerpts.append(np.pad(excerpt, (0, length - excerpt.size), mode="wrap"))
        return checkpoint.features(*excerpts)

    def _answers(self, checkpoint: Checkpoint, clips: NDArray[np.int64]) -> NDArray[np.float32]:
        """Probabilities as an evaluation computes them; NaN where the model gives that."""
        answers = np.full((clips.size, checkpoint.model.config.num_labels), np.nan, np.float32)
        for row, clip in enumerate(clips):
            samples = [self._clips.samples(int(window)) for window in self._clips.windows_of(int(clip))]
            try:
                answers[row] = checkpoint.probabilities(np.concatenate(samples))
            except NotFiniteError:
                break
        return answers


def trained_layers(checkpoint: Checkpoint, unfreeze_from: int) -> list[nn.Module]:
    """The layers of an encoder from one on.

    Raises:
        RequestError: There is no such layer.
    """
    layers = list(getattr(layered_module(checkpoint.model), "layers", ()))
    first = unfreeze_from if unfreeze_from >= 0 else max(len(layers) + unfreeze_from, 0)
    if first >= len(layers):
        raise RequestError(
            f"unfreeze_from is {unfreeze_from}, and the encoder has {len(layers)} layers that can be trained: choose a "
            "smaller number, or the recipe `probe`."
        )
    return layers[first:]


def _config(classes: Sequence[str]) -> dict[str, object]:
    return {
        **label_names(classes),
        "problem_type": "single_label_classification",
        "use_weighted_layer_sum": False,
        "apply_spec_augment": False,  # it refuses excerpts that are shorter than its masks
    }
