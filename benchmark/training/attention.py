"""Attention pooling over the frames of a frozen encoder, for very small corpora."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import set_seed

from benchmark.errors import RequestError
from benchmark.models.actor import peak_memory_mb
from benchmark.models.attention_network import AttentionClassifier, AttentionConfig, AttentionHead, unfit_encoder
from benchmark.training.augmentation import augmented
from benchmark.training.clips_file import ClipsFile
from benchmark.training.encoder import base_model, load_encoder, require_long_enough
from benchmark.training.epochs import Curve
from benchmark.training.jobs import FitJob, FitResult, label_names
from benchmark.training.recipe import AttentionRecipe
from benchmark.training.trainer import EpochTask

_LEFT_OUT = ("_name_or_path", "architectures", "transformers_version", "dtype", "id2label", "label2id")


class AttentionLearner:
    """Fits heads of one recipe on the frames of one encoder, which are computed once and lie in a file.

    Raises:
        RequestError: The encoder gives no frames that can be pooled by attention, or a clip is too short.
        CheckpointError: Weights of the encoder are missing.
    """

    def __init__(self, clips: ClipsFile, recipe: AttentionRecipe, encoder: Path, features: Path) -> None:
        self._clips, self._recipe = clips, recipe
        self._checkpoint = load_encoder(encoder, {})
        if (problem := unfit_encoder(self._checkpoint.report.model_type)) is not None:
            raise RequestError(f"{encoder.name}: {problem}: take the recipe `probe`.")
        require_long_enough(self._checkpoint, clips)
        self._base: Any = base_model(self._checkpoint.model)
        self._scratch = features
        self._frames = self._encoded(features)

    def fit(self, job: FitJob) -> FitResult:
        """Fit one head, and answer the job's test clips with it."""
        begin = time.perf_counter()
        set_seed(job.seed)
        head = AttentionHead(
            self._base.config.hidden_size, len(job.classes), hidden=self._recipe.hidden, dropout=self._recipe.dropout
        )
        curve = Curve(job, self._recipe.fit, lambda clips: self._answers(head, clips, len(job.classes)), head)
        rows = np.flatnonzero(np.isin(self._frames.clips, job.train))
        EpochTask(
            model=head,
            job=job,
            fit=self._recipe.fit,
            rows=rows,
            labels=job.labels[self._frames.clips[rows]],
            batch=self._frames.batch,
            logits=lambda inputs: head(inputs["frames"], inputs["valid"]),
            learning_rates=[(self._recipe.fit.learning_rate, list(head.parameters()))],
            folder=self._scratch,
        ).run(curve)
        if job.folder is not None and not curve.has_failed:
            self._save(head, Path(job.folder), job.classes)
        fitted = sum(parameter.numel() for parameter in head.parameters())
        return FitResult(
            probabilities=self._answers(head, job.test, len(job.classes)),
            epochs=tuple(curve.epochs),
            monitored=curve.monitored,
            best_epoch=curve.best_epoch,
            parameters=fitted + sum(parameter.numel() for parameter in self._base.parameters()),
            head_parameters=fitted,
            seconds=time.perf_counter() - begin,
            peak_memory_mb=peak_memory_mb(),
        )

    def _answers(self, head: AttentionHead, clips: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
        """Probabilities as an evaluation computes them: whole windows, one at a time."""
        device = next(head.parameters()).device
        answers = np.empty((clips.size, classes), np.float32)
        with torch.inference_mode():
            for row, clip in enumerate(clips):
                batches = [self._frames.batch([int(window)]) for window in self._clips.windows_of(int(clip))]
                logits = [head(**{name: tensor.to(device) for name, tensor in batch.items()}) for batch in batches]
                values = torch.cat(logits).softmax(dim=1).cpu().numpy()
                answers[row] = self._clips.mean_over_windows(int(clip), values)
        return answers

    def _encoded(self, folder: Path) -> "_Frames":
        """Compute the frames of all windows, then of their changed copies, unless another worker has done so."""
        changed = self._recipe.model_dump_json(include={"copies", "augmentation"})
        path = folder / f"frames-{hashlib.sha256(changed.encode()).hexdigest()[:8]}.float32"
        index = path.with_suffix(".npy")
        if not index.exists():
            model = self._classifier(("a", "b"))
            starts = [0]
            with path.open("wb") as file:
                for copy_number in range(self._recipe.copies + 1):
                    for window in range(self._clips.starts.size):
                        frames = self._frames_of(model, window, copy_number)
                        starts.append(starts[-1] + len(frames))
                        file.write(frames.tobytes())
            np.save(index, np.asarray(starts, np.int64))
        clips = np.tile(self._clips.clips, self._recipe.copies + 1)
        return _Frames(path, np.load(index), clips, self._base.config.hidden_size)

    def _frames_of(self, model: AttentionClassifier, window: int, copy_number: int) -> NDArray[np.float32]:
        samples = self._clips.samples(window)
        if copy_number:
            samples = augmented(samples, self._recipe.augmentation, np.random.default_rng([copy_number, window]))
        with torch.inference_mode():
            return np.asarray(model.frames(**self._checkpoint.features(samples))[0].numpy(), np.float32)

    def _classifier(self, classes: Sequence[str]) -> AttentionClassifier:
        """Make the whole model, with the weights of the encoder."""
        described = self._base.config.to_dict()
        config = AttentionConfig(
            encoder={name: value for name, value in described.items() if name not in _LEFT_OUT},
            hidden=self._recipe.hidden,
            dropout=self._recipe.dropout,
            **label_names(classes),
        )
        model = AttentionClassifier(config)
        model.encoder.load_state_dict(self._base.state_dict())
        return model.eval()  # type: ignore[no-any-return]

    def _save(self, head: AttentionHead, folder: Path, classes: Sequence[str]) -> None:
        model = self._classifier(classes)
        model.classifier.load_state_dict(head.state_dict())
        model.save_pretrained(folder)
        self._checkpoint.extractor.save_pretrained(folder)


class _Frames:
    """Frames of windows and their copies, in a file.

    Attributes:
        clips: The clip of each window or copy.
    """

    def __init__(self, path: Path, starts: NDArray[np.int64], clips: NDArray[np.int64], width: int) -> None:
        self._content = np.memmap(path, np.float32, mode="r").reshape(-1, width)
        self._starts = starts
        self.clips = clips

    def batch(self, rows: Sequence[int]) -> Mapping[str, Tensor]:
        """The frames of windows, and which of them are no padding."""
        spans = [slice(int(self._starts[row]), int(self._starts[row + 1])) for row in rows]
        frames = [torch.from_numpy(np.array(self._content[span])) for span in spans]
        valid = [torch.ones(len(values), dtype=torch.bool) for values in frames]
        pad = torch.nn.utils.rnn.pad_sequence
        return {"frames": pad(frames, batch_first=True), "valid": pad(valid, batch_first=True)}
