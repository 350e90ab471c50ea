"""Write the recordings of the demo and the probes of verification, spoken by the synthetic voice.

    python -m scripts.write_recordings [--out FOLDER]

The files are FLAC of 16 kHz and 16 bits. They are the same in every call on one machine; other versions of numpy or
scipy may round differently.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmark.demo.files import registry_path
from scripts.demo.phonetics import invent_text
from scripts.demo.speakers import EMOTIONS, Sex, invent_speaker
from scripts.demo.voice import SAMPLING_RATE, speak

SPEAKER_SEEDS = {
    "f1": 9001, "f2": 9002, "f3": 9003, "f4": 9004, "m1": 9005, "m2": 9006, "m3": 9007, "m4": 9008,
    "f5": 9009, "m5": 9010, "f6": 9011,
}  # fmt: skip
"""Seed of each speaker. `scripts/train_demo.py` trains on others (seeds below 1000); a test checks that."""

LABELLED_SPEAKERS = tuple(SPEAKER_SEEDS)[:8]
UNLABELLED_SPEAKERS = ("f5", "m5")
LONG_SPEAKER = "f6"
TEXTS = ("tamo lisu kena vo", "wido fema hajun sabe", "borile gasu mincoto", "nofi zelka rudo pame")
PROBES: tuple[tuple[str, Sex, str], ...] = (
    ("neutral", "female", "mola tuki ne"),
    ("anger", "male", "baro sido mina"),
    ("sadness", "female", "nalu memo lino"),
    ("happiness", "male", "tiko pela suno"),
    ("fear", "female", "kano fide rasu"),
    ("disgust", "male", "gumo lade voni"),
)

_UNLABELLED_EACH = 6
_LONG_UTTERANCES = 34
_UTTERANCES_PER_EMOTION = 4
_FULL_SCALE = 1 << 15


@dataclass(frozen=True, eq=False)
class Recording:
    """What one file holds.

    Attributes:
        path: Below the folder of recordings.
        samples: At 16 kHz, between -1 and 1, shape (samples,).
    """

    path: str
    samples: NDArray[np.float32]


def make_recordings() -> Iterator[Recording]:
    """Make all recordings: 112 labelled clips, 12 without labels, a long one, and six probes."""
    yield from _labelled()
    for speaker in UNLABELLED_SPEAKERS:
        for number in range(_UNLABELLED_EACH):
            samples = _invented_utterance(speaker, number, EMOTIONS[number])
            yield Recording(f"unlabelled/{speaker}-{number + 1}.flac", samples)
    yield Recording(f"long/{LONG_SPEAKER}-long.flac", _long())
    for seed, (emotion, sex, text) in enumerate(PROBES):
        probe = speak(emotion, invent_speaker(emotion, sex, seed=seed), text, seed=seed)
        yield Recording(f"probes/{emotion}.flac", probe.samples)


def _labelled() -> Iterator[Recording]:
    for number, speaker in enumerate(LABELLED_SPEAKERS):
        # Odd speakers say the first two texts, even ones the others, with every emotion: the text gives nothing away.
        texts = (1, 2) if number % 2 == 0 else (3, 4)
        for place, emotion in enumerate(EMOTIONS):
            for text in texts:
                seed = SPEAKER_SEEDS[speaker] * 1_000 + (text - 1) * 100 + place
                yield Recording(
                    f"labelled/{speaker}-{emotion}-t{text}.flac", _spoken(speaker, emotion, TEXTS[text - 1], seed)
                )


def _long() -> NDArray[np.float32]:
    """Some 77 s of one speaker, whose emotion changes every four sentences."""
    emotions = [EMOTIONS[number // _UTTERANCES_PER_EMOTION % len(EMOTIONS)] for number in range(_LONG_UTTERANCES)]
    return np.concatenate(
        [_invented_utterance(LONG_SPEAKER, number, emotion) for number, emotion in enumerate(emotions)]
    )


def _invented_utterance(speaker: str, number: int, emotion: str) -> NDArray[np.float32]:
    seed = SPEAKER_SEEDS[speaker] * 1_000 + number
    return _spoken(speaker, emotion, invent_text(seed, syllables=8 + number % 4), seed)


def _spoken(speaker: str, emotion: str, text: str, seed: int) -> NDArray[np.float32]:
    sex: Sex = "female" if speaker.startswith("f") else "male"
    return speak(emotion, invent_speaker(speaker, sex, SPEAKER_SEEDS[speaker]), text, seed).samples


def main() -> None:
    """Write all files and print their size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=registry_path().parent / "recordings")
    out: Path = parser.parse_args().out
    files = []
    for recording in make_recordings():
        path = out / recording.path
        path.parent.mkdir(parents=True, exist_ok=True)
        levels = np.round(recording.samples * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
        soundfile.write(path, levels, SAMPLING_RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)
        files.append(path)
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.2f} MB in {out}")


if __name__ == "__main__":
    main()
