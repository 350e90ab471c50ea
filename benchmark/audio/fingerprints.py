"""Fingerprints of audio that find changed copies of a recording, which other samples and another name do not hide.

A fingerprint is the log-mel spectrogram of the loudest 2.56 s: 64 frames of 40 ms in 16 bands from 100 to 3,800 Hz, at
most 30 dB below the strongest, minus the mean of each frame and of each band, scaled to length 1. The likeness of two
recordings is the scalar product. So neither gain nor silence before and after matter, and noise and encoding little;
the place of the loudest 0.5 s is found to a sample. Copies that were played at 0.9 or 1.1 times the speed are found by
reading the spectrogram at that speed.

On RAVDESS (1,440 recordings, all pairs) recordings of different speakers have a likeness of at most 0.79, and other
takes of one speaker of at most 0.93 (one pair above 0.9); changed copies of 120 of them (a tenth of the gain, 8 kHz,
MP3, 50 ms more or less, noise at 30 dB) have at least 0.95, those at another speed 0.93. Other speeds than these are
not found.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]

LIKENESS_OF_COPIES = 0.9
"""Between the two likenesses that were measured."""
LIKENESS_AT_SAME_SPEED = 0.94
"""Between two takes of one speaker, 0.93, and copies at the same speed, 0.95: where takes matter more than speeds."""
OTHER_SPEEDS = (0.9045, 1.1055)
"""0.9 and 1/1.1 lie 0.5 % from the first, 1.1 and 1/0.9 from the second."""
ANCHORS = 2
"""Where two stretches are equally loud, noise may make the second one the loudest."""
_BANDS, _FRAMES, _HOPS_PER_FRAME = 16, 64, 4
_LOWEST_HZ, _HIGHEST_HZ = 100.0, 3800.0
RATE, WINDOW, HOP = 16_000, 512, 160
"""In Hz and in samples."""
_DEPTH = 3.0
"""In powers of ten below the strongest band: 30 dB."""
_LOUDEST_HOPS = 50
_MIN_ACTIVE_FRAMES = 20
"""Below 0.8 s of sound different recordings are too alike."""
_BLOCK = 256


@dataclass(frozen=True, kw_only=True)
class NearCopy:
    """Two recordings of which one is a changed copy of the other, as indices with `first < second`."""

    first: int
    second: int
    likeness: float


def find_near_copies(waveforms: Iterable[Waveform]) -> list[NearCopy]:
    """Find all pairs of recordings of which one is a changed copy of the other, as `find_like` does.

    Args:
        waveforms: Mono at 16 kHz, each of shape (samples,).
    """
    return find_like(map(fingerprints, waveforms))


def find_like(recordings: Iterable[Waveform]) -> list[NearCopy]:
    """Find all pairs of recordings of which one is a changed copy of the other.

    It takes 2 kB of memory per recording, and time that grows with the square of their number: blocks of recordings are
    compared with all before them by matrix products.

    Args:
        recordings: The fingerprints of each, as of `fingerprints`.
    """
    pairs: dict[tuple[int, int], float] = {}
    blocks: list[NDArray[np.float16]] = []
    iterator = iter(recordings)
    while batch := list(islice(iterator, _BLOCK)):
        # Shape (recordings, fingerprints, dimensions); the first of each is its fingerprint.
        queries = np.stack(batch)
        start = len(blocks) * _BLOCK
        blocks.append(queries[:, 0].astype(np.float16))
        for number, block in enumerate(blocks):
            likeness = (queries @ block.astype(np.float32).T).max(axis=1)
            for row, column in np.argwhere(likeness >= LIKENESS_OF_COPIES):
                first, second = sorted((int(start + row), int(number * _BLOCK + column)))
                if first != second:
                    pairs[first, second] = max(float(likeness[row, column]), pairs.get((first, second), 0.0))
    return [NearCopy(first=first, second=second, likeness=pairs[first, second]) for first, second in sorted(pairs)]


def fingerprints(waveform: Waveform) -> Waveform:
    """The fingerprint of a recording, then those at its other loud stretches and at other speeds.

    Args:
        waveform: Mono at 16 kHz, shape (samples,).

    Returns:
        Shape (fingerprints, dimensions).
    """
    return np.stack(list(_fingerprints(waveform)))


def _fingerprints(waveform: Waveform) -> Iterator[Waveform]:
    if len(waveform) < _MIN_ACTIVE_FRAMES * _HOPS_PER_FRAME * HOP:
        yield from np.zeros((ANCHORS + len(OTHER_SPEEDS), _FRAMES * _BANDS), np.float32)
        return
    samples = np.nan_to_num(waveform, posinf=0.0, neginf=0.0)
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    loudest, *others = _loudest(energy, 1.0)
    yield _fingerprint(samples, loudest, 1.0)
    for centre in others:
        yield _fingerprint(samples, centre, 1.0)
    for speed in OTHER_SPEEDS:
        yield _fingerprint(samples, _loudest(energy, speed)[0], speed)


def _loudest(energy: NDArray[np.float64], speed: float) -> list[int]:
    """The centres of the loudest stretches of 0.5 s, in samples, the loudest first.

    Args:
        energy: The sum of squares before each sample, and of all.
    """
    hop = HOP * speed
    hops = np.diff(energy[np.round(np.arange(len(energy) // hop + 1) * hop).astype(np.int64).clip(max=len(energy) - 1)])
    smooth = np.convolve(hops, np.hanning(_LOUDEST_HOPS + 2)[1:-1])
    centres = []
    for _ in range(ANCHORS):
        peak = int(smooth.argmax())
        centres.append(round((_centre_of_mass(hops, peak - (_LOUDEST_HOPS - 1) / 2) + 0.5) * hop))
        smooth[max(peak - _LOUDEST_HOPS // 2, 0) : peak + _LOUDEST_HOPS // 2] = -1.0
    return centres


def _centre_of_mass(energy: NDArray[np.float64], centre: float) -> float:
    """Move the centre of a stretch to the centre of its energy: between hops, where the loudest hop is not exact."""
    hops = np.arange(len(energy))
    for _ in range(2):
        weights = energy * np.cos(np.clip((hops - centre) / _LOUDEST_HOPS, -0.5, 0.5) * np.pi) ** 2
        total = float(weights.sum())
        centre = float((weights * hops).sum()) / total if total > 0 else centre
    return centre


def _fingerprint(samples: Waveform, centre: int, speed: float) -> Waveform:
    from scipy.fft import rfft  # noqa: PLC0415 - slow to import, and every decoder imports this module

    hops = _FRAMES * _HOPS_PER_FRAME
    starts = centre - WINDOW // 2 + np.round((np.arange(hops) - hops / 2) * HOP * speed).astype(np.int64)
    first, last = int(starts[0]), int(starts[-1]) + WINDOW
    inside = samples[max(first, 0) : max(last, 0)]
    padded = np.pad(inside, (max(-first, 0), last - first - max(-first, 0) - len(inside)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[starts - first]
    spectrum = rfft(windows * _hann())
    power = (spectrum.real**2 + spectrum.imag**2) @ mel_filterbank(_BANDS, _LOWEST_HZ, _HIGHEST_HZ, speed=speed)
    frames = power.reshape(_FRAMES, _HOPS_PER_FRAME, _BANDS).mean(axis=1)
    strongest = frames.max()
    if not strongest > 0:
        return np.zeros(_FRAMES * _BANDS, np.float32)
    levels = np.log10(np.maximum(frames / strongest, 10**-_DEPTH))
    levels -= levels.mean(axis=1, keepdims=True)
    active = np.abs(levels).max(axis=1) > 0
    if active.sum() < _MIN_ACTIVE_FRAMES:
        return np.zeros(_FRAMES * _BANDS, np.float32)
    levels[active] -= levels[active].mean(axis=0)
    # A spectrum that never changes, such as a tone's, has nothing to compare.
    length = max(float(np.linalg.norm(levels)), 1e-3)
    return np.asarray(levels.ravel() / length, np.float32)


@cache
def _hann() -> Waveform:
    return np.hanning(WINDOW).astype(np.float32)


@cache
def mel_filterbank(bands: int, lowest_hz: float, highest_hz: float, *, speed: float = 1.0) -> Waveform:
    """Triangular mel bands (HTK's formula) of spectra over 512 samples at 16 kHz, shape (bins, bands).

    Args:
        speed: Put the bands at the frequencies that they have in a copy of which this speed is undone.
    """
    lowest, highest = (np.log10(1 + hertz / 700) for hertz in (lowest_hz, highest_hz))
    edges = 700 * (10 ** np.linspace(lowest, highest, bands + 2) - 1) / speed
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
