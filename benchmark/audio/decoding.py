"""From a file, or its bytes, to samples; or to one sentence that says why not."""

import io
import math
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmark.audio.channels import Channel, has_channel, heard
from benchmark.audio.containers import BEGINNING_BYTES, why_unknown
from benchmark.audio.headers import Unclosed, is_unclosed, with_length
from benchmark.audio.waveform import Waveform

# Beyond these no microphone recorded speech; resampling from 1 Hz would turn a small file into gigabytes.
_LOWEST_RATE = 1_000


_HIGHEST_RATE = 1_000_000


# Far above the 2e9 of whole numbers of 32 bits that a program forgot to scale.
_LARGEST_SAMPLE = 1e12


# Channels whose mean keeps less than this share of their power (-50 dB) are one another's opposite.
_CANCELLED = 1e-5


# A header may promise any number of frames: memory is taken for those that are there, block by block.
_BLOCK_VALUES = 1 << 20


# An ID3 tag, or the sync word of a frame: these are read whole, since their frames may have to be counted.
_MP3_BEGINNINGS = (b"ID3", b"\xff\xe2", b"\xff\xe3", b"\xff\xf2", b"\xff\xf3", b"\xff\xfa", b"\xff\xfb")


# MP3 frames and careless headers are off by this much without anything being lost.
_TOLERATED_LOSS_S = 0.05


# libsndfile corrects a size in the header to what the file holds, and says so only in its log.
_CORRECTED_SIZE = re.compile(r"^\s*(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)


# Programs that write to a pipe cannot go back to fill in the size; what they leave there is at least this.
_UNKNOWN_SIZE = 0x7FFFF000


class UndecodableAudio(Exception):  # noqa: N818 - it names what the clip is; the run goes on without it
    """A clip that nobody can listen to.

    Attributes:
        reason: One sentence for a person, without the clip's name.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class AudioStream:
    """A recording that is being decoded, so that no more of it than a block need be in memory.

    Attributes:
        sampling_rate: Samples per second.
        channels: How many channels it was recorded with.
        blocks: Mono samples, shape (samples,), from the first to the last; can be read once. Reading on raises
            `UndecodableAudio` where the audio is damaged, cut off, empty, or no finite numbers.
    """

    sampling_rate: int
    channels: int
    blocks: Iterator[NDArray[np.float32]]


def decode(source: Path | bytes, channel: Channel = Channel.MIX) -> Waveform:
    """Decode a recording in any format that libsndfile reads: WAV, FLAC, OGG, MP3 and others.

    Args:
        source: A file, or what such a file holds.
        channel: What of its channels is heard.

    Returns:
        All of it, at the rate it was recorded with.

    Raises:
        UndecodableAudio: The file is missing, cannot be opened, or holds no audio that can be read to its end; or
            there are no samples, or some that are not finite or larger than any recording's. A file that was cut off is
            undecodable where its format tells its length (WAV, FLAC, MP3, AIFF); an OGG stream does not.
    """
    with open_audio(source, channel) as stream:
        return Waveform(np.ascontiguousarray(np.concatenate(list(stream.blocks))), stream.sampling_rate)


@contextmanager
def open_audio(source: Path | bytes, channel: Channel = Channel.MIX) -> Iterator[AudioStream]:
    """Open a recording to be decoded block by block, whatever its length.

    An MP3 file is read into memory as it is, encoded; all others are read as they are decoded.

    Args:
        source: A file, or what such a file holds.
        channel: What of its channels is heard.

    Yields:
        The stream, at the rate it was recorded with.

    Raises:
        UndecodableAudio: As for `decode`; what lies further on in the file is found when the blocks are read.
    """
    with _content(source) as content, _opened(content) as file:
        if not has_channel(channel, file.channels):
            raise UndecodableAudio(f"It has one channel, and therefore no {channel} one.")
        # Where the length had to be counted, nobody had promised it.
        promised = 0 if content.counted else _promised_frames(file)
        yield AudioStream(file.samplerate, file.channels, _blocks(file, channel, promised))


def check_samples(samples: NDArray[np.float32]) -> None:
    """Refuse samples that nobody can have recorded.

    Raises:
        UndecodableAudio: Some are not finite, or so large that float32 does not hold the sum of their squares: a model
            that normalises would then hear silence.
    """
    largest = float(np.abs(samples).max(initial=0.0))
    if not math.isfinite(largest):
        raise UndecodableAudio("The audio holds samples that are not finite numbers (NaN or infinity).")
    if largest > _LARGEST_SAMPLE:
        raise UndecodableAudio(
            f"The audio holds samples of up to {largest:.0e}, where full scale is 1: it is damaged, or no audio."
        )


@dataclass(frozen=True, eq=False)
class _Content:
    """What a file holds, from its beginning on.

    Attributes:
        reader: Reads it; without a name, since soundfile trusts a file's extension, and for `.raw` asks for the format.
        counted: Whether its length had to be counted, since it does not tell.
        beginning: Its first bytes.
    """

    reader: object
    counted: bool
    beginning: bytes


class _Nameless:
    """A file that does not tell its name."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.readinto, self.seek, self.tell = file.read, file.readinto, file.seek, file.tell  # type: ignore[attr-defined]  # BinaryIO knows no readinto


@contextmanager
def _content(source: Path | bytes) -> Iterator[_Content]:
    if isinstance(source, bytes):
        yield _in_memory(source)
        return
    with ExitStack() as stack:
        try:
            mode = source.stat().st_mode
            if not stat.S_ISREG(mode):
                raise UndecodableAudio(
                    "It is a folder, not a file." if stat.S_ISDIR(mode) else "It is not a regular file."
                )
            file = stack.enter_context(source.open("rb"))
            beginning = file.read(BEGINNING_BYTES)
            file.seek(0)
            if not beginning or beginning.startswith(_MP3_BEGINNINGS):
                content = _in_memory(file.read())
            else:
                reader = Unclosed(file) if is_unclosed(file) else _Nameless(file)
                content = _Content(reader, counted=False, beginning=beginning)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UndecodableAudio("The file does not exist.") from error
        except PermissionError as error:
            raise UndecodableAudio("The file cannot be opened: permission denied.") from error
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
            detail = getattr(error, "strerror", None) or str(error)
            raise UndecodableAudio(f"The file cannot be opened: {detail}.") from error
        yield content


def _in_memory(content: bytes) -> _Content:
    if not content:
        raise UndecodableAudio("The file is empty (0 bytes).")
    whole = with_length(content)
    file = io.BytesIO(whole)
    reader = Unclosed(file) if is_unclosed(file) else file
    return _Content(reader, counted=whole is not content, beginning=content[:BEGINNING_BYTES])


def _opened(content: _Content) -> soundfile.SoundFile:
    try:
        file = soundfile.SoundFile(content.reader)
    except soundfile.LibsndfileError as error:
        if "malformed" in error.error_string:
            raise UndecodableAudio("The audio's header is damaged or was cut off.") from error
        raise UndecodableAudio(why_unknown(content.beginning)) from error
    if not _LOWEST_RATE <= file.samplerate <= _HIGHEST_RATE:
        file.close()
        raise UndecodableAudio(f"Its sampling rate of {file.samplerate} Hz is not one that speech is recorded at.")
    return file


def _blocks(file: soundfile.SoundFile, channel: Channel, promised: int) -> Iterator[NDArray[np.float32]]:
    frames, recorded, left = 0, 0.0, 0.0
    for block in _all_channels(file):
        frames += len(block)
        samples = heard(block, channel)
        check_samples(samples)
        if channel is Channel.MIX and file.channels > 1:
            recorded, left = recorded + _power(block) / file.channels, left + _power(samples)
        yield samples
    if promised - frames > _TOLERATED_LOSS_S * file.samplerate:
        there, whole = frames / file.samplerate, promised / file.samplerate
        raise UndecodableAudio(f"The audio was cut off: {there:.2f} of {whole:.2f} seconds are there.")
    if not frames:
        raise UndecodableAudio("The audio has no samples.")
    if left < _CANCELLED * recorded:
        raise UndecodableAudio(
            "Its channels are of opposite phase, so that their mean is silence: hear one of them, with --channel left."
        )


def _power(samples: NDArray[np.float32]) -> float:
    flat = samples.reshape(-1)
    return float(np.dot(flat, flat))


def _all_channels(file: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
    size = max(1, _BLOCK_VALUES // file.channels)
    try:
        while (block := file.read(size, dtype="float32", always_2d=True)).shape[0]:
            yield block
    except soundfile.SoundFileError as error:
        detail = getattr(error, "error_string", str(error)).removeprefix("Error : ").rstrip(".")
        raise UndecodableAudio(f"The audio is damaged or was cut off: {detail}.") from error


def _promised_frames(file: soundfile.SoundFile) -> int:
    corrected = _CORRECTED_SIZE.search(file.extra_info)
    if corrected is None:
        return int(file.frames)
    promised_bytes, found_bytes = (int(size) for size in corrected.groups())
    if not 0 < found_bytes < promised_bytes < _UNKNOWN_SIZE:
        return int(file.frames)
    return round(int(file.frames) * promised_bytes / found_bytes)


def told_seconds(path: Path) -> float | None:
    """Give the length that a file's header tells, without decoding it; good enough for a bar of progress.

    Args:
        path: The file.

    Returns:
        Seconds; None where the file cannot be opened or does not tell.
    """
    if not path.is_file():  # a pipe would be waited for
        return None
    try:
        told = soundfile.info(path)
    except (OSError, RuntimeError, TypeError, ValueError):
        return None
    return told.frames / told.samplerate if 0 < told.frames < 2**40 and told.samplerate > 0 else None


ESSENTIAL_FORMATS = ("wav", "flac")


_RATE = 16_000


_FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "PCM_16"),
}


# libsndfile has no decoder of these; bench counts such files as unreadable.
_NEVER = ("m4a", "wma", "amr", "webm")


def decodable_formats() -> dict[str, bool]:
    """Try every format.

    Returns:
        For each format whether a file of it can be decoded.

    Examples:
        >>> decodable_formats()["wav"], decodable_formats()["m4a"]
        (True, False)
    """
    return {name: _can_decode(*how) for name, how in _FORMATS.items()} | dict.fromkeys(_NEVER, False)


def _can_decode(container: str, coding: str) -> bool:
    tone = np.sin(np.arange(_RATE // 2) / 10).astype(np.float32) / 2
    file = io.BytesIO()
    try:
        soundfile.write(file, tone, _RATE, format=container, subtype=coding)
        return bool(decode(file.getvalue()).samples.size)
    except (soundfile.SoundFileError, UndecodableAudio, ValueError, TypeError):
        return False
