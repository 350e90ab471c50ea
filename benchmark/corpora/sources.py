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
    """Wherever the audio of a clip comes from."""

    def waveform(self) -> Waveform:
        """Decode the audio.

        Raises:
            UndecodableAudio: Nobody can decode it; the message tells why.
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
        """Count the channels; None where nobody can know before decoding."""

    def on(self, channel: Channel) -> AudioSource:
        """The same audio, with another choice of what is heard."""


@contextmanager
def open_source(source: AudioSource) -> Iterator[AudioStream]:
    """Open audio from anywhere; what cannot be streamed comes as one block.

    Raises:
        UndecodableAudio: Nobody can decode it; what lies further on is found when the blocks are read.
    """
    if isinstance(source, StreamedSource):
        with source.stream() as stream:
            yield stream
        return
    waveform = source.waveform()
    yield AudioStream(waveform.sampling_rate, 1, iter([waveform.samples]))


@dataclass(frozen=True, slots=True, init=False)
class AudioFile:
    """Audio in a file of its own.

    Attributes:
        location: Where it lies, as a text: for each clip of a large corpus, a `Path` would take five times the memory.
        channel: What of its channels is heard.
    """

    location: str
    channel: Channel

    def __init__(self, path: Path, channel: Channel = Channel.MIX) -> None:
        """Say where the file lies, and what of its channels is heard."""
        object.__setattr__(self, "location", str(path))
        object.__setattr__(self, "channel", channel)

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.location)

    def waveform(self) -> Waveform:
        """Decode the file.

        Raises:
            UndecodableAudio: It is missing, empty, damaged, or no audio.
        """
        return decode(self.path, self.channel)

    def stream(self) -> AbstractContextManager[AudioStream]:
        """Open the file to be decoded block by block."""
        return open_audio(self.path, self.channel)

    def channels(self) -> int | None:
        """Count the channels; None where it cannot be opened."""
        try:
            with open_audio(self.path) as stream:
                return stream.channels
        except UndecodableAudio:
            return None

    def on(self, channel: Channel) -> "AudioFile":
        """The same file, with another choice of what is heard."""
        return AudioFile(self.path, channel)


@dataclass(frozen=True)
class UnusableAudio:
    """Audio that the corpus names and that nobody can get at."""

    reason: str

    def waveform(self) -> Waveform:
        """Tell why not.

        Raises:
            UndecodableAudio: Always.
        """
        raise UndecodableAudio(self.reason)


@dataclass(frozen=True)
class AudioSegment:
    """A stretch of a longer recording.

    Attributes:
        path: The recording.
        start_s: Where the stretch begins, in seconds.
        stop_s: Where it ends; None for the end of the recording.
        channel: What of its channels is heard.
    """

    path: Path
    start_s: float
    stop_s: float | None
    channel: Channel = Channel.MIX

    def waveform(self) -> Waveform:
        """Decode the stretch, where the format allows without the rest of the recording.

        Raises:
            UndecodableAudio: The file is missing or damaged, or ends before the stretch does.
        """
        with open_audio(self.path, self.channel) as stream:
            rate = stream.sampling_rate
            start = round(self.start_s * rate)
            stop = None if self.stop_s is None else round(self.stop_s * rate)
            samples = self._sought(start, stop)
            if samples is None:
                samples = _cut(stream.blocks, start, stop)
        if not len(samples) or (stop is not None and len(samples) < stop - start - _TOLERATED_S * rate):
            wanted = f"from {self.start_s:g} s" + ("" if self.stop_s is None else f" to {self.stop_s:g} s")
            ends_s = (start + len(samples)) / rate
            what = f"ends at {ends_s:.2f} s" if len(samples) else "ends before"
            raise UndecodableAudio(f"The clip is the stretch {wanted}, and the recording {what}.")
        return Waveform(np.ascontiguousarray(samples), rate)

    def channels(self) -> int | None:
        """Count the channels; None where the recording cannot be opened."""
        return AudioFile(self.path).channels()

    def on(self, channel: Channel) -> "AudioSegment":
        """The same stretch, with another choice of what is heard."""
        return replace(self, channel=channel)

    def _sought(self, start: int, stop: int | None) -> NDArray[np.float32] | None:
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
    """A recording at an address of any file system that fsspec knows: it is fetched once in the life of the process.

    Attributes:
        address: Such as `https://host/a.wav` or `s3://bucket/a.wav`.
        start_s: Where the clip begins, in seconds; None for all of the recording.
        stop_s: Where it ends; None for the end of the recording.
        channel: What of its channels is heard.
    """

    address: str
    start_s: float | None = None
    stop_s: float | None = None
    channel: Channel = Channel.MIX

    def waveform(self) -> Waveform:
        """Fetch the recording, where that was not done before, and decode it.

        Raises:
            UndecodableAudio: It cannot be fetched, or is no audio.
        """
        return self._fetched().waveform()

    @contextmanager
    def stream(self) -> Iterator[AudioStream]:
        """Fetch the recording, where that was not done before, and open it to be decoded block by block."""
        fetched = self._fetched()
        if isinstance(fetched, AudioFile):
            with fetched.stream() as stream:
                yield stream
        else:
            waveform = fetched.waveform()
            yield AudioStream(waveform.sampling_rate, 1, iter([waveform.samples]))

    def channels(self) -> int | None:
        """Count the channels; None where the recording cannot be fetched or opened."""
        try:
            return self._fetched().channels()
        except UndecodableAudio:
            return None

    def on(self, channel: Channel) -> "AudioAddress":
        """The same recording, with another choice of what is heard."""
        return replace(self, channel=channel)

    def _fetched(self) -> AudioFile | AudioSegment:
        path = _FETCHED.path_of(self.address)
        if self.start_s is None and self.stop_s is None:
            return AudioFile(path, self.channel)
        return AudioSegment(path, self.start_s or 0.0, self.stop_s, self.channel)


class _Fetched:
    """What was fetched from addresses, compressed as it came, in a folder that goes when the process ends."""

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


_FETCHED = _Fetched()


def read_address(address: str) -> bytes:
    """Read all bytes at an address of a file system that fsspec knows.

    Raises:
        UndecodableAudio: There is nothing, nobody answers, or a library for this kind of address is not installed.
    """
    # They take a while to import, and few tables hold addresses.
    import fsspec  # noqa: PLC0415
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
