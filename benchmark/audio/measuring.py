"""Acoustics of a recording, measured without a model: level, clipping and bandwidth."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.decoding import AudioStream

# At least so many samples in a row at full scale are a clipped peak; a single one may be where a peak just ended.
_CLIPPED_RUN = 3
_FULL_SCALE = 0.999
_FRAME_S = 0.032
# Below the strongest part of the average spectrum. Measured on 2026-11-21 over RAVDESS, EmoDB and the demo's voices at
# 16 kHz: at 45 dB their band ends between 7.4 and 8.0 kHz, and between 3.7 and 4.0 kHz once they have been through
# a telephone's 8 kHz (µ-law, soxr back to 16 kHz, 16 bits); at 55 dB the rounding to 16 bits begins to show.
_BAND_EDGE_DB = 45.0
_SMOOTHED_BINS = 5
# Hum and offsets below speech are not the strongest part of it.
_LOWEST_HZ = 60.0


@dataclass(frozen=True)
class Acoustics:
    """Acoustics of one recording.

    Attributes:
        sampling_rate: Samples per second, as recorded.
        channels: How many channels it was recorded with.
        level_db: Root mean square in dB below full scale (dBFS); None for digital silence.
        clipped_share: Share of its samples in runs of three or more at full scale, a fraction.
        bandwidth_hz: The highest frequency at which the average spectrum comes within 45 dB of its strongest part;
            None for digital silence and for what is shorter than a frame of 32 ms.
    """

    sampling_rate: int
    channels: int
    level_db: float | None
    clipped_share: float
    bandwidth_hz: float | None


class AcousticsMeter:
    """Measures a recording that comes block by block.

    Examples:
        >>> meter = AcousticsMeter(16000, 1)
        >>> meter.update(np.sin(np.arange(16000, dtype=np.float32) * (2 * np.pi * 1000 / 16000)))
        >>> measured = meter.result()
        >>> round(measured.level_db, 2), measured.clipped_share < 0.1, 1000 <= measured.bandwidth_hz < 1200
        (-3.01, True, True)
    """

    def __init__(self, sampling_rate: int, channels: int) -> None:
        self._rate, self._channels = sampling_rate, channels
        self._frame = 2 ** round(math.log2(sampling_rate * _FRAME_S))
        self._window = np.hanning(self._frame).astype(np.float32)
        self._power = np.zeros(self._frame // 2 + 1)
        self._rest = np.zeros(0, dtype=np.float32)
        self._squares, self._samples = 0.0, 0
        self._clipped, self._run = 0, 0

    def update(self, samples: NDArray[np.float32]) -> None:
        """Take in the next samples, shape (samples,)."""
        self._samples += samples.size
        self._squares += float(np.dot(samples.astype(np.float64), samples.astype(np.float64)))
        self._count_clipped(samples)
        joined = np.concatenate([self._rest, samples])
        whole = joined.size // self._frame * self._frame
        self._rest = joined[whole:]
        if whole:
            spectra = np.fft.rfft(joined[:whole].reshape(-1, self._frame) * self._window, axis=1)
            self._power += (spectra.real**2 + spectra.imag**2).sum(axis=0)

    def result(self) -> Acoustics:
        """Acoustics of all samples so far."""
        mean_square = self._squares / self._samples if self._samples else 0.0
        clipped = self._clipped + (self._run if self._run >= _CLIPPED_RUN else 0)
        return Acoustics(
            sampling_rate=self._rate,
            channels=self._channels,
            level_db=10 * math.log10(mean_square) if mean_square else None,
            clipped_share=clipped / self._samples if self._samples else 0.0,
            bandwidth_hz=self._bandwidth_hz(),
        )

    def _bandwidth_hz(self) -> float | None:
        if not self._power.any():
            return None
        smooth = np.convolve(self._power, np.ones(_SMOOTHED_BINS) / _SMOOTHED_BINS, mode="same")
        hertz = np.arange(smooth.size) * self._rate / self._frame
        strongest = smooth[hertz >= _LOWEST_HZ].max()
        return float(hertz[smooth >= strongest * 10 ** (-_BAND_EDGE_DB / 10)].max())

    def _count_clipped(self, samples: NDArray[np.float32]) -> None:
        full = np.concatenate([[False], np.abs(samples) >= _FULL_SCALE, [False]]).astype(np.int8)
        edges = np.flatnonzero(np.diff(full))
        runs = (edges[1::2] - edges[::2]).tolist()
        if not runs or edges[0] != 0:
            runs.insert(0, 0)
        runs[0] += self._run  # a run may go on from the block before
        self._run = 0
        if edges.size and edges[-1] == samples.size:
            self._run = runs.pop()
        self._clipped += sum(run for run in runs if run >= _CLIPPED_RUN)


def measure(stream: AudioStream) -> Acoustics:
    """Measure a recording while it is decoded to its end.

    Raises:
        UndecodableAudio: It cannot be read to its end.
    """
    meter = AcousticsMeter(stream.sampling_rate, stream.channels)
    for block in stream.blocks:
        meter.update(block)
    return meter.result()
