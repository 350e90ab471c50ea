"""The speakers of the synthetic voice, and what each emotion does to pitch, tempo, energy and voice quality.

The directions follow what is commonly reported of acted speech (Scherer 2003; Juslin and Laukka 2003): aroused emotions
are higher, faster, louder and brighter; sadness is slow, dark and narrow; fear is high and breathy with a tremor. The
amounts are chosen so that emotions overlap: no listener, and no model, should reach 100 %.
"""

from dataclasses import dataclass, fields
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


@dataclass(frozen=True, kw_only=True)
class Prosody:
    """How one clip is said; as an emotion's entry in the table, how far it departs from a neutral clip.

    Attributes:
        pitch_st: Mean pitch above the speaker's habitual one, in semitones.
        range_log: Logarithm of the factor on pitch movements.
        slope_st: Rise of pitch over the clip, in semitones; negative is the usual decline.
        terminal_st: Movement of pitch at the end, in semitones.
        tempo_log: Logarithm of the factor on the speaking rate.
        pause: Chance of a pause between two words, 0 to 1.
        level_db: Level above the speaker's habitual one.
        emphasis_db: How much louder stressed syllables are.
        fade_db: Change of level over the clip.
        tilt_db: Loss at 3 kHz: positive is dark, negative bright.
        breath_log: Logarithm of the factor on breath noise.
        open_quotient: Share of a period in which the glottis is open: small is pressed, large lax.
        jitter: Irregularity of the periods, as a share.
        tremor_st: Depth of a tremor of the pitch, in semitones.
        formant_log: Logarithm of the factor on formants: spread lips are positive, a pulled-down jaw negative.
        articulation_log: Logarithm of the factor on the distances between vowels.
    """

    pitch_st: float = 0.0
    range_log: float = 0.0
    slope_st: float = 0.0
    terminal_st: float = 0.0
    tempo_log: float = 0.0
    pause: float = 0.0
    level_db: float = 0.0
    emphasis_db: float = 0.0
    fade_db: float = 0.0
    tilt_db: float = 0.0
    breath_log: float = 0.0
    open_quotient: float = 0.0
    jitter: float = 0.0
    tremor_st: float = 0.0
    formant_log: float = 0.0
    articulation_log: float = 0.0


_NEUTRAL = Prosody(
    slope_st=-2.0,
    terminal_st=-2.0,
    pause=0.08,
    emphasis_db=4.0,
    fade_db=-3.0,
    tilt_db=9.0,
    open_quotient=0.6,
    jitter=0.006,
)


_DEPARTURES = {
    "anger": Prosody(
        pitch_st=3.0, range_log=0.45, slope_st=-1.0, terminal_st=-1.5, tempo_log=0.16, level_db=7.0, emphasis_db=4.0,
        tilt_db=-7.0, breath_log=-0.4, open_quotient=-0.14, jitter=0.008, articulation_log=0.12,
    ),
    "disgust": Prosody(
        pitch_st=-1.5, range_log=0.10, slope_st=-1.0, terminal_st=-2.0, tempo_log=-0.20, pause=0.12, level_db=-1.0,
        emphasis_db=2.0, tilt_db=-1.0, open_quotient=-0.08, jitter=0.018, formant_log=-0.06, articulation_log=-0.05,
    ),
    "fear": Prosody(
        pitch_st=5.0, range_log=-0.20, slope_st=1.0, terminal_st=0.5, tempo_log=0.22, pause=0.10, level_db=-1.0,
        emphasis_db=-2.0, tilt_db=-1.0, breath_log=0.9, open_quotient=0.08, jitter=0.012, tremor_st=0.7,
    ),
    "happiness": Prosody(
        pitch_st=3.5, range_log=0.55, slope_st=1.0, terminal_st=1.5, tempo_log=0.08, level_db=4.0, emphasis_db=1.0,
        tilt_db=-3.0, formant_log=0.06, articulation_log=0.08,
    ),
    "neutral": Prosody(),
    "sadness": Prosody(
        pitch_st=-1.0, range_log=-0.55, slope_st=-0.5, tempo_log=-0.25, pause=0.22, level_db=-6.0, emphasis_db=-2.0,
        fade_db=-3.0, tilt_db=6.0, breath_log=0.6, open_quotient=0.12, tremor_st=0.15, articulation_log=-0.15,
    ),
    "surprise": Prosody(
        pitch_st=4.5, range_log=0.60, slope_st=4.0, terminal_st=6.0, tempo_log=-0.04, level_db=2.0, emphasis_db=1.0,
        tilt_db=-1.0, breath_log=0.3, open_quotient=0.04, articulation_log=0.05,
    ),
}  # fmt: skip


# How much clips of one emotion differ, as standard deviations.
_SPREAD = Prosody(
    pitch_st=0.9, range_log=0.15, slope_st=1.0, terminal_st=1.2, tempo_log=0.07, pause=0.04, level_db=2.0,
    emphasis_db=1.0, fade_db=1.0, tilt_db=1.5, breath_log=0.25, open_quotient=0.03, jitter=0.002,
    tremor_st=0.05, formant_log=0.015, articulation_log=0.05,
)  # fmt: skip


_INTENSITIES = (0.55, 1.35)


EMOTIONS = tuple(_DEPARTURES)
"""The emotions that the voice can show, by their canonical names."""


def plan_prosody(emotion: str, speaker: Speaker, random: np.random.Generator) -> Prosody:
    """Draw how a clip is said.

    Args:
        emotion: One of `EMOTIONS`.
        speaker: Whose habits and expressiveness it follows.
        random: Where the differences between clips of one emotion come from.

    Returns:
        What the voice has to do, the speaker's own habits not included.

    Raises:
        ValueError: The voice has no such emotion.
    """
    if emotion not in _DEPARTURES:
        raise ValueError(f"the voice has no emotion {emotion!r}; it has {', '.join(EMOTIONS)}")
    departure = _DEPARTURES[emotion]
    intensity = random.uniform(*_INTENSITIES) * speaker.expressiveness
    names = [field.name for field in fields(Prosody)]
    variation = random.standard_normal(len(names)).clip(-2, 2)
    values = {
        name: getattr(_NEUTRAL, name) + intensity * getattr(departure, name) + share * getattr(_SPREAD, name)
        for name, share in zip(names, variation.tolist(), strict=True)
    }
    return Prosody(**values)
