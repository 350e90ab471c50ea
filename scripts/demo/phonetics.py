"""From a text to the course of the voice's parameters: invented words, their segments, and the score of a clip."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.demo.speakers import Prosody, Speaker

VOWELS = "aeiou"


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch in which the mouth aims at one position.

    Attributes:
        duration_s: At average tempo.
        formants: The first three, in Hz, of an average man.
        voice: Amplitude of the glottal source.
        breath: Amplitude of noise at the glottis, which goes through the vocal tract.
        hiss: Amplitudes of noise at the teeth and lips: around 6 kHz, 3 kHz, and everywhere.
        syllable: Whether a syllable has its nucleus here.
    """

    duration_s: float
    formants: tuple[float, float, float] = (500.0, 1500.0, 2500.0)
    voice: float = 0.0
    breath: float = 0.0
    hiss: tuple[float, float, float] = (0.0, 0.0, 0.0)
    syllable: bool = False


def _vowel(first: float, second: float, third: float) -> tuple[Segment, ...]:
    return (Segment(duration_s=0.12, formants=(first, second, third), voice=1.0, syllable=True),)


def _sonorant(first: float, second: float, third: float, voice: float) -> tuple[Segment, ...]:
    return (Segment(duration_s=0.065, formants=(first, second, third), voice=voice),)


def _fricative(hiss: tuple[float, float, float], second: float, voice: float = 0.0) -> tuple[Segment, ...]:
    return (Segment(duration_s=0.085, formants=(320.0, second, 2600.0), voice=voice, hiss=hiss),)


def _stop(hiss: tuple[float, float, float], second: float, voice: float) -> tuple[Segment, ...]:
    aspiration = 0.0 if voice else 0.5
    return (
        Segment(duration_s=0.05, formants=(220.0, second, 2500.0), voice=voice),
        Segment(duration_s=0.02, formants=(300.0, second, 2500.0), voice=voice, breath=aspiration, hiss=hiss),
    )


PAUSE = Segment(duration_s=1.0)


SEGMENTS: dict[str, tuple[Segment, ...]] = {
    "a": _vowel(730, 1150, 2440),
    "e": _vowel(500, 1840, 2480),
    "i": _vowel(290, 2250, 3000),
    "o": _vowel(520, 880, 2410),
    "u": _vowel(310, 870, 2240),
    "m": _sonorant(250, 1000, 2200, voice=0.45),
    "n": _sonorant(260, 1600, 2500, voice=0.45),
    "l": _sonorant(350, 1150, 2700, voice=0.6),
    "r": _sonorant(400, 1250, 1650, voice=0.6),
    "w": _sonorant(300, 650, 2200, voice=0.6),
    "j": _sonorant(280, 2250, 3000, voice=0.6),
    "s": _fricative((0.22, 0.0, 0.0), 1700),
    "z": _fricative((0.15, 0.0, 0.0), 1700, voice=0.35),
    "c": _fricative((0.03, 0.22, 0.0), 1900),
    "f": _fricative((0.0, 0.0, 0.06), 1200),
    "v": _fricative((0.0, 0.0, 0.04), 1200, voice=0.4),
    "h": (Segment(duration_s=0.06, breath=0.5),),
    "p": _stop((0.0, 0.0, 0.12), 900, voice=0.0),
    "t": _stop((0.2, 0.1, 0.0), 1750, voice=0.0),
    "k": _stop((0.0, 0.22, 0.0), 2000, voice=0.0),
    "b": _stop((0.0, 0.0, 0.06), 900, voice=0.25),
    "d": _stop((0.1, 0.06, 0.0), 1750, voice=0.25),
    "g": _stop((0.0, 0.12, 0.0), 2000, voice=0.25),
}


_CONSONANTS = tuple("ptkbdgmnlrwjfszhvc")


_VOWELS = tuple("aeiou")


_CLOSED_SHARE = 0.2


def invent_text(seed: int, syllables: int = 10) -> str:
    """Draw words of one to three syllables at random.

    Args:
        seed: Same seed, same text.
        syllables: How many syllables in all.

    Returns:
        Lower-case words between single spaces.

    Examples:
        >>> invent_text(1) == invent_text(1)
        True
        >>> sum(letter in "aeiou" for letter in invent_text(5, syllables=7))
        7
    """
    random = np.random.default_rng(seed)
    words: list[str] = []
    while syllables > 0:
        length = min(syllables, int(random.integers(1, 4)))
        syllables -= length
        words.append(
            "".join(random.choice(_CONSONANTS) + random.choice(_VOWELS) for _ in range(length))
            + ("n" if random.random() < _CLOSED_SHARE else "")
        )
    return " ".join(words)


FRAME_S = 0.005


_UPPER_FORMANTS = (3500.0, 4500.0)


_VOWEL_CENTRE = np.array([500.0, 1400.0])


_TREMOR_HZ = 6.0


_TERMINAL_S = 0.3


@dataclass(frozen=True, kw_only=True, eq=False)
class Score:
    """What the voice does in each frame of `FRAME_S` seconds.

    Attributes:
        pitch_hz: Shape (frames,).
        formants: In Hz, shape (frames, 5).
        voice: Amplitude of the glottal source, shape (frames,).
        breath: Amplitude of noise at the glottis that does not follow its pulses, shape (frames,).
        hiss: Amplitudes of the three noises of the mouth, shape (frames, 3).
    """

    pitch_hz: NDArray[np.float64]
    formants: NDArray[np.float64]
    voice: NDArray[np.float64]
    breath: NDArray[np.float64]
    hiss: NDArray[np.float64]


def write_score(text: str, prosody: Prosody, speaker: Speaker, random: np.random.Generator) -> Score:
    """Lay out what the voice does.

    Args:
        text: Words of the letters in `SEGMENTS`; every other character is passed over.
        prosody: How it is said.
        speaker: Who says it.
        random: Where the unplanned variation comes from.

    Returns:
        The parameters of all frames.

    Raises:
        ValueError: There is no vowel in the text.
    """
    segments = _segments(text, prosody.pause, random)
    if not any(segment.syllable for segment in segments):
        raise ValueError(f"nothing to pronounce in {text!r}: it needs one of the vowels a, e, i, o, u")
    tempo = speaker.tempo * np.exp(prosody.tempo_log)
    seconds = np.array([segment.duration_s for segment in segments]) / tempo
    seconds *= np.exp(0.12 * random.standard_normal(len(segments)).clip(-2, 2))
    counts = np.maximum(2, np.round(seconds / FRAME_S)).astype(np.int64)
    stress = _stress(segments, counts, random)
    frames = stress.size
    fade = prosody.fade_db * np.linspace(-0.5, 0.5, frames)
    gain = 10 ** ((prosody.emphasis_db * (stress - 0.5) + fade) / 20)
    return Score(
        pitch_hz=_pitch(prosody, speaker, stress, random),
        formants=_formants(segments, counts, prosody, speaker),
        voice=_smooth(np.repeat([segment.voice for segment in segments], counts), 5) * gain,
        breath=_smooth(np.repeat([segment.breath for segment in segments], counts), 3) * gain,
        hiss=_smooth_columns(np.repeat([segment.hiss for segment in segments], counts, axis=0), 3) * gain[:, None],
    )


def _segments(text: str, pause: float, random: np.random.Generator) -> list[Segment]:
    silence = (0.06, 0.12)
    segments = [_pause(*silence, random)]
    for number, word in enumerate(text.casefold().split()):
        if number and random.random() < pause:
            segments.append(_pause(0.15, 0.35, random))
        segments.extend(segment for letter in word for segment in SEGMENTS.get(letter, ()))
    segments.append(_pause(*silence, random))
    return segments


def _pause(shortest_s: float, longest_s: float, random: np.random.Generator) -> Segment:
    return Segment(duration_s=random.uniform(shortest_s, longest_s), formants=PAUSE.formants)


def _stress(segments: list[Segment], counts: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float64]:
    """Bumps of height 0 to 1 over the syllables, every second or third of them a high one."""
    centres = np.cumsum(counts) - counts / 2
    stress = np.zeros(int(counts.sum()))
    time = np.arange(stress.size)
    until_next = int(random.integers(0, 2))
    for segment, centre, count in zip(segments, centres, counts, strict=True):
        if not segment.syllable:
            continue
        height = random.uniform(0.7, 1.0) if until_next == 0 else random.uniform(0.0, 0.35)
        until_next = int(random.integers(1, 3)) if until_next == 0 else until_next - 1
        stress = np.maximum(stress, height * np.exp(-0.5 * ((time - centre) / (0.8 * count)) ** 2))
    return stress


def _pitch(
    prosody: Prosody, speaker: Speaker, stress: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.float64]:
    frames = stress.size
    time = np.arange(frames) * FRAME_S
    width = speaker.liveliness * np.exp(prosody.range_log)
    wander = _smooth(random.standard_normal(frames + 80), 41)[40:-40] * 2.0
    ending = np.clip((time - time[-1] + _TERMINAL_S) / _TERMINAL_S, 0, 1) ** 2
    semitones = (
        prosody.pitch_st
        + prosody.slope_st * np.linspace(-0.5, 0.5, frames)
        + width * (5.0 * (stress - stress.mean()) + wander)
        + prosody.terminal_st * ending
        + prosody.tremor_st * np.sin(2 * np.pi * (_TREMOR_HZ * time + random.random()))
    )
    return np.asarray(np.clip(speaker.pitch_hz * 2 ** (semitones / 12), 50.0, 600.0))


def _formants(
    segments: list[Segment], counts: NDArray[np.int64], prosody: Prosody, speaker: Speaker
) -> NDArray[np.float64]:
    targets = np.array([segment.formants + _UPPER_FORMANTS for segment in segments])
    nuclei = np.array([segment.syllable for segment in segments])
    away = targets[nuclei, :2] - _VOWEL_CENTRE
    targets[nuclei, :2] = _VOWEL_CENTRE + away * np.exp(prosody.articulation_log)
    targets *= np.exp(prosody.formant_log) / speaker.tract_length
    return _smooth_columns(np.repeat(targets, counts, axis=0), 13)


def _smooth(track: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    kernel = np.hanning(frames + 2)[1:-1]
    padded = np.pad(track, frames // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def _smooth_columns(tracks: NDArray[np.float64], frames: int) -> NDArray[np.float64]:
    return np.stack([_smooth(column, frames) for column in tracks.T], axis=1)
