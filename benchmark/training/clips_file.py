"""The audio of a training: all clips in one file of samples, so that memory does not grow with their number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioSource
from benchmark.errors import UnavailableError
from benchmark.evaluation.decoding import decode_windows
from benchmark.progress import Progress
from benchmark.results.files import explain_write_failure

SAMPLING_RATE = 16_000
"""In Hz: what the encoders of speech and the networks of bench read."""
WINDOW_S = 30.0
"""Longer clips are several windows, as in an evaluation."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ClipsFile:
    """A file of mono samples at 16 kHz, float32, in which each clip has one window or more.

    Attributes:
        starts: First sample of each window, likewise `lengths`, shape (windows,).
        clips: Index of the clip of each window; windows of one clip follow each other.
    """

    path: Path
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    clips: NDArray[np.int64]

    def samples(self, window: int) -> NDArray[np.float32]:
        """The samples of a window, shape (samples,); they lie in the file until they are used."""
        start = int(self.starts[window])
        return self._content[start : start + int(self.lengths[window])]

    def windows_of(self, clip: int) -> NDArray[np.int64]:
        """The windows of a clip, in their order."""
        first, last = np.searchsorted(self.clips, [clip, clip + 1])
        return np.arange(first, last)

    def waveforms(self) -> Iterator[NDArray[np.float32]]:
        """The first window of each clip, in the order of the clips."""
        for window in np.searchsorted(self.clips, np.arange(int(self.clips[-1]) + 1)):
            yield self.samples(int(window))

    def mean_over_windows(self, clip: int, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Average values of a clip's windows, shape (windows, …), weighted by their duration."""
        mean = np.average(values, axis=0, weights=self.lengths[self.windows_of(clip)])
        return np.asarray(mean, np.float32)

    def plain(self) -> dict[str, Any]:
        """The file as plain data for a worker."""
        return {"path": str(self.path), "starts": self.starts, "lengths": self.lengths, "clips": self.clips}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "ClipsFile":
        """Open what `plain` describes."""
        return cls(**{**plain, "path": Path(plain["path"])})

    @cached_property
    def _content(self) -> NDArray[np.float32]:
        return np.memmap(self.path, np.float32, mode="r")


def write_clips(
    audio: Sequence[tuple[str, AudioSource]], path: Path, reader: AudioReader, progress: Progress
) -> ClipsFile:
    """Decode clips, which could be read before, into a file.

    Args:
        audio: Clip hashes with their audio, in the order that the clips will have.

    Raises:
        UnavailableError: The disk is full, or a clip cannot be read any more.
    """
    starts: list[int] = []
    lengths: list[int] = []
    clips: list[int] = []
    position = clip = 0
    windows = decode_windows(audio, reader, sampling_rate=SAMPLING_RATE, window_s=WINDOW_S)
    try:
        with path.open("wb") as file, progress.stage("Decoding", total=len(audio), unit="clips") as stage:
            for window in windows:
                if window.failure is not None:
                    raise UnavailableError(f"A recording cannot be read any more: {window.failure} Try again.")
                if window.samples is None:
                    clip += 1
                    stage.advance()
                    continue
                starts.append(position)
                lengths.append(window.samples.size)
                clips.append(clip)
                position += window.samples.size
                file.write(np.ascontiguousarray(window.samples, np.float32).tobytes())
    except OSError as error:
        raise explain_write_failure(error, path, remedy="set BENCH_CACHE to a folder with more room") from error
    columns = (np.asarray(values, np.int64) for values in (starts, lengths, clips))
    return ClipsFile(path=path, **dict(zip(("starts", "lengths", "clips"), columns, strict=True)))
