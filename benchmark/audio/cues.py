"""Taking single cues out of speech: loudness, the order of sounds, and all but the pauses; pitch is in `pitch.py`."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

_LEVEL_DBFS = -23.0
_LEVEL_FRAME_S = 0.020
# Frames that are so much weaker than the loudest one are no part of the loudness, or may be a pause.
_ACTIVE_WITHIN_DB = 30.0
_PAUSE_BELOW_DB = 40.0
# Speech fades in and out: so much on each side of it is speech, too.
_SPEECH_MARGIN_FRAMES = 4
_FADE_S = 0.005
# The longest window that a model gets: a longer clip is changed piece by piece, so that it need not fit into memory.
_SECTION_S = 30


def sections(blocks: Iterable[NDArray[np.float32]], sampling_rate: int) -> Iterator[NDArray[np.float32]]:
    """The clip in pieces of 30 s, the last one shorter, whatever the blocks."""
    size = _SECTION_S * sampling_rate
    rest = np.zeros(0, dtype=np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        while rest.size >= size:
            yield rest[:size]
            rest = rest[size:]
    if rest.size:
        yield rest


def _frame_levels(samples: NDArray[np.float32], sampling_rate: int) -> NDArray[np.float64]:
    """Mean square of each frame of 20 ms, the last one shorter."""
    starts = np.arange(0, samples.size, max(1, round(_LEVEL_FRAME_S * sampling_rate)))
    lengths = np.diff(np.append(starts, samples.size))
    return np.asarray(np.add.reduceat(samples.astype(np.float64) ** 2, starts) / lengths)


def equal_loudness(samples: NDArray[np.float32], sampling_rate: int) -> NDArray[np.float32]:
    """Bring what is not a pause to one level, the root mean square of its frames."""
    levels = _frame_levels(samples, sampling_rate)
    active = levels[levels >= levels.max() * 10 ** (-_ACTIVE_WITHIN_DB / 10)]
    rms = float(np.sqrt(active.mean()))
    return samples * np.float32(10 ** (_LEVEL_DBFS / 20) / rms) if rms > 0 else samples


def scrambled(
    samples: NDArray[np.float32], sampling_rate: int, piece_s: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """Put pieces into a random order, faded into each other; what is left at the end stays there.

    In their old order they would be the clip as it was.
    """
    length, fade = round(piece_s * sampling_rate), round(_FADE_S * sampling_rate)
    pieces = samples.size // length
    order = random.permutation(pieces)
    padded = np.pad(samples, (fade, 0))
    rising = np.linspace(0, 1, fade, endpoint=False, dtype=np.float32)
    result = padded.copy()
    for place, piece in enumerate([*order, pieces]):
        moved = padded[piece * length : (piece + 1) * length + fade].copy()
        if moved.size > fade:
            moved[:fade] *= rising
            target = result[place * length : place * length + moved.size]
            target[:fade] *= 1 - rising if place else 0
            target[:fade] += moved[:fade]
            target[fade:] = moved[fade:]
    return result[fade:]


def pauses_alone(samples: NDArray[np.float32], sampling_rate: int) -> NDArray[np.float32]:
    """Silence all but the pauses: what is 40 dB weaker than the loudest frame, and 80 ms away from all that is not."""
    from scipy.ndimage import binary_dilation  # noqa: PLC0415 - slow to import, and options of commands need the names

    levels = _frame_levels(samples, sampling_rate)
    is_speech = levels >= levels.max() * 10 ** (-_PAUSE_BELOW_DB / 10)
    is_speech = binary_dilation(is_speech, iterations=_SPEECH_MARGIN_FRAMES)
    frame = max(1, round(_LEVEL_FRAME_S * sampling_rate))
    return np.where(np.repeat(is_speech, frame)[: samples.size], np.float32(0), samples)
