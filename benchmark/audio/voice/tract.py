"""What the vocal tract does to sound: a cascade of five resonators that move with the mouth."""

import numpy as np
from numpy.typing import NDArray
from scipy import signal

_BANDWIDTHS_HZ = np.array([70.0, 90.0, 130.0, 200.0, 280.0])
_HIGHEST_SHARE = 0.47


def through_tract(
    sound: NDArray[np.float64], formants: NDArray[np.float64], block: int, rate: int
) -> NDArray[np.float64]:
    """Filter sound through the vocal tract (Klatt's cascade, with unit gain at 0 Hz).

    Args:
        sound: Shape (samples,).
        formants: In Hz, one row per block of samples, shape (blocks, 5).
        block: Samples per block.
        rate: Samples per second.

    Returns:
        Shape as `sound`.
    """
    sections = _sections(formants, rate)
    state = np.zeros((formants.shape[1], 2))
    filtered = np.empty_like(sound)
    for number, start in enumerate(range(0, sound.size, block)):
        row = sections[min(number, len(sections) - 1)]
        piece, state = signal.sosfilt(row, sound[start : start + block], zi=state)
        filtered[start : start + block] = piece
    return filtered


def _sections(formants: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    frequency = np.minimum(formants, _HIGHEST_SHARE * rate)
    radius = np.exp(-np.pi * _BANDWIDTHS_HZ / rate)
    first = -2 * radius * np.cos(2 * np.pi * frequency / rate)
    second = np.broadcast_to(radius**2, first.shape)
    sections = np.zeros((*formants.shape, 6))
    sections[..., 0] = 1 + first + second
    sections[..., 3] = 1.0
    sections[..., 4] = first
    sections[..., 5] = second
    return sections
