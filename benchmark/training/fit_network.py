"""Fits a network from scratch on log-mel spectrograms, with transformers' Trainer."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from numpy.typing import NDArray
from torch import Tensor
from transformers import set_seed

from benchmark.errors import RequestError
from benchmark.models.actor import peak_memory_mb
from benchmark.models.mel_networks import MelClassifier, MelConfig
from benchmark.models.registration import sample_extractor
from benchmark.results.environment import cpuinfo
from benchmark.training.augmentation import MelCrops, augmented, changed_speed, mixed
from benchmark.training.clips_file import SAMPLING_RATE, ClipsFile
from benchmark.training.epochs import Curve
from benchmark.training.jobs import FitJob, FitResult, label_names
from benchmark.training.recipe import NetworkRecipe
from benchmark.training.trainer import EpochTask


class NetworkLearner:
    """Fits networks of one recipe.

    Spectrograms of all clips at all speeds are computed once and lie in a file, unless waveforms are changed at random.
    """

    def __init__(self, clips: ClipsFile, recipe: NetworkRecipe, features: Path) -> None:
        self.clips, self.recipe = clips, recipe
        self._plain = MelClassifier(self._config(("a", "b")))  # its spectrogram is that of all
        self._plain.eval()
        self._spectrograms = {
            speed: Spectrograms.of(clips, self._plain, speed, features / f"mels-{speed:g}.float16")
            for speed in ({1.0} if recipe.augmentation.is_random else {1.0, *recipe.augmentation.speed})
        }

    def fit(self, job: FitJob) -> FitResult:
        """Fit one network, and answer the job's test clips with it."""
        begin = time.perf_counter()
        set_seed(job.seed)
        model = MelClassifier(self._config(job.classes))
        curve = Curve(job, self.recipe.fit, lambda clips: self._monitored_answers(model, clips), model)
        self._train(model, job, curve)
        if job.folder is not None and not curve.has_failed:
            save_model(model, Path(job.folder))
        return FitResult(
            probabilities=self._answers(model, job.test),
            epochs=tuple(curve.epochs),
            monitored=curve.monitored,
            best_epoch=curve.best_epoch,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            seconds=time.perf_counter() - begin,
            peak_memory_mb=peak_memory_mb(),
        )

    def _config(self, classes: Sequence[str]) -> MelConfig:
        sizes: dict[str, Any] = {"channels": list(self.recipe.channels), "pools": list(map(list, self.recipe.pools))}
        try:
            return MelConfig(
                network=self.recipe.network,
                dropout=self.recipe.dropout,
                **label_names(classes),
                **{name: size for name, size in sizes.items() if size},
            )
        except StrictDataclassError as error:
            reason = str(error).splitlines()[-1].partition(": ")[2] or str(error)
            raise RequestError(f"The recipe describes no network: {reason}.") from None

    def _train(self, model: MelClassifier, job: FitJob, curve: Curve) -> None:
        windows = np.concatenate([self.clips.windows_of(clip) for clip in job.train])
        EpochTask(
            model=model,
            job=job,
            fit=self.recipe.fit,
            rows=windows,
            labels=job.labels[self.clips.clips[windows]],
            batch=_Batches(self, job),
            logits=lambda inputs: model.classify(inputs["mels"], inputs["inside"]),
            learning_rates=[(self.recipe.fit.learning_rate, list(model.parameters()))],
            folder=self.clips.path.parent,
            mixed_precision=_computes_in_bfloat16(),
        ).run(curve)

    def excerpt_source(self, window: int, random: np.random.Generator) -> NDArray[np.floating]:
        """The spectrogram of a window that a training excerpt is cut from, changed as the recipe says."""
        augmentation = self.recipe.augmentation
        if not augmentation.is_random:
            speed = augmentation.speed[random.integers(len(augmentation.speed))]
            return self._spectrograms[speed].of_window(window)
        return spectrogram(self._plain, augmented(self.clips.samples(window), augmentation, random))

    def crops(self) -> MelCrops:
        """How excerpts are cut."""
        frames = round(self.recipe.crop_s * SAMPLING_RATE / self._plain.config.hop)
        return MelCrops(frames, self.recipe.augmentation)

    def _monitored_answers(self, model: MelClassifier, clips: NDArray[np.int64]) -> NDArray[np.float32]:
        """Probabilities of the first window of clips, from the spectrograms that there are."""
        first = [int(self.clips.windows_of(int(clip))[0]) for clip in clips]
        with torch.inference_mode():
            answers = [_answer_to_spectrogram(model, self._spectrograms[1.0].of_window(window)) for window in first]
        return np.stack(answers)

    def _answers(self, model: MelClassifier, clips: NDArray[np.int64]) -> NDArray[np.float32]:
        """Probabilities, shape (clips, classes), as an evaluation computes them: whole windows, one at a time."""
        answers = np.empty((clips.size, model.config.num_labels), np.float32)
        with torch.inference_mode():
            for row, clip in enumerate(clips):
                windows = [self._answer(model, int(window)) for window in self.clips.windows_of(int(clip))]
                answers[row] = self.clips.mean_over_windows(int(clip), np.stack(windows))
        return answers

    def _answer(self, model: MelClassifier, window: int) -> NDArray[np.float32]:
        samples = long_enough(self.clips.samples(window), model)
        return np.asarray(model(torch.from_numpy(samples)[None]).logits[0].softmax(-1).numpy())


class Spectrograms:
    """The standardised log-mel spectrograms of all windows of a training, without silence at both ends, in a file."""

    def __init__(self, path: Path, starts: NDArray[np.int64], mels: int) -> None:
        self._content = np.memmap(path, np.float16, mode="r").reshape(-1, mels)
        self._starts = starts

    @classmethod
    def of(cls, clips: ClipsFile, model: MelClassifier, speed: float, path: Path) -> "Spectrograms":
        """Open the file, which is computed where it is missing; its index is written when it is whole."""
        index = path.with_suffix(".npy")
        if not index.exists():
            starts = [0]
            with path.open("wb") as file:
                for window in range(clips.starts.size):
                    mels = spectrogram(model, changed_speed(clips.samples(window), speed))
                    starts.append(starts[-1] + mels.shape[1])
                    file.write(np.ascontiguousarray(mels.T, np.float16).tobytes())
            np.save(index, np.asarray(starts, np.int64))
        return cls(path, np.load(index), model.config.mels)

    def of_window(self, window: int) -> NDArray[np.float16]:
        """The spectrogram of a window, shape (mels, frames)."""
        return self._content[self._starts[window] : self._starts[window + 1]].T


def spectrogram(model: MelClassifier, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The standardised log-mel spectrogram of a model, shape (mels, frames), without silence at both ends."""
    with torch.inference_mode():
        mels, inside = model.mels(torch.from_numpy(long_enough(samples, model))[None])
    frames = inside[0].nonzero()[:, 0]
    return np.asarray(mels[0, :, int(frames[0]) : int(frames[-1]) + 1].numpy())


def long_enough(samples: NDArray[np.float32], model: MelClassifier) -> NDArray[np.float32]:
    """The samples of a window, with zeros behind them where there are fewer than one frame has."""
    missing = max(0, model.config.shortest_samples - samples.size)
    return np.ascontiguousarray(np.pad(samples, (0, missing)), np.float32)


def save_model(model: MelClassifier, folder: Path) -> None:
    """Save weights, configuration and a stock feature extractor, so that the folder says everything."""
    model.save_pretrained(folder)
    sample_extractor(SAMPLING_RATE).save_pretrained(folder)


def _answer_to_spectrogram(model: MelClassifier, mels: NDArray[np.floating]) -> NDArray[np.float32]:
    tensor = torch.from_numpy(np.ascontiguousarray(mels, np.float32))[None]
    logits = model.classify(tensor, torch.ones(1, tensor.shape[2]))
    return np.asarray(logits[0].softmax(-1).numpy())


def _computes_in_bfloat16() -> bool:
    """Whether mixed precision saves time here: others emulate bfloat16."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(cpuinfo("flags").split())


class _Batches:
    """Makes a batch of excerpts of windows, masked and mixed."""

    def __init__(self, learner: NetworkLearner, job: FitJob) -> None:
        self._learner, self._job = learner, job
        self._random = np.random.default_rng(job.seed)
        self._crops = learner.crops()
        self._targets = np.eye(len(job.classes), dtype=np.float32)

    def __call__(self, windows: Sequence[int]) -> dict[str, Tensor]:
        """Read and change the windows of a batch."""
        sources = [self._learner.excerpt_source(window, self._random) for window in windows]
        excerpts = np.stack([self._crops.cut(source, self._random) for source in sources])
        targets = self._targets[self._job.labels[self._learner.clips.clips[list(windows)]]]
        excerpts, targets = mixed(excerpts, targets, self._crops.augmentation.mixup, self._random)
        mels = torch.from_numpy(excerpts)
        return {"mels": mels, "inside": torch.ones_like(mels[:, 0]), "targets": torch.from_numpy(targets)}
