"""Changed copies of training clips: of waveforms, of log-mel spectrograms, and of batches."""

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from benchmark.training.clips_file import SAMPLING_RATE
from benchmark.training.recipe import Augmentation, WaveformAugmentation

_REVERBERATION_S = (0.1, 0.6)
_SHORTEST = 400
"""Samples of the shortest clip that a speed or a room is applied to."""

Samples = NDArray[np.float32]


def changed_speed(samples: Samples, speed: float) -> Samples:
    """Change tempo and pitch by a factor, as a tape that runs faster does."""
    if speed == 1.0 or samples.size < _SHORTEST:
        return samples
    return np.asarray(soxr.resample(samples, SAMPLING_RATE * speed, SAMPLING_RATE), np.float32)


def augmented(samples: Samples, augmentation: WaveformAugmentation, random: np.random.Generator) -> Samples:
    """Draw a changed copy of a waveform: a speed, a room, a level, noise, in this order.

    Examples:
        >>> louder = WaveformAugmentation(gain_db=6.0)
        >>> augmented(np.ones(500, np.float32), louder, np.random.default_rng(1)).max().round(2)
        np.float32(1.02)
    """
    copy = changed_speed(samples, augmentation.speed[random.integers(len(augmentation.speed))])
    if augmentation.room > 0 and copy.size >= _SHORTEST and random.random() < augmentation.room:
        copy = _in_a_room(copy, random)
    if augmentation.gain_db > 0:
        copy = copy * np.float32(10 ** (random.uniform(-augmentation.gain_db, augmentation.gain_db) / 20))
    if augmentation.noise_db is not None:
        level = float(np.sqrt(np.mean(np.square(copy)))) * 10 ** (-random.uniform(*augmentation.noise_db) / 20)
        copy = copy + random.normal(0.0, level, copy.size).astype(np.float32)
    return np.asarray(copy, np.float32)


def _in_a_room(samples: Samples, random: np.random.Generator) -> Samples:
    """Convolve with decaying noise, whose level falls by 60 dB in the reverberation time; the level stays."""
    seconds = random.uniform(*_REVERBERATION_S)
    time = np.arange(int(seconds * SAMPLING_RATE)) / SAMPLING_RATE
    response = random.normal(size=time.size) * np.exp(-np.log(1000) * time / seconds)
    response[0] = np.abs(response).sum() / 4  # the direct sound
    wet = fftconvolve(samples, response)[: samples.size]
    level = np.sqrt(np.mean(np.square(samples)) / max(float(np.mean(np.square(wet))), 1e-20))
    return np.asarray(wet * level, np.float32)


@dataclass(frozen=True)
class MelCrops:
    """Excerpts of log-mel spectrograms for training.

    Attributes:
        frames: Length of an excerpt; shorter spectrograms are repeated.
    """

    frames: int
    augmentation: Augmentation

    def cut(self, mels: NDArray[np.floating], random: np.random.Generator) -> NDArray[np.float32]:
        """Cut an excerpt out of a spectrogram, shape (mels, frames), and mask bands and frames of it.

        The mean of a standardised spectrogram, 0, stands in the place of what is masked (D. S. Park et al.,
        SpecAugment, Interspeech 2019).
        """
        length = mels.shape[1]
        if length < self.frames:
            mels = np.pad(mels, ((0, 0), (0, self.frames - length)), mode="wrap")
            length = self.frames
        start = int(random.integers(length - self.frames + 1))
        excerpt = mels[:, start : start + self.frames].astype(np.float32)
        for _ in range(self.augmentation.mask_count):
            band, bands = _span(excerpt.shape[0], self.augmentation.mask_bands, random)
            excerpt[band : band + bands] = 0
            frame, frames = _span(self.frames, self.augmentation.mask_frames, random)
            excerpt[:, frame : frame + frames] = 0
        return excerpt


def _span(length: int, longest: int, random: np.random.Generator) -> tuple[int, int]:
    """Draw a beginning and a length of 0 to `longest` within `length`."""
    size = int(random.integers(min(longest, length) + 1))
    return int(random.integers(length - size + 1)), size


def mixed(
    inputs: NDArray[np.float32], targets: NDArray[np.float32], alpha: float, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mix each item of a batch with another one (H. Zhang et al., mixup, ICLR 2018).

    Args:
        inputs: Shape (items, …).
        targets: Probabilities of the classes, shape (items, classes).
        alpha: Of the Beta distribution of the weight; 0 mixes nothing.
    """
    if alpha == 0:
        return inputs, targets
    weight = np.float32(random.beta(alpha, alpha))
    order = random.permutation(len(inputs))
    return weight * inputs + (1 - weight) * inputs[order], weight * targets + (1 - weight) * targets[order]
