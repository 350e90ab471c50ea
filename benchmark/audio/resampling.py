"""From one sampling rate to another."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy.typing import NDArray

from benchmark.audio.waveform import Waveform

_QUALITY = "HQ"


def resample(waveform: Waveform, sampling_rate: int) -> Waveform:
    """Resample with soxr's high-quality filter.

    Args:
        waveform: The audio; `waveform` itself comes back where it already has the rate.
        sampling_rate: The rate wanted, in Hz.

    Returns:
        The same stretch of time at the rate wanted. It has at least one sample if the input has.

    Examples:
        >>> resample(Waveform(np.zeros(44100, dtype=np.float32), 44100), 16000).samples.size
        16000
    """
    if waveform.sampling_rate == sampling_rate:
        return waveform
    resampled = soxr.resample(waveform.samples, waveform.sampling_rate, sampling_rate, quality=_QUALITY)
    if not resampled.size:
        # soxr rounds the length down; a model still needs something to hear.
        resampled = waveform.samples[:1]
    return Waveform(np.ascontiguousarray(resampled, dtype=np.float32), sampling_rate)


def resampled_blocks(
    blocks: Iterable[NDArray[np.float32]], sampling_rate: float, wanted_rate: float
) -> Iterator[NDArray[np.float32]]:
    """Resample audio that comes in blocks; put together, what comes out is what `resample` makes of the whole.

    Args:
        blocks: Mono samples, shape (samples,).
        sampling_rate: Their rate, in Hz.
        wanted_rate: The rate wanted, in Hz.

    Yields:
        Blocks at the rate wanted, none empty.

    Examples:
        >>> blocks = [np.ones(441, dtype=np.float32)] * 100
        >>> sum(block.size for block in resampled_blocks(blocks, 44100, 16000))
        16000
    """
    if sampling_rate == wanted_rate:
        yield from (block for block in blocks if block.size)
        return
    resampler = soxr.ResampleStream(sampling_rate, wanted_rate, 1, dtype="float32", quality=_QUALITY)
    first, made = np.zeros(0, dtype=np.float32), 0
    for block in blocks:
        first = first if first.size else block[:1]
        resampled = resampler.resample_chunk(block)
        made += resampled.size
        if resampled.size:
            yield resampled
    last = resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
    if last.size or not made:
        # As `resample` does: soxr rounds the length down, and a model still needs something to hear.
        yield last if last.size else first
