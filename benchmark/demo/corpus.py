"""The demo's corpus: seven emotions, eight synthetic speakers. No person ever said any of it.

Nothing is stored: every clip is made when it is needed. What a score on it says about real speech is nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmark.audio.voice import EMOTIONS, Sex, Speaker, invent_speaker, speak
from benchmark.audio.waveform import Waveform

SAMPLING_RATE = 16_000

SPEAKER_SEEDS: dict[str, int] = {
    "f1": 9001, "f2": 9002, "f3": 9003, "f4": 9004, "m1": 9005, "m2": 9006, "m3": 9007, "m4": 9008,
}  # fmt: skip
"""Seed of each speaker. `scripts/train_demo.py` trains on others (seeds below 1000); a test holds that."""

# Odd speakers say the first two, even ones the others, each with every emotion: the text gives nothing away.
_TEXTS = ("tamo lisu kena vo", "wido fema hajun sabe", "borile gasu mincoto", "nofi zelka rudo pame")
_TEXTS_EACH = 2
_SPEAKER_PLACES, _TEXT_PLACES = 1_000, 100


@dataclass(frozen=True, kw_only=True)
class DemoClip:
    """One clip of the demo.

    Attributes:
        name: Unique in the demo, such as `f1-anger-t1`.
        emotion: Canonical name of the emotion it was made to show.
        speaker: Name of the synthetic speaker.
        sex: The speaker's sex.
        text_id: Which text is said.
    """

    name: str
    emotion: str
    speaker: str
    sex: Sex
    text_id: str

    @property
    def waveform(self) -> Waveform:
        """The audio, at 16 kHz; made anew, in some 20 ms, whenever it is asked for."""
        text = int(self.text_id.removeprefix("t")) - 1
        speaker_seed = SPEAKER_SEEDS[self.speaker]
        seed = speaker_seed * _SPEAKER_PLACES + text * _TEXT_PLACES + EMOTIONS.index(self.emotion)
        return speak(self.emotion, demo_speaker(self.speaker), _TEXTS[text], seed, SAMPLING_RATE)


def demo_speaker(name: str) -> Speaker:
    """Look up one of the demo's synthetic speakers.

    Args:
        name: A key of `SPEAKER_SEEDS`; those with `f` are female, those with `m` male.

    Returns:
        The speaker, always the same one.

    Examples:
        >>> demo_speaker("f1").sex
        'female'
    """
    return invent_speaker(name, "female" if name.startswith("f") else "male", SPEAKER_SEEDS[name])


def demo_clips() -> Iterator[DemoClip]:
    """List the clips of the demo: 7 emotions, 8 speakers, 2 texts each.

    Yields:
        112 clips in a fixed order. Their samples are the same in every call on one machine;
        other versions of numpy or scipy may round differently.

    Examples:
        >>> [clip.name for clip in demo_clips()][:2]
        ['f1-anger-t1', 'f1-anger-t2']
    """
    for number, speaker in enumerate(SPEAKER_SEEDS):
        first = number % 2 * _TEXTS_EACH
        for emotion in EMOTIONS:
            for text in range(first + 1, first + 1 + _TEXTS_EACH):
                yield DemoClip(
                    name=f"{speaker}-{emotion}-t{text}",
                    emotion=emotion,
                    speaker=speaker,
                    sex=demo_speaker(speaker).sex,
                    text_id=f"t{text}",
                )
