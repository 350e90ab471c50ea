"""Where the audio of a clip comes from: a file, a stretch of a longer one, an address, or nowhere."""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Protocol, runtime_checkable

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


class AudioSource(Protocol):
    """Audio of a clip, wherever it comes from."""

    def waveform(self) -> Waveform:
        """Decode all of it.

        Raises:
            UndecodableAudio: It is missing, damaged, or no audio.
        """


@runtime_checkable
class StreamedSource(AudioSource, Protocol):
    """Audio that can be decoded block by block, so that its length does not matter."""

    def stream(self) -> AbstractContextManager[AudioStream]:
        """Open the audio; entering, and reading on, raises `UndecodableAudio`."""


@runtime_checkable
class ChannelledSource(AudioSource, Protocol):
    """Audio that may have several channels, of which one can be chosen."""

    def channels(self) -> int | None:
        """Count the channels; None where the audio cannot be opened."""

    def on(self, channel: Channel) -> AudioSource:
        """The same audio on another channel."""


def open_source(source: AudioSource) -> AbstractContextManager[AudioStream]:
    """Open audio from anywhere; what cannot be streamed comes as one block.

    Raises:
        UndecodableAudio: When it is entered, or when the blocks are read.
    """
    return source.stream() if isinstance(source, StreamedSource) else _one_block(source)


@contextmanager
def _one_block(source: AudioSource) -> Iterator[AudioStream]:
    waveform = source.waveform()
    yield AudioStream(waveform.sampling_rate, 1, iter([waveform.samples]))


@dataclass(frozen=True, slots=True, init=False)
class AudioFile:
    """Audio in a file: all of it, or a stretch.

    Attributes:
        location: Its path, as a text: for each clip of a large corpus, a `Path` would take five times the memory.
        start_s: Where the clip begins, in seconds; None for the whole file.
        stop_s: Where it ends; None for the end of the file.
        channel: Which channel the clip is.
    """

    location: str
    start_s: float | None
    stop_s: float | None
    channel: Channel

    def __init__(
        self,
        path: Path,
        start_s: float | None = None,
        stop_s: float | None = None,
        *,
        channel: Channel = Channel.MIX,
    ) -> None:
        """Take the path as a `Path`."""
        for name, value in (("location", str(path)), ("start_s", start_s), ("stop_s", stop_s), ("channel", channel)):
            object.__setattr__(self, name, value)

    @property
    def path(self) -> Path:
        """The path of the file."""
        return Path(self.location)

    def waveform(self) -> Waveform:
        """Decode the clip; of a stretch, where the format allows, without the rest of the file.

        Raises:
            UndecodableAudio: The file is missing, damaged or no audio, or ends before the stretch does.
        """
        if self.start_s is None:
            return decode(self.path, self.channel)
        with open_audio(self.path, self.channel) as stream:
            rate = stream.sampling_rate
            start = round(self.start_s * rate)
            stop = None if self.stop_s is None else round(self.stop_s * rate)
            samples = self._read_directly(start, stop)
            if samples is None:
                samples = _cut(stream.blocks, start, stop)
        if not len(samples) or (stop is not None and len(samples) < stop - start - _TOLERATED_S * rate):
            wanted = f"from {self.start_s:g} s" + ("" if self.stop_s is None else f" to {self.stop_s:g} s")
            end = f"ends at {(start + len(samples)) / rate:.2f} s" if len(samples) else "ends before"
            raise UndecodableAudio(f"The clip is the stretch {wanted}, and the recording {end}.")
        return Waveform(np.ascontiguousarray(samples), rate)

    def stream(self) -> AbstractContextManager[AudioStream]:
        """Open the file to be decoded block by block; a stretch comes as one block."""
        return open_audio(self.path, self.channel) if self.start_s is None else _one_block(self)

    def channels(self) -> int | None:
        """Count the channels; None where the file cannot be opened."""
        try:
            with open_audio(self.path) as stream:
                return stream.channels
        except UndecodableAudio:
            return None

    def on(self, channel: Channel) -> "AudioFile":
        """The same clip on another channel."""
        return AudioFile(self.path, self.start_s, self.stop_s, channel=channel)

    def _read_directly(self, start: int, stop: int | None) -> NDArray[np.float32] | None:
        """Read from the middle of the file; None where its format does not allow that."""
        try:
            # From an open file, since soundfile trusts a file's extension.
            with self.path.open("rb") as content, soundfile.SoundFile(content) as file:
                # A file of no frames may be one that was never closed, of which only the stream knows what is there.
                if not file.frames or file.format not in _SEEKABLE or not has_channel(self.channel, file.channels):
                    return None
                file.seek(min(start, file.frames))
                frames = -1 if stop is None else max(0, stop - start)
                samples = select_channel(file.read(frames, dtype="float32", always_2d=True), self.channel)
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


@dataclass(frozen=True)
class AudioAddress:
    """Audio at an address of any file system that fsspec knows; it is fetched once in the life of the process.

    Attributes:
        address: Such as `https://host/a.wav` or `s3://bucket/a.wav`.
        start_s: Where the clip begins, in seconds; None for all of the recording.
        stop_s: Where it ends; None for the end of the recording.
        channel: Which channel the clip is.
    """

    address: str
    start_s: float | None = None
    stop_s: float | None = None
    channel: Channel = Channel.MIX

    def waveform(self) -> Waveform:
        """Fetch the recording and decode the clip.

        Raises:
            UndecodableAudio: It cannot be fetched, or is no audio.
        """
        return self._fetch().waveform()

    @contextmanager
    def stream(self) -> Iterator[AudioStream]:
        """Fetch the recording and open it to be decoded block by block."""
        with self._fetch().stream() as stream:
            yield stream

    def channels(self) -> int | None:
        """Count the channels; None where the recording cannot be fetched or opened."""
        try:
            return self._fetch().channels()
        except UndecodableAudio:
            return None

    def on(self, channel: Channel) -> "AudioAddress":
        """The same clip on another channel."""
        return replace(self, channel=channel)

    def _fetch(self) -> AudioFile:
        return AudioFile(_FETCHED.path_of(self.address), self.start_s, self.stop_s, channel=self.channel)


@dataclass(frozen=True)
class UnusableAudio:
    """Audio that a corpus names and that cannot be had."""

    reason: str

    def waveform(self) -> Waveform:
        """Raise the reason as `UndecodableAudio`."""
        raise UndecodableAudio(self.reason)


class _FetchedFiles:
    """Recordings from addresses, encoded as they came, in a folder that is deleted when the process ends."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._locks: dict[str, Lock] = {}
        self._paths: dict[str, Path] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def path_of(self, address: str) -> Path:
        """Fetch an address, once."""
        with self._lock:
            own = self._locks.setdefault(address, Lock())
        with own:
            if address not in self._paths:
                content = read_address(address)
                with self._lock:
                    self._folder = self._folder or tempfile.TemporaryDirectory(
                        prefix="bench-fetched-", ignore_cleanup_errors=True
                    )
                    path = Path(self._folder.name) / str(len(self._paths))
                    path.write_bytes(content)
                    self._paths[address] = path
            return self._paths[address]


_FETCHED = _FetchedFiles()


def read_address(address: str) -> bytes:
    """Read all bytes at an address of a file system that fsspec knows.

    Raises:
        UndecodableAudio: There is nothing, no answer comes, or a library for this kind of address is not installed.
    """
    import fsspec  # noqa: PLC0415 - slow to import, and few tables hold addresses
    from aiohttp import ClientError  # noqa: PLC0415 - what fsspec's HTTP file system raises

    try:
        # Not `fsspec.open`, which takes a server that refuses the connection for one that has no such file.
        system, path = fsspec.core.url_to_fs(address)
        content: bytes = system.cat_file(path)
    except FileNotFoundError as error:
        raise UndecodableAudio(f"There is nothing at {address}.") from error
    except ImportError as error:
        raise UndecodableAudio(f"{address} needs a library that is not installed: {error}.") from error
    except (OSError, ValueError, RuntimeError, ClientError) as error:
        detail = " ".join(str(error).split())[:200] or type(error).__name__
        raise UndecodableAudio(f"{address} cannot be read: {detail}.") from error
    return content
