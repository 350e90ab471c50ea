"""Audio in memory: mono float32 samples and their rate, their hash, and resampling."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

_HASH_DIGITS = 32


@dataclass(frozen=True, eq=False)
class Waveform:
    """Mono audio in memory.

    Attributes:
        samples: float32, shape (samples,); full scale is ±1, which float recordings and lossy codecs may exceed.
        sampling_rate: Samples per second.

    Raises:
        ValueError: `samples` is not one row of float32, or the rate is not positive.

    Examples:
        >>> Waveform(np.zeros(8000, dtype=np.float32), 16000).duration_s
        0.5
    """

    samples: NDArray[np.float32]
    sampling_rate: int

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32 or self.samples.ndim != 1:
            raise ValueError(f"one row of float32 samples expected, not {self.samples.dtype} {self.samples.shape}")
        if self.sampling_rate <= 0:
            raise ValueError(f"a positive sampling rate expected, not {self.sampling_rate}")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples.size / self.sampling_rate

    @property
    def content_hash(self) -> str:
        """SHA-256 of the rate and the samples, its first 32 hexadecimal digits; the file format does not enter."""
        content = ContentHash(self.sampling_rate)
        content.update(self.samples)
        return content.digits


class ContentHash:
    """The content hash of audio that comes block by block."""

    def __init__(self, sampling_rate: int) -> None:
        self._digest = hashlib.sha256(int(sampling_rate).to_bytes(8, "little"))

    def update(self, samples: NDArray[np.float32]) -> None:
        """Take in the next samples."""
        self._digest.update(np.ascontiguousarray(samples, dtype="<f4").data)

    @property
    def digits(self) -> str:
        """`Waveform.content_hash` of all samples so far."""
        return self._digest.hexdigest()[:_HASH_DIGITS]


def resample(waveform: Waveform, sampling_rate: int) -> Waveform:
    """Resample all of a recording as `resampled_blocks` does; what already has the rate is returned as it is."""
    if waveform.sampling_rate == sampling_rate:
        return waveform
    resampled = list(resampled_blocks([waveform.samples], waveform.sampling_rate, sampling_rate))
    return Waveform(np.concatenate(resampled), sampling_rate)


def resampled_blocks(
    blocks: Iterable[NDArray[np.float32]], sampling_rate: float, target_rate: float
) -> Iterator[NDArray[np.float32]]:
    """Resample audio that comes in blocks, with soxr's high-quality filter; how it is cut into blocks does not matter.

    Args:
        blocks: Mono samples, shape (samples,).
        sampling_rate: Their rate, in Hz.
        target_rate: In Hz.

    Yields:
        Blocks at the target rate, together of the same duration; at least one sample if there was one.

    Examples:
        >>> blocks = [np.ones(441, dtype=np.float32)] * 100
        >>> sum(block.size for block in resampled_blocks(blocks, 44100, 16000))
        16000
    """
    if sampling_rate == target_rate:
        yield from (block for block in blocks if block.size)
        return
    resampler = soxr.ResampleStream(sampling_rate, target_rate, 1, dtype="float32", quality="HQ")
    first, made = np.zeros(0, dtype=np.float32), 0
    for block in blocks:
        first = first if first.size else block[:1]
        resampled = resampler.resample_chunk(block)
        made += resampled.size
        if resampled.size:
            yield resampled
    last = resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if last.size or not made:
        # soxr rounds the length down; a model needs at least one sample.
        yield last if last.size else first
