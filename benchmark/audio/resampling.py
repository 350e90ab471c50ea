"""From one sampling rate to another."""

import numpy as np
import soxr

from benchmark.audio.waveform import Waveform


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
    resampled = soxr.resample(waveform.samples, waveform.sampling_rate, sampling_rate, quality="HQ")
    if not resampled.size:
        # soxr rounds the length down; a model still needs something to hear.
        resampled = waveform.samples[:1]
    return Waveform(np.ascontiguousarray(resampled, dtype=np.float32), sampling_rate)
