"""A corpus as a call centre hands it over: nothing in it is quite as it should be."""

import csv
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import av
import numpy as np
import soundfile

from benchmark.audio.waveform import Waveform
from scripts.demo.speakers import invent_speaker
from scripts.demo.voice import speak

CLIPS = 118
BROKEN, UNNAMED = 40, 60
STRAY = CLIPS - 1
"""Places of the clip that is no audio, of the one without a speaker, and of the one of a fifth emotion."""
COLUMNS = ("--column", "file=Datei", "--column", "label=Emotion_Code", "--column", "speaker=Agent")

_EMOTIONS = {"Ärger": "anger", "Freude": "happiness", "neutral": "neutral", "Trauer": "sadness", "genervt": "anger"}
_STRAY_LABEL = "genervt"
_SPEAKERS = 10
_RATE = 16_000
_STUDIO_RATE = 44_100


@dataclass(frozen=True)
class UntidyClip:
    """A line of the table."""

    path: str
    label: str
    speaker: str


def write_untidy_corpus(folder: Path) -> list[UntidyClip]:
    """Write `anrufe.csv` and its recordings, most of them WAV, some stereo at 44.1 kHz, some MP3 and M4A."""
    labels = [label for label in _EMOTIONS if label != _STRAY_LABEL]
    people = [invent_speaker(str(number), ("female", "male")[number % 2], seed=number) for number in range(_SPEAKERS)]
    said = list(product(range(3), range(_SPEAKERS), labels))[: CLIPS - 1]
    clips = []
    for place, (_, person, label) in enumerate([*said, (3, 0, _STRAY_LABEL)]):
        suffix = {3: ".mp3", 5: ".m4a"}.get(place % 20, ".wav")
        is_stereo = place % 20 == 7
        path = Path("Gespräche") / f"Müller {person}" / f"{place:03d} – {label}{suffix}"
        rate = _STUDIO_RATE if is_stereo else _RATE
        clip = speak(_EMOTIONS[label], people[person], "tamo lisu", seed=place, sampling_rate=rate)
        _write(folder / path, clip, stereo=is_stereo)
        clips.append(UntidyClip(str(path), label, "" if place == UNNAMED else f"Agent {person}"))
    (folder / clips[BROKEN].path).write_text("keine Aufnahme", encoding="utf-8")
    with (folder / "anrufe.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Datei", "Emotion_Code", "Agent", "Datum"])
        writer.writerows([clip.path, clip.label, clip.speaker, "01.03.2026"] for clip in clips)
    return clips


def _write(path: Path, clip: Waveform, *, stereo: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".m4a":
        samples = np.stack([clip.samples, clip.samples / 2], axis=1) if stereo else clip.samples
        soundfile.write(path, samples, clip.sampling_rate)
        return
    with av.open(path, "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=clip.sampling_rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(clip.samples[None], format="fltp", layout="mono")
        frame.sample_rate = clip.sampling_rate
        for part in (frame, None):
            container.mux(stream.encode(part))
