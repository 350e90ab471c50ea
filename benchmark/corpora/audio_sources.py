"""Where the audio of a clip comes from: a file, a stretch of a longer one, an address, or nowhere."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmark.audio.channels import Channel, has_channel, select_channel
from benchmark.audio.decoding import AudioStream, UndecodableAudio, check_samples, decode, open_audio
from benchmark.audio.waveform import Waveform

# Times in tables are rounded, and those of MP3 files are not exact.
_TOLERATED_S = 0.05
# In these libsndfile finds any sample at once; in compressed ones it may miss by a frame, or decode from the beginning.
_SEEKABLE = frozenset({"WAV", "WAVEX", "RF64", "W64", "FLAC", "AIFF", "AU", "CAF"})


class DecodableAudio(Protocol):
    """Audio of a clip that this process can decode."""

    def waveform(self) -> Waveform:
        """Decode all of it; raises `UndecodableAudio` if it is missing, damaged, or no audio."""


@runtime_checkable
class StreamedSource(DecodableAudio, Protocol):
    """Audio that can be decoded block by block, so that its length does not matter."""

    def stream(self) -> AbstractContextManager[AudioStream]:
        """Open the audio; entering, and reading on, raises `UndecodableAudio`."""


def open_source(source: DecodableAudio) -> AbstractContextManager[AudioStream]:
    """Open audio in this process; what cannot be streamed comes as one block.

    Recordings that may be hostile are read with an `AudioReader`, which calls this in a worker.

    Raises:
        UndecodableAudio: When it is entered, or when the blocks are read.
    """
    return source.stream() if isinstance(source, StreamedSource) else _one_block(source)


@contextmanager
def _one_block(source: DecodableAudio) -> Iterator[AudioStream]:
    waveform = source.waveform()
    yield AudioStream(waveform.sampling_rate, 1, iter([waveform.samples]))


@dataclass(frozen=True, slots=True)
class _Recording:
    """A recording or a stretch of one: what files and addresses have in common.

    Attributes:
        location: A path or an address, kept as a text: a `Path` would take five times the memory for each clip.
        start_s: Where the clip begins, in seconds; None for the whole recording.
        stop_s: Where it ends; None for the end of the recording.
        channel: Which channel the clip is.
    """

    location: str | Path
    start_s: float | None = None
    stop_s: float | None = None
    channel: Channel = Channel.MIX

    def __post_init__(self) -> None:
        object.__setattr__(self, "location", str(self.location))

    def on(self, channel: Channel) -> Self:
        """The same clip on another channel."""
        return replace(self, channel=channel)


@dataclass(frozen=True, slots=True)
class AudioFile(_Recording):
    """Audio in a file: all of it, or a stretch."""

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.location)

    def waveform(self) -> Waveform:
        """Decode the clip; of a stretch, where the format allows, without the rest of the file.

        Raises:
            UndecodableAudio: The recording is missing, damaged or no audio, or ends before the stretch does.
        """
        path = self.path
        if self.start_s is None:
            return decode(path, self.channel)
        with open_audio(path, self.channel) as stream:
            rate = stream.sampling_rate
            start = round(self.start_s * rate)
            stop = None if self.stop_s is None else round(self.stop_s * rate)
            samples = _read_directly(path, self.channel, start, stop)
            if samples is None:
                samples = _cut(stream.blocks, start, stop)
        if not len(samples) or (stop is not None and len(samples) < stop - start - _TOLERATED_S * rate):
            wanted = f"from {self.start_s:g} s" + ("" if self.stop_s is None else f" to {self.stop_s:g} s")
            end = f"ends at {(start + len(samples)) / rate:.2f} s" if len(samples) else "ends before"
            raise UndecodableAudio(f"The clip is the stretch {wanted}, and the recording {end}.")
        return Waveform(np.ascontiguousarray(samples), rate)

    @contextmanager
    def stream(self) -> Iterator[AudioStream]:
        """Open the clip to be decoded block by block; a stretch comes as one block."""
        opened = open_audio(self.path, self.channel) if self.start_s is None else _one_block(self)
        with opened as stream:
            yield stream


@dataclass(frozen=True, slots=True)
class AudioAddress(_Recording):
    """Audio at an address, such as `https://host/a.wav` or `s3://bucket/a.wav`, which must be fetched first."""

    def fetched(self, path: Path) -> AudioFile:
        """The clip in a copy of the recording."""
        return AudioFile(path, self.start_s, self.stop_s, self.channel)


@dataclass(frozen=True)
class UnusableAudio:
    """Audio that a corpus names and that cannot be had."""

    reason: str

    def waveform(self) -> Waveform:
        """Raise the reason as `UndecodableAudio`."""
        raise UndecodableAudio(self.reason)


AudioSource = DecodableAudio | AudioAddress
"""Audio of a clip, wherever it comes from."""


def _read_directly(path: Path, channel: Channel, start: int, stop: int | None) -> NDArray[np.float32] | None:
    """Read from the middle of a file; None where its format does not allow that."""
    try:
        # From an open file, since soundfile trusts a file's extension.
        with path.open("rb") as content, soundfile.SoundFile(content) as file:
            # A file of no frames may be one that was never closed, of which only the stream knows what is there.
            if not file.frames or file.format not in _SEEKABLE or not has_channel(channel, file.channels):
                return None
            file.seek(min(start, file.frames))
            frames = -1 if stop is None else max(0, stop - start)
            samples = select_channel(file.read(frames, dtype="float32", always_2d=True), channel)
    except (soundfile.SoundFileError, OSError):
        return None
    check_samples(samples)
    return samples


def _cut(blocks: Iterator[NDArray[np.float32]], start: int, stop: int | None) -> NDArray[np.float32]:
    kept, position = [np.zeros(0, np.float32)], 0
    for block in blocks:
        if stop is not None and position >= stop:
            break
        kept.append(block[max(0, start - position) : None if stop is None else stop - position])
        position += len(block)
    return np.concatenate(kept)
