"""Where sound is made: the pulses of the glottis, breath, and the noises of the mouth."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from benchmark.audio.voice.prosody import Prosody
from benchmark.audio.voice.speaker import Speaker

_SHIMMER_PER_JITTER = 6.0
_TILT_AT_HZ = 3000.0
# The bands of Segment.hiss, in Hz: s, sh, f.
_HISS_BANDS = ((4200.0, 7600.0), (1900.0, 4500.0), (500.0, 7600.0))


def glottal_flow(
    pitch_hz: NDArray[np.float64], prosody: Prosody, speaker: Speaker, rate: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Derivative of the air flow through the glottis, with the breath that its opening lets through.

    Args:
        pitch_hz: Pitch at every sample.
        prosody: Voice quality: open quotient, tilt, jitter, breath.
        speaker: The habitual tilt and breathiness.
        rate: Samples per second.
        random: Where irregularity and breath come from.

    Returns:
        Shape as `pitch_hz`, about 0.3 in root mean square.
    """
    steady = np.cumsum(pitch_hz) / rate
    periods = int(steady[-1]) + 2
    jitter = max(prosody.jitter, 0.0)
    lengths = 1 + jitter * random.standard_normal(periods).clip(-2.5, 2.5)
    strengths = 1 + _SHIMMER_PER_JITTER * jitter * random.standard_normal(periods).clip(-2.5, 2.5)
    phase = np.cumsum(pitch_hz * lengths[steady.astype(np.int64)]) / rate
    period = phase.astype(np.int64).clip(max=periods - 1)
    # The KLGLOTT88 pulse: while the glottis is open the flow is x² - x³, whose derivative falls to -1 as it closes.
    opening = (phase - np.floor(phase)) / np.clip(prosody.open_quotient, 0.3, 0.85)
    is_open = opening < 1
    pulses = np.where(is_open, 2 * opening - 3 * opening**2, 0.0) * strengths[period]
    breath = speaker.breathiness * math.exp(prosody.breath_log) * random.standard_normal(phase.size)
    return _tilted(pulses, prosody.tilt_db + speaker.tilt_db, rate) + breath * np.where(is_open, 1.0, 0.3)


def _tilted(flow: NDArray[np.float64], loss_db: float, rate: int) -> NDArray[np.float64]:
    """Lose `loss_db` at 3 kHz through a first-order filter with gain 1 at 0 Hz (Klatt and Klatt 1990)."""
    power = 10 ** (-max(loss_db, 0.1) / 10)
    cosine = math.cos(2 * math.pi * _TILT_AT_HZ / rate)
    middle = (1 - power * cosine) / (1 - power)
    pole = middle - math.sqrt(middle**2 - 1)
    return np.asarray(signal.lfilter([1 - pole], [1, -pole], flow))


def mouth_noise(amplitudes: NDArray[np.float64], rate: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Noise of fricatives and bursts.

    Args:
        amplitudes: Of the three bands, at every sample, shape (samples, 3).
        rate: Samples per second.
        random: Where the noise comes from.

    Returns:
        Their sum, shape (samples,).
    """
    white = random.standard_normal(len(amplitudes))
    return np.asarray(sum(amplitudes[:, band] * signal.sosfilt(_band(band, rate), white) for band in range(3)))


@lru_cache
def _band(band: int, rate: int) -> NDArray[np.float64]:
    return np.asarray(signal.butter(2, _HISS_BANDS[band], "bandpass", fs=rate, output="sos"))
