"""What letters sound like: each is one or two segments with formants, voicing and noise."""

from dataclasses import dataclass

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
