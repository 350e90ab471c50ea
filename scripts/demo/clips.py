"""What the demo's checkpoints are trained on: synthetic speakers that its corpus does not hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.demo.phonetics import invent_text
from scripts.demo.speakers import EMOTIONS, Sex, Speaker, invent_speaker
from scripts.demo.voice import SAMPLING_RATE, speak

TRAINING_SPEAKER_SEEDS = range(1, 49)
CLIPS_PER_EMOTION = 8


@dataclass(frozen=True, eq=False)
class TrainingClips:
    """Samples of the training clips, and the emotion of each."""

    samples: tuple[NDArray[np.float32], ...]
    emotions: tuple[str, ...]

    def only(self, emotions: Sequence[str]) -> "TrainingClips":
        """Keep the clips that show one of `emotions`."""
        kept = [pair for pair in zip(self.samples, self.emotions, strict=True) if pair[1] in emotions]
        return TrainingClips(tuple(pair[0] for pair in kept), tuple(pair[1] for pair in kept))

    def normalised(self) -> "TrainingClips":
        """Give every clip mean 0 and variance 1, as the feature extractor of a wav2vec2 does."""
        normalised = ((clip - clip.mean()) / np.sqrt(clip.var() + 1e-7) for clip in self.samples)
        return TrainingClips(tuple(normalised), self.emotions)


def training_speakers() -> Iterator[Speaker]:
    """Invent the speakers to train on: half of them female."""
    for seed in TRAINING_SPEAKER_SEEDS:
        sex: Sex = "female" if seed % 2 else "male"
        yield invent_speaker(f"train-{seed}", sex, seed)


def training_clips() -> TrainingClips:
    """Make the clips to train on, each with a text of its own."""
    samples: list[NDArray[np.float32]] = []
    emotions: list[str] = []
    for number, speaker in enumerate(training_speakers()):
        for place, emotion in enumerate(EMOTIONS):
            for take in range(CLIPS_PER_EMOTION):
                seed = 1_000_000 + number * 1_000 + place * 100 + take
                clip = speak(emotion, speaker, invent_text(seed, syllables=6 + take % 4), seed, SAMPLING_RATE)
                samples.append(clip.samples)
                emotions.append(emotion)
    return TrainingClips(tuple(samples), tuple(emotions))
