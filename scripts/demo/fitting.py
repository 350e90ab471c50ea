"""Training: batches of equal length, AdamW, one cycle."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedModel

from scripts.demo.clips import TrainingClips
from scripts.demo.voice import SAMPLING_RATE

CROP = round(1.5 * SAMPLING_RATE)
LARGEST_SHIFT = 30  # frames of 10 ms


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast to train: everything, or the head alone."""

    steps: int
    rate: float
    seed: int
    batch: int = 16
    head_only: bool = False


def fit(
    model: PreTrainedModel, clips: TrainingClips, targets: Mapping[str, int | tuple[float, ...]], schedule: Schedule
) -> None:
    """Train `model` in place on random crops of equal length, so that no batch needs padding.

    Args:
        model: Anything that answers with `logits`.
        clips: What to train on.
        targets: For each emotion its class, or the values to regress.
        schedule: How long and how fast.
    """
    torch.manual_seed(schedule.seed)
    random = np.random.default_rng(schedule.seed)
    # The first layer is a bank of filters that stays as it is (recipes.hear_like_an_ear).
    model.base_model.feature_extractor.conv_layers[0].conv.requires_grad_(False)
    if schedule.head_only:
        model.base_model.requires_grad_(False)
    classes = isinstance(next(iter(targets.values())), int)

    def draw() -> tuple[torch.Tensor, torch.Tensor]:
        drawn = random.choice(len(clips.samples), schedule.batch, replace=False)
        audio = torch.from_numpy(np.stack([_crop(clips.samples[index], random) for index in drawn]))
        return audio, torch.tensor([targets[clips.emotions[index]] for index in drawn])

    _optimise(model, draw, nn.functional.cross_entropy if classes else nn.functional.mse_loss, schedule)


def fit_spectrograms(
    model: PreTrainedModel,
    spectrograms: NDArray[np.float32],
    emotions: Sequence[str],
    classes: Mapping[str, int],
    schedule: Schedule,
) -> None:
    """Train `model` in place on whole spectrograms, each a little earlier or later every time it is drawn.

    Args:
        model: Anything that answers with `logits`.
        spectrograms: Shape (clips, frames, bins), as the feature extractor gives them: padded at their end.
        emotions: The emotion of each.
        classes: For each emotion its class.
        schedule: How long and how fast.
    """
    torch.manual_seed(schedule.seed)
    random = np.random.default_rng(schedule.seed)
    answers = np.array([classes[emotion] for emotion in emotions])

    def draw() -> tuple[torch.Tensor, torch.Tensor]:
        drawn = random.choice(len(spectrograms), schedule.batch, replace=False)
        shifts = random.integers(0, LARGEST_SHIFT + 1, schedule.batch)
        shifted = [_earlier(spectrograms[index], int(shift)) for index, shift in zip(drawn, shifts, strict=True)]
        return torch.from_numpy(np.stack(shifted)), torch.from_numpy(answers[drawn])

    _optimise(model, draw, nn.functional.cross_entropy, schedule)


def _optimise(
    model: PreTrainedModel,
    draw: Callable[[], tuple[torch.Tensor, torch.Tensor]],
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    schedule: Schedule,
) -> None:
    trained = [weights for weights in model.parameters() if weights.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=schedule.rate, weight_decay=0.01)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, schedule.rate, total_steps=schedule.steps, pct_start=0.2)
    model.train()
    for _ in range(schedule.steps):
        heard, wanted = draw()
        loss = loss_of(model(heard).logits, wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        pace.step()
    model.eval().requires_grad_(True)


def _earlier(spectrogram: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    # The last frame is padding, or else close enough to what would follow.
    return np.pad(spectrogram[frames:], ((0, frames), (0, 0)), mode="edge")


def _crop(samples: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    if samples.size < CROP:
        samples = np.pad(samples, (0, CROP - samples.size), mode="wrap")
    start = int(random.integers(0, samples.size - CROP + 1))
    return samples[start : start + CROP]
