"""Perturbed audio, block by block: the same samples whatever the blocks, whoever asks, and how often.

The exact definitions stand in `docs/protocol.md`, Robustness.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

from benchmark.audio.perturbation import Kind, Perturbation
from benchmark.audio.resampling import resampled_blocks

Blocks = Iterable[NDArray[np.float32]]

_FILTER_ORDER = 8
_TELEPHONE_RATE = 8_000
_TELEPHONE_BAND_HZ = (300, 3_400)
# Of a band-pass scipy makes twice as many poles: the same steepness on both sides.
_TELEPHONE_ORDER = 4


@dataclass(frozen=True)
class Level:
    """How loud a whole clip is.

    Attributes:
        rms: Root mean square of its samples.
        peak: The largest of them, without its sign.
    """

    rms: float
    peak: float


def needs_level(perturbation: Perturbation) -> bool:
    """Whether how loud the whole clip is must be known before its first sample can be perturbed."""
    return perturbation.kind in {Kind.NOISE, Kind.CLIP}


def measure_level(blocks: Blocks) -> Level:
    """Measure a clip that comes block by block.

    Sums run strictly from the first sample to the last, so that the blocks do not matter.

    Examples:
        >>> measure_level([np.array([0.5, -0.5], dtype=np.float32), np.array([-1.0], dtype=np.float32)])
        Level(rms=0.7071067811865476, peak=1.0)
    """
    squares, samples, peak = 0.0, 0, 0.0
    for block in blocks:
        if block.size:
            squares = float(np.cumsum(np.append(squares, block.astype(np.float64) ** 2))[-1])
            samples += block.size
            peak = max(peak, float(np.abs(block).max()))
    return Level((squares / samples) ** 0.5 if samples else 0.0, peak)


def perturbed_blocks(
    blocks: Blocks, sampling_rate: int, perturbation: Perturbation, *, seed: str, level: Level | None
) -> Iterator[NDArray[np.float32]]:
    """Perturb a clip while it is read.

    Args:
        blocks: Mono samples, shape (samples,).
        sampling_rate: Samples per second.
        perturbation: What is done; where `leaves_alone`, the blocks come as they are.
        seed: What decides the noise: the clip's content hash.
        level: How loud the whole clip is, which noise and clipping need; None for the others.

    Yields:
        Blocks at the same rate; at least one sample where there was one.

    Raises:
        ValueError: The level is needed and not given.

    Examples:
        >>> louder = Perturbation(Kind.GAIN, 20.0)
        >>> list(perturbed_blocks([np.array([0.5], dtype=np.float32)], 16000, louder, seed="", level=None))
        [array([5.], dtype=float32)]
    """
    if needs_level(perturbation) and level is None:
        raise ValueError(f"{perturbation.name} needs the level of the whole clip")
    if perturbation.leaves_alone(sampling_rate):
        yield from blocks
        return
    amount, loudness = perturbation.amount or 0.0, level or Level(0.0, 0.0)
    match perturbation.kind:
        case Kind.NOISE:
            yield from _noisy(blocks, loudness.rms * 10 ** (-amount / 20), seed)
        case Kind.GAIN:
            factor = np.float32(10 ** (amount / 20))
            yield from (block * factor for block in blocks)
        case Kind.LOWPASS:
            cut = signal.butter(_FILTER_ORDER, amount, "lowpass", fs=sampling_rate, output="sos")
            yield from _filtered(blocks, cut)
        case Kind.TELEPHONE:
            yield from _telephoned(blocks, sampling_rate)
        case Kind.CLIP:
            limit = np.float32(amount * loudness.peak)
            yield from (np.clip(block, -limit, limit) for block in blocks)
        case Kind.SPEED:
            yield from resampled_blocks(blocks, sampling_rate * amount, sampling_rate)


def _noisy(blocks: Blocks, deviation: float, seed: str) -> Iterator[NDArray[np.float32]]:
    digest = hashlib.sha256(seed.encode()).digest()
    random = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
    for block in blocks:
        yield (block + deviation * random.standard_normal(block.size)).astype(np.float32)


def _filtered(blocks: Blocks, sections: NDArray[np.float64]) -> Iterator[NDArray[np.float32]]:
    state = np.zeros((len(sections), 2))
    for block in blocks:
        heard, state = signal.sosfilt(sections, block.astype(np.float64), zi=state)
        yield heard.astype(np.float32)


def _telephoned(blocks: Blocks, sampling_rate: int) -> Iterator[NDArray[np.float32]]:
    band = signal.butter(_TELEPHONE_ORDER, _TELEPHONE_BAND_HZ, "bandpass", fs=_TELEPHONE_RATE, output="sos")
    narrow = _filtered(resampled_blocks(blocks, sampling_rate, _TELEPHONE_RATE), band)
    return resampled_blocks((_companded(block) for block in narrow), _TELEPHONE_RATE, sampling_rate)


def _companded(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Through the eight bits of G.711 µ-law and back, by libsndfile's tables, which end at full scale."""
    line = io.BytesIO()
    soundfile.write(line, np.clip(block, -1.0, 1.0), _TELEPHONE_RATE, format="RAW", subtype="ULAW")
    line.seek(0)
    heard, _ = soundfile.read(
        line, dtype="float32", samplerate=_TELEPHONE_RATE, channels=1, format="RAW", subtype="ULAW"
    )
    return np.asarray(heard, dtype=np.float32)
