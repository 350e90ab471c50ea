"""The demo's voices as the clips file of a training."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.demo.files import demo_clips
from benchmark.training.clips_file import ClipsFile
from benchmark.training.jobs import FitJob


@dataclass(frozen=True, eq=False)
class Recordings:
    """Clips with their labels, all of which are one window."""

    clips: ClipsFile
    hashes: list[str]
    labels: NDArray[np.int64]
    speakers: NDArray[np.int64]
    classes: tuple[str, ...]

    def job(self, test_speakers: int, *, folder: Path | None = None, seed: int = 1) -> FitJob:
        """A fit that is tested on the last speakers."""
        held_out = self.speakers > self.speakers.max() - test_speakers
        return FitJob(
            train=np.flatnonzero(~held_out),
            validation=np.zeros(0, np.int64),
            test=np.flatnonzero(held_out),
            labels=self.labels,
            speakers=self.speakers,
            classes=self.classes,
            seed=seed,
            folder=None if folder is None else str(folder),
        )


def demo_recordings(folder: Path, *, speakers: int, emotions: tuple[str, ...]) -> Recordings:
    """Write recordings of the demo into a clips file, two of each speaker and emotion."""
    listed = list(demo_clips())
    people = list(dict.fromkeys(clip.speaker for clip in listed))[:speakers]
    chosen = [clip for clip in listed if clip.speaker in people and clip.emotion in emotions]
    waveforms = [clip.waveform() for clip in chosen]
    samples = [waveform.samples for waveform in waveforms]
    path = folder / "clips.float32"
    np.concatenate(samples).tofile(path)
    lengths = np.array([clip.size for clip in samples])
    return Recordings(
        clips=ClipsFile(path=path, starts=np.cumsum(lengths) - lengths, lengths=lengths, clips=np.arange(len(chosen))),
        hashes=[waveform.content_hash for waveform in waveforms],
        labels=np.array([emotions.index(clip.emotion or "") for clip in chosen]),
        speakers=np.array([people.index(clip.speaker) for clip in chosen]),
        classes=emotions,
    )
