"""Acoustics of a recording, measured without a model: level, noise, clipping and bandwidth."""

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
# Percentiles of the levels of frames: of speech, and of what is left in pauses. Short clips have few frames, so that
# nearer to the ends a single frame would decide.
_SPEECH_PERCENTILE, _NOISE_PERCENTILE = 95.0, 10.0
# What rounding to 16 bits adds, in power: frames that are quieter hold nothing that was recorded.
_ROUNDING = (1 / 2**15) ** 2 / 12


@dataclass(frozen=True)
class Acoustics:
    """Acoustics of one recording.

    Attributes:
        sampling_rate: Samples per second, as recorded.
        level_db: Root mean square in dB below full scale (dBFS); None for digital silence.
        clipped_share: Share of its samples in runs of three or more at full scale, a fraction.
        bandwidth_hz: The highest frequency at which the average spectrum comes within 45 dB of its strongest part;
            None for digital silence and for what is shorter than a frame of 32 ms.
        snr_db: Speech above noise: the level that 5 % of the frames exceed, above that which 90 % exceed, in dB. None
            as the bandwidth. Without pauses it is too low.
    """

    sampling_rate: int
    channels: int
    level_db: float | None
    clipped_share: float
    bandwidth_hz: float | None
    snr_db: float | None = None


def measure(stream: AudioStream) -> Acoustics:
    """Measure a recording while it is decoded to its end.

    Raises:
        UndecodableAudio: It cannot be read to its end.
    """
    frame = 2 ** round(math.log2(stream.sampling_rate * _FRAME_S))
    window = np.hanning(frame).astype(np.float32)
    power = np.zeros(frame // 2 + 1)
    rest = np.zeros(0, dtype=np.float32)
    squares, samples, runs = 0.0, 0, _ClippedRuns()
    frames: list[NDArray[np.float64]] = []
    for block in stream.blocks:
        samples += block.size
        squares += sum_of_squares(block)
        runs.update(block)
        joined = np.concatenate([rest, block])
        whole = joined.size // frame * frame
        rest = joined[whole:]
        if whole:
            framed = joined[:whole].reshape(-1, frame)
            frames.append(np.square(framed, dtype=np.float64).mean(axis=1))
            spectra = np.fft.rfft(framed * window, axis=1)
            power += (spectra.real**2 + spectra.imag**2).sum(axis=0)
    return Acoustics(
        sampling_rate=stream.sampling_rate,
        channels=stream.channels,
        level_db=level_db(squares, samples),
        clipped_share=runs.clipped / samples if samples else 0.0,
        bandwidth_hz=_bandwidth_hz(power, stream.sampling_rate / frame),
        snr_db=_snr_db(np.concatenate(frames)) if squares and frames else None,
    )


def sum_of_squares(samples: NDArray[np.float32]) -> float:
    """Sum of squares in double precision."""
    exact = samples.astype(np.float64)
    return float(np.dot(exact, exact))


def level_db(squares: float, samples: int) -> float | None:
    """The level in dB below full scale of samples with this sum of squares; None for digital silence."""
    return 10 * math.log10(squares / samples) if squares else None


def _snr_db(powers: NDArray[np.float64]) -> float:
    speech, noise = np.percentile(np.maximum(powers, _ROUNDING), [_SPEECH_PERCENTILE, _NOISE_PERCENTILE])
    return float(10 * np.log10(speech / noise))


class _ClippedRuns:
    """Counts samples in runs at full scale, which may go on from one block to the next."""

    def __init__(self) -> None:
        self._ended, self._open = 0, 0

    def update(self, samples: NDArray[np.float32]) -> None:
        full = np.concatenate([[False], np.abs(samples) >= _FULL_SCALE, [False]]).astype(np.int8)
        edges = np.flatnonzero(np.diff(full))
        runs = (edges[1::2] - edges[::2]).tolist()
        if not runs or edges[0] != 0:
            runs.insert(0, 0)
        runs[0] += self._open
        self._open = runs.pop() if edges.size and edges[-1] == samples.size else 0
        self._ended += sum(run for run in runs if run >= _CLIPPED_RUN)

    @property
    def clipped(self) -> int:
        return self._ended + (self._open if self._open >= _CLIPPED_RUN else 0)


def _bandwidth_hz(power: NDArray[np.float64], hertz_per_bin: float) -> float | None:
    if not power.any():
        return None
    smooth = np.convolve(power, np.ones(_SMOOTHED_BINS) / _SMOOTHED_BINS, mode="same")
    hertz = np.arange(smooth.size) * hertz_per_bin
    strongest = smooth[hertz >= _LOWEST_HZ].max()
    return float(hertz[smooth >= strongest * 10 ** (-_BAND_EDGE_DB / 10)].max())
