"""Where the audio of a clip comes from: a file, a stretch of a longer one, an address, or nowhere."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Protocol, Self, runtime_checkable

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmark.audio.channels import Channel, has_channel, select_channel
from benchmark.audio.decoding import AudioStream, UndecodableAudio, check_samples, decode, open_audio
from benchmark.audio.waveform import Waveform

PROTOCOLS = frozenset({"abfs", "az", "file", "gs", "hf", "http", "https", "s3"})
"""The kinds of addresses that tables may name."""

# Times in tables are rounded, and those of MP3 files are not exact.
_TOLERATED_S = 0.05
# In these libsndfile finds any sample at once; in compressed ones it may miss by a frame, or decode from the beginning.
_SEEKABLE = frozenset({"WAV", "WAVEX", "RF64", "W64", "FLAC", "AIFF", "AU", "CAF"})


class AudioSource(Protocol):
    """Audio of a clip, wherever it comes from."""

    def waveform(self) -> Waveform:
        """Decode all of it; raises `UndecodableAudio` if it is missing, damaged, or no audio."""


@runtime_checkable
class StreamedSource(AudioSource, Protocol):
    """Audio that can be decoded block by block, so that its length does not matter."""

    def stream(self) -> AbstractContextManager[AudioStream]:
        """Open the audio; entering, and reading on, raises `UndecodableAudio`."""


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

    @property
    def path(self) -> Path:
        """The path of a file with the recording; raises `UndecodableAudio` if it cannot be fetched."""
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

    def channels(self) -> int | None:
        """Count the channels; None where the recording cannot be opened."""
        try:
            with open_audio(self.path) as stream:
                return stream.channels
        except UndecodableAudio:
            return None

    def on(self, channel: Channel) -> Self:
        """The same clip on another channel."""
        return replace(self, channel=channel)


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


@dataclass(frozen=True, slots=True)
class AudioFile(_Recording):
    """Audio in a file: all of it, or a stretch."""


@dataclass(frozen=True, slots=True)
class AudioAddress(_Recording):
    """Audio at an address of one of `PROTOCOLS`, such as `https://host/a.wav` or `s3://bucket/a.wav`."""

    @property
    def path(self) -> Path:
        """The path of a copy, which is fetched once in the life of the process."""
        address = str(self.location)
        with _LOCK:
            folder, lock = Path(_temporary_folder().name), _LOCKS.setdefault(address, Lock())
        with lock:
            return _fetch(address, folder)


@dataclass(frozen=True)
class UnusableAudio:
    """Audio that a corpus names and that cannot be had."""

    reason: str

    def waveform(self) -> Waveform:
        """Raise the reason as `UndecodableAudio`."""
        raise UndecodableAudio(self.reason)


_LOCK = Lock()
_LOCKS: dict[str, Lock] = {}


@cache
def _temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """The folder of fetched recordings, which is deleted when the process ends."""
    return tempfile.TemporaryDirectory(prefix="bench-fetched-", ignore_cleanup_errors=True)


@cache
def _fetch(address: str, folder: Path) -> Path:
    path = folder / hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()
    path.write_bytes(read_address(address))
    return path


def read_address(address: str) -> bytes:
    """Read all bytes at an address that a table names.

    Only `PROTOCOLS` are opened, and no chains of file systems (`::`): of the others that fsspec knows, some run code
    (`reference://` renders templates) or open further addresses, and tables may be hostile.

    Raises:
        UndecodableAudio: bench does not open such addresses, or as in `read_with_fsspec`.
    """
    protocol = address.partition("://")[0].lower()
    if "::" in address:
        refused = "chains of file systems (`::`)"
    elif protocol not in PROTOCOLS:
        refused = f"`{protocol}://`"
    else:
        return read_with_fsspec(address)
    raise UndecodableAudio(
        f"{address} is not opened: bench opens no {refused}, only {', '.join(sorted(PROTOCOLS))} and paths; "
        "copy the recording to one of these."
    )


def read_with_fsspec(address: str) -> bytes:
    """Read all bytes at an address of any file system of fsspec; the caller has judged the address.

    Raises:
        UndecodableAudio: There is nothing, no answer comes, a library for this kind of address is not installed, or
            the file system fails in any other way.
    """
    import fsspec  # noqa: PLC0415 - slow to import, and few tables hold addresses

    try:
        # Not `fsspec.open`, which takes a server that refuses the connection for one that has no such file.
        system, path = fsspec.core.url_to_fs(address)
        content: bytes = system.cat_file(path)
    except FileNotFoundError as error:
        raise UndecodableAudio(f"There is nothing at {address}.") from error
    except ImportError as error:
        raise UndecodableAudio(f"{address} needs a library that is not installed: {error}.") from error
    except Exception as error:  # somebody else's file system, whose errors have no common base
        detail = " ".join(str(error).split())[:200] or type(error).__name__
        raise UndecodableAudio(f"{address} cannot be read: {detail}.") from error
    return content
