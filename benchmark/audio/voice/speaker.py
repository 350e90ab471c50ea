"""Who speaks: what stays the same over all clips of one synthetic speaker."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Sex = Literal["female", "male"]

_PITCH_HZ: dict[Sex, float] = {"female": 200.0, "male": 115.0}
_TRACT_LENGTH: dict[Sex, float] = {"female": 0.87, "male": 1.0}


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """A synthetic speaker.

    Attributes:
        name: What corpora call the speaker.
        sex: Female or male.
        pitch_hz: Habitual pitch.
        tract_length: Length of the vocal tract, 1 for an average man; formants are divided by it.
        tempo: Speaking rate, 1 for the average.
        tilt_db: How much darker (positive) than the average the voice is at 3 kHz.
        breathiness: Habitual breath noise beside the voice, as a share of its amplitude.
        liveliness: Width of the habitual pitch movements, 1 for the average.
        expressiveness: How far emotions move this speaker from the habitual way, 1 for the average.
    """

    name: str
    sex: Sex
    pitch_hz: float
    tract_length: float = 1.0
    tempo: float = 1.0
    tilt_db: float = 0.0
    breathiness: float = 0.03
    liveliness: float = 1.0
    expressiveness: float = 1.0


def invent_speaker(name: str, sex: Sex, seed: int) -> Speaker:
    """Draw a speaker at random.

    Args:
        name: What corpora call the speaker.
        sex: Female or male.
        seed: Same seed and sex, same voice.

    Returns:
        A speaker whose traits vary as widely as those of adults do, roughly.

    Examples:
        >>> invent_speaker("a", "male", seed=1) == invent_speaker("a", "male", seed=1)
        True
        >>> invent_speaker("a", "male", seed=1) == invent_speaker("a", "male", seed=2)
        False
    """
    draw = np.random.default_rng(seed).standard_normal(7).clip(-2, 2).tolist()
    return Speaker(
        name=name,
        sex=sex,
        pitch_hz=_PITCH_HZ[sex] * 2 ** (2.0 * draw[0] / 12),
        tract_length=_TRACT_LENGTH[sex] * (1 + 0.035 * draw[1]),
        tempo=float(np.exp(0.10 * draw[2])),
        tilt_db=2.5 * draw[3],
        breathiness=0.04 * float(np.exp(0.4 * draw[4])),
        liveliness=float(np.exp(0.15 * draw[5])),
        expressiveness=float(np.exp(0.15 * draw[6])),
    )
