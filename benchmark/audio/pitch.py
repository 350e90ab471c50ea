"""Fundamental frequency of speech: tracked by autocorrelation, and made constant by moving single periods.

The tracker follows P. Boersma, Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise
ratio of a sampled sound, IFA Proceedings 17 (1993); periods are moved by TD-PSOLA (E. Moulines and F. Charpentier,
Pitch-synchronous waveform processing techniques for text-to-speech synthesis using diphones, Speech Communication 9
(1990)). Libraries that do this are under the GPL, or have no wheels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOWEST_HZ, HIGHEST_HZ = 65.0, 600.0
"""Between these a voice is looked for."""
HOP_S = 0.010
_FRAME_S = 3 / LOWEST_HZ  # three of the longest periods
_VOICED_FROM = 0.5
"""Normalised autocorrelation from which a frame is voiced."""
_SILENT_BELOW = 0.03
"""Frames whose peak is below this share of the clip's are unvoiced."""
_OCTAVE_COST = 0.01  # per octave: of equal peaks the shortest period
_JUMP_COST = 0.35  # per octave between neighbouring frames
_VOICING_COST = 0.14
_CANDIDATES = 6
_FEWEST_MARKS = 2
_UNVOICED_STEP_S = 0.005
_SEARCHED = 0.2
"""A pitch mark is looked for within this share of a period around the expected place."""


@dataclass(frozen=True, eq=False)
class PitchTrack:
    """Fundamental frequency every 10 ms.

    Attributes:
        hertz: Shape (frames,); 0 where there is no voice. Frame i is centred at i · 10 ms.
    """

    hertz: NDArray[np.float64]

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Frames with a voice."""
        return self.hertz > 0


def track_pitch(samples: NDArray[np.float32], sampling_rate: int) -> PitchTrack:
    """Track the fundamental frequency between 65 and 600 Hz.

    Each frame has up to six candidates, peaks of the autocorrelation that is normalised by that of the window, and one
    for "no voice"; the path with the highest sum of strengths less costs of jumps is taken (Viterbi).

    Args:
        samples: Mono, shape (samples,).
        sampling_rate: In Hz, at least 2,000.
    """
    hop, size = round(HOP_S * sampling_rate), 2 * (round(_FRAME_S * sampling_rate) // 2)
    frames = samples.size // hop + 1
    padded = np.pad(samples.astype(np.float64), (size // 2, size // 2 + hop))
    cut = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:frames]
    peaks = np.abs(cut).max(axis=1)
    correlation = _normalised_autocorrelation(cut - cut.mean(axis=1, keepdims=True))
    hertz, strength = _candidates(correlation, sampling_rate)
    is_silent = peaks <= _SILENT_BELOW * max(float(np.abs(samples).max(initial=0.0)), 1e-12)
    strength[is_silent, 1:] = -np.inf
    chosen = _best_path(hertz, strength)
    return PitchTrack(hertz[np.arange(frames), chosen])


def _normalised_autocorrelation(cut: NDArray[np.float64]) -> NDArray[np.float64]:
    size = cut.shape[1]
    window = np.hanning(size)
    padded = 2 ** int(np.ceil(np.log2(1.5 * size)))

    def correlate(frames: NDArray[np.float64]) -> NDArray[np.float64]:
        power = np.abs(np.fft.rfft(frames, padded, axis=-1)) ** 2
        correlation = np.fft.irfft(power, axis=-1)[..., : size // 2]
        return np.asarray(correlation / np.maximum(correlation[..., :1], 1e-12))

    return correlate(cut * window) / correlate(window)


def _candidates(
    correlation: NDArray[np.float64], sampling_rate: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies and strengths of the candidates, shape (frames, 1 + candidates); the first is "no voice"."""
    shortest = max(2, int(sampling_rate / HIGHEST_HZ))
    longest = min(correlation.shape[1] - 2, int(np.ceil(sampling_rate / LOWEST_HZ)))
    lags = np.arange(shortest, longest + 1)
    before, at, after = (correlation[:, lags + shift] for shift in (-1, 0, 1))
    is_peak = (at > before) & (at >= after) & (at > _VOICED_FROM / 2)
    # The top of the parabola through three points.
    curvature = np.minimum(before - 2 * at + after, -1e-12)
    offset = np.clip(0.5 * (before - after) / curvature, -0.5, 0.5)
    height = np.minimum(at - 0.25 * (before - after) * offset, 1.0)
    frequency = sampling_rate / (lags + offset)
    score = np.where(is_peak, height + _OCTAVE_COST * np.log2(frequency / LOWEST_HZ), -np.inf)
    best = np.argsort(-score, axis=1)[:, :_CANDIDATES]
    strength = np.take_along_axis(score, best, axis=1)
    hertz = np.where(np.isfinite(strength), np.take_along_axis(frequency, best, axis=1), 1.0)
    unvoiced = np.zeros((len(correlation), 1))
    return np.hstack([unvoiced, hertz]), np.hstack([unvoiced + _VOICED_FROM, strength])


def _best_path(hertz: NDArray[np.float64], strength: NDArray[np.float64]) -> NDArray[np.int64]:
    frames, width = hertz.shape
    octaves = np.log2(np.where(hertz > 0, hertz, 1.0))
    voiced = hertz > 0
    total, came_from = strength[0], np.zeros((frames, width), dtype=np.int64)
    for frame in range(1, frames):
        jump = _JUMP_COST * np.abs(octaves[frame][None, :] - octaves[frame - 1][:, None])
        is_change = voiced[frame][None, :] != voiced[frame - 1][:, None]
        both = voiced[frame][None, :] & voiced[frame - 1][:, None]
        cost = np.where(both, jump, np.where(is_change, _VOICING_COST, 0.0))
        reached = total[:, None] - cost
        came_from[frame] = reached.argmax(axis=0)
        total = reached.max(axis=0) + strength[frame]
    path = np.empty(frames, dtype=np.int64)
    path[-1] = int(total.argmax())
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path


def flatten_pitch(samples: NDArray[np.float32], sampling_rate: int) -> NDArray[np.float32]:
    """Give all voiced parts the clip's median fundamental frequency; duration, loudness and spectrum stay.

    Unvoiced parts, and a clip without a voice, come as they are.

    Args:
        samples: Mono, shape (samples,).
        sampling_rate: In Hz, at least 2,000.
    """
    track = track_pitch(samples, sampling_rate)
    if not track.voiced.any():
        return samples
    frames = np.minimum(np.arange(samples.size) / round(HOP_S * sampling_rate) + 0.5, track.hertz.size - 1)
    hertz = track.hertz[frames.astype(np.int64)]
    periods = np.where(hertz > 0, np.round(sampling_rate / np.maximum(hertz, 1.0)), 0).astype(np.int64)
    period = sampling_rate / float(np.median(track.hertz[track.voiced]))
    grains = _grains(samples, periods, period, round(_UNVOICED_STEP_S * sampling_rate))
    return _moved(samples.astype(np.float64), grains)


@dataclass(frozen=True, eq=False)
class _Grains:
    """Pieces of the clip and where they are put, in samples; `reach` is half of a piece's length."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    reach: NDArray[np.int64]

    @classmethod
    def still(cls, begin: int, end: int, step: int) -> "_Grains":
        """Short pieces that stay where they are."""
        places = np.arange(begin, end + step, step, dtype=np.int64)
        return cls(places, places, np.full(places.size, step, dtype=np.int64))

    @classmethod
    def joined(cls, parts: Sequence["_Grains"]) -> "_Grains":
        """All pieces of several parts."""
        return cls(
            np.concatenate([part.source for part in parts]),
            np.concatenate([part.target for part in parts]),
            np.concatenate([part.reach for part in parts]),
        )


def _grains(samples: NDArray[np.float32], periods: NDArray[np.int64], period: float, step: int) -> _Grains:
    """Pieces of two periods at pitch marks, moved to be `period` apart, and short ones that stay where no voice is.

    Args:
        periods: The period at each sample, 0 without a voice.
        period: To be, in samples.
        step: Of the pieces that stay, in samples.
    """
    parts: list[_Grains] = []
    edges = np.flatnonzero(np.diff(np.concatenate([[0], periods > 0, [0]])))
    position = 0
    for start, stop in edges.reshape(-1, 2):
        marks = _pitch_marks(samples, periods, max(position, int(start)), int(stop))
        if marks.size < _FEWEST_MARKS:
            continue
        target = np.arange(float(marks[0]), float(marks[-1]) + 1.0, period)
        nearest = marks[np.abs(marks[None, :] - target[:, None]).argmin(axis=1)]
        parts.append(_Grains.still(position, int(marks[0]), step))
        parts.append(_Grains(nearest, np.round(target).astype(np.int64), periods[nearest]))
        position = int(marks[-1])
    return _Grains.joined([*parts, _Grains.still(position, samples.size, step)])


def _pitch_marks(samples: NDArray[np.float32], periods: NDArray[np.int64], begin: int, end: int) -> NDArray[np.int64]:
    """Places a period apart at which the wave looks alike, from the strongest sample of a voiced part on both ways."""
    if begin >= end:
        return np.empty(0, np.int64)
    strongest = begin + int(np.abs(samples[begin:end]).argmax())
    marks = {strongest}
    for direction in (-1, 1):
        place = strongest
        while begin <= place < end and begin <= place + direction * periods[place] < end:
            place = _next_mark(samples, place, direction * int(periods[place]), int(periods[place]))
            marks.add(place)
    return np.array(sorted(mark for mark in marks if begin <= mark < end), dtype=np.int64)


def _next_mark(samples: NDArray[np.float32], place: int, shift: int, period: int) -> int:
    """The place about `shift` from a mark around which a period is most like the one around the mark."""
    half, slack = period // 2, max(1, int(_SEARCHED * period))
    low, high = place + shift - half - slack, place + shift + half + slack + 1
    if place - half < 0 or place + half + 1 > samples.size or low < 0 or high > samples.size:
        return place + shift
    pattern = samples[place - half : place + half + 1]
    likeness = np.correlate(samples[low:high], pattern, "valid")
    energy = np.convolve(samples[low:high].astype(np.float64) ** 2, np.ones(pattern.size), "valid")
    return place + shift - slack + int((likeness / np.sqrt(energy + 1e-12)).argmax())


def _moved(samples: NDArray[np.float64], grains: _Grains) -> NDArray[np.float32]:
    """Add the windowed pieces at their new places, divided by the sum of their windows."""
    margin = int(grains.reach.max()) + 1
    source = np.pad(samples, margin)
    result, weight = np.zeros_like(source), np.zeros_like(source)
    windows = {int(reach): np.hanning(2 * reach + 1) + 1e-6 for reach in np.unique(grains.reach)}
    for place, target, reach in zip(grains.source, grains.target, grains.reach, strict=True):
        if not (0 <= target < samples.size + reach and place < samples.size + reach):
            continue
        window = windows[int(reach)]
        piece = slice(target + margin - reach, target + margin + reach + 1)
        if piece.stop > result.size or place + margin + reach + 1 > source.size:
            continue
        result[piece] += window * source[place + margin - reach : place + margin + reach + 1]
        weight[piece] += window
    covered = weight > 0
    result[covered] /= weight[covered]
    return result[margin : margin + samples.size].astype(np.float32)
