"""The demo's recordings without labels: a few short ones, and a long one. No person ever said any of it.

They are made when they are needed, by speakers whom neither the demo's labelled corpus nor any checkpoint knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.voice import EMOTIONS, Sex, invent_speaker, invent_text, speak
from benchmark.demo.corpus import SAMPLING_RATE

RECORDING_SPEAKER_SEEDS: dict[str, int] = {"f5": 9009, "m5": 9010, "f6": 9011}
"""Seed of each speaker: the first two say the short recordings, the third the long one."""

_CLIPS_EACH = 6
_LONG_UTTERANCES = 34
_PER_MOOD = 4
_SPEAKER_PLACES = 1_000


@dataclass(frozen=True)
class Utterance:
    """One sentence of a recording.

    Attributes:
        emotion: What it was made to show; nobody who hears the recording is told.
        text: What is said.
        seed: Of everything that chance decides.
    """

    emotion: str
    text: str
    seed: int


@dataclass(frozen=True)
class DemoRecording:
    """A recording of one speaker, without a label.

    Attributes:
        name: Unique in the demo, such as `f5-1`.
        speaker: Name of the synthetic speaker.
        sex: The speaker's sex.
        utterances: What is said, end to end.
    """

    name: str
    speaker: str
    sex: Sex
    utterances: tuple[Utterance, ...]

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Speak one utterance after the other.

        Yields:
            Samples at 16 kHz, shape (samples,), one utterance at a time: no more of it need be in memory.
        """
        speaker = invent_speaker(self.speaker, self.sex, RECORDING_SPEAKER_SEEDS[self.speaker])
        for utterance in self.utterances:
            yield speak(utterance.emotion, speaker, utterance.text, utterance.seed, SAMPLING_RATE).samples


def unlabelled_recordings() -> Iterator[DemoRecording]:
    """List the short recordings: one utterance each.

    Yields:
        12 recordings of two speakers, the same in every call.

    Examples:
        >>> [recording.name for recording in unlabelled_recordings()][:2]
        ['f5-1', 'f5-2']
    """
    for speaker in ("f5", "m5"):
        for number in range(_CLIPS_EACH):
            yield DemoRecording(
                f"{speaker}-{number + 1}", speaker, _sex(speaker), (_utterance(speaker, number, EMOTIONS[number]),)
            )


def long_recording() -> DemoRecording:
    """Describe the long recording: some 75 s of one speaker, whose mood changes every few sentences.

    Returns:
        The recording, the same in every call.

    Examples:
        >>> long_recording().speaker
        'f6'
    """
    moods = (EMOTIONS[number // _PER_MOOD % len(EMOTIONS)] for number in range(_LONG_UTTERANCES))
    utterances = (_utterance("f6", number, mood) for number, mood in enumerate(moods))
    return DemoRecording("f6-long", "f6", _sex("f6"), tuple(utterances))


def _utterance(speaker: str, number: int, emotion: str) -> Utterance:
    seed = RECORDING_SPEAKER_SEEDS[speaker] * _SPEAKER_PLACES + number
    return Utterance(emotion, invent_text(seed, syllables=8 + number % 4), seed)


def _sex(speaker: str) -> Sex:
    return "female" if speaker.startswith("f") else "male"
