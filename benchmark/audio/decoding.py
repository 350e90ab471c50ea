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

from benchmark.audio.channels import Channel, has_channel, select_channel
from benchmark.audio.ffmpeg_decoding import BEGINNING_BYTES, DECODERS, RawAudio, can_decode, open_container
from benchmark.audio.ffmpeg_decoding import UndecodableAudio as UndecodableAudio  # noqa: PLC0414 - what this module raises
from benchmark.audio.headers import UnclosedWav, is_unclosed, with_length
from benchmark.audio.waveform import Waveform

ESSENTIAL_FORMATS = ("wav", "flac")
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
# Containers round times to their own units, and codings add and drop parts of a frame.
_TOLERATED_CONTAINER_LOSS_S = 0.1
# libsndfile corrects a size in the header to what the file holds, and says so only in its log.
_CORRECTED_SIZE = re.compile(r"^\s*(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
# Programs that write to a pipe cannot go back to fill in the size; what they leave there is at least this.
_UNKNOWN_SIZE = 0x7FFFF000
_LIBSNDFILE_FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "PCM_16"),
}


@dataclass(frozen=True, eq=False)
class AudioStream:
    """A recording that is being decoded, so that no more of it than a block need be in memory.

    Attributes:
        channels: How many channels it was recorded with.
        blocks: Mono samples, shape (samples,), from the first to the last; can be read once. Reading on raises
            `UndecodableAudio` where the audio is damaged, cut off, empty, or no finite numbers.
    """

    sampling_rate: int
    channels: int
    blocks: Iterator[NDArray[np.float32]]


def decode(source: Path | bytes, channel: Channel = Channel.MIX) -> Waveform:
    """Decode a recording: WAV, FLAC, OGG, MP3 and what else libsndfile reads; M4A, WebM, AMR and others by PyAV.

    Args:
        source: A file, or its content.
        channel: The channel to take.

    Returns:
        All of it, at the rate it was recorded with.

    Raises:
        UndecodableAudio: The file is missing, cannot be opened, or holds no audio that can be read to its end; or
            there are no samples, or some that are not finite or larger than any recording's. A file that was cut off is
            undecodable where its format tells its length (WAV, FLAC, MP3, AIFF, M4A, WebM); an OGG stream does not.
    """
    with open_audio(source, channel) as stream:
        return Waveform(np.concatenate(list(stream.blocks)), stream.sampling_rate)


@contextmanager
def open_audio(source: Path | bytes, channel: Channel = Channel.MIX) -> Iterator[AudioStream]:
    """Open a recording to be decoded block by block, whatever its length.

    An MP3 file is read into memory as it is, encoded; all others are read as they are decoded. Arguments and errors are
    those of `decode`; damage further on in the file is found when the blocks are read.
    """
    with ExitStack() as stack:
        content = _open_content(source, stack)
        try:
            file = stack.enter_context(soundfile.SoundFile(content.reader))
        except soundfile.LibsndfileError as error:
            if "malformed" in error.error_string:
                raise UndecodableAudio("The audio's header is damaged or was cut off.") from error
            content.file.seek(0)
            raw = stack.enter_context(open_container(content.file, content.beginning))
            tolerance_s = _TOLERATED_CONTAINER_LOSS_S
        else:
            # Where the frames had to be counted, the header announced nothing.
            frames = 0 if content.counted else _announced_frames(file)
            raw = RawAudio(file.samplerate, file.channels, frames, _read_blocks(file))
            tolerance_s = _TOLERATED_LOSS_S
        if not _LOWEST_RATE <= raw.sampling_rate <= _HIGHEST_RATE:
            raise UndecodableAudio(
                f"Its sampling rate of {raw.sampling_rate} Hz is not one that speech is recorded at."
            )
        if not has_channel(channel, raw.channels):
            raise UndecodableAudio(f"It has one channel, and therefore no {channel} one.")
        yield AudioStream(raw.sampling_rate, raw.channels, _checked_blocks(raw, channel, tolerance_s))


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


def header_duration_s(path: Path) -> float | None:
    """Read the length from a file's header, without decoding; good enough for a progress bar.

    Returns:
        Seconds; None where libsndfile cannot open the file or its header does not tell.
    """
    if not path.is_file():  # opening a pipe would block
        return None
    try:
        info = soundfile.info(path)
    except (OSError, RuntimeError, TypeError, ValueError):
        return None
    return info.frames / info.samplerate if 0 < info.frames < 2**40 and info.samplerate > 0 else None


def decodable_formats() -> dict[str, bool]:
    """Find out which formats can be decoded here, by encoding a moment of each where libsndfile can."""
    formats = {name: _can_decode(*form) for name, form in _LIBSNDFILE_FORMATS.items()}
    return formats | {name: can_decode(name) for name in DECODERS}


def _can_decode(container: str, coding: str) -> bool:
    rate = 16_000
    tone = np.sin(np.arange(rate // 2) / 10).astype(np.float32) / 2
    file = io.BytesIO()
    try:
        soundfile.write(file, tone, rate, format=container, subtype=coding)
        return bool(decode(file.getvalue()).samples.size)
    except (soundfile.SoundFileError, UndecodableAudio, ValueError, TypeError):
        return False


@dataclass(frozen=True, eq=False)
class _Content:
    """The content of a file: with the corrections that libsndfile needs (`reader`), and without.

    Its frames were `counted` where it does not announce them.
    """

    reader: object
    file: BinaryIO
    counted: bool
    beginning: bytes


class _NamelessFile:
    """A file without a name: soundfile trusts the extension of a name, and asks for the format of a `.raw`."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.readinto, self.seek, self.tell = file.read, file.readinto, file.seek, file.tell  # type: ignore[attr-defined]  # BinaryIO knows no readinto


def _open_content(source: Path | bytes, stack: ExitStack) -> _Content:
    if isinstance(source, bytes):
        return _content_in_memory(source)
    try:
        mode = source.stat().st_mode
        if not stat.S_ISREG(mode):
            raise UndecodableAudio("It is a folder, not a file." if stat.S_ISDIR(mode) else "It is not a regular file.")
        file = stack.enter_context(source.open("rb"))
        beginning = file.read(BEGINNING_BYTES)
        file.seek(0)
        if not beginning or beginning.startswith(_MP3_BEGINNINGS):
            return _content_in_memory(file.read())
        reader = UnclosedWav(file) if is_unclosed(file) else _NamelessFile(file)
        return _Content(reader, file, counted=False, beginning=beginning)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UndecodableAudio("The file does not exist.") from error
    except PermissionError as error:
        raise UndecodableAudio("The file cannot be opened: permission denied.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        detail = getattr(error, "strerror", None) or str(error)
        raise UndecodableAudio(f"The file cannot be opened: {detail}.") from error


def _content_in_memory(content: bytes) -> _Content:
    if not content:
        raise UndecodableAudio("The file is empty (0 bytes).")
    whole = with_length(content)
    file = io.BytesIO(whole)
    reader = UnclosedWav(file) if is_unclosed(file) else file
    return _Content(reader, file, counted=whole is not content, beginning=content[:BEGINNING_BYTES])


def _checked_blocks(raw: RawAudio, channel: Channel, tolerance_s: float) -> Iterator[NDArray[np.float32]]:
    """One channel of a recording; raises `UndecodableAudio` where the recording cannot be used."""
    frames, recorded, left = 0, 0.0, 0.0
    for block in raw.blocks:
        frames += len(block)
        samples = select_channel(block, channel)
        check_samples(samples)
        if channel is Channel.MIX and raw.channels > 1:
            recorded, left = recorded + _power(block) / raw.channels, left + _power(samples)
        yield samples
    if raw.frames - frames > tolerance_s * raw.sampling_rate:
        there, whole = frames / raw.sampling_rate, raw.frames / raw.sampling_rate
        raise UndecodableAudio(f"The audio was cut off: {there:.2f} of {whole:.2f} seconds are there.")
    if not frames:
        raise UndecodableAudio("The audio has no samples.")
    if left < _CANCELLED * recorded:
        raise UndecodableAudio(
            "Its channels are of opposite phase, so that their mean is silence: hear one of them, with --channel left."
        )


def _read_blocks(file: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
    size = max(1, _BLOCK_VALUES // file.channels)
    try:
        while (block := file.read(size, dtype="float32", always_2d=True)).shape[0]:
            yield block
    except soundfile.SoundFileError as error:
        detail = getattr(error, "error_string", str(error)).removeprefix("Error : ").rstrip(".")
        raise UndecodableAudio(f"The audio is damaged or was cut off: {detail}.") from error


def _power(samples: NDArray[np.float32]) -> float:
    flat = samples.reshape(-1)
    return float(np.dot(flat, flat))


def _announced_frames(file: soundfile.SoundFile) -> int:
    """The frames that the header announces: libsndfile corrects them to what is there."""
    corrected = _CORRECTED_SIZE.search(file.extra_info)
    if corrected is None:
        return int(file.frames)
    announced_bytes, actual_bytes = (int(size) for size in corrected.groups())
    if not 0 < actual_bytes < announced_bytes < _UNKNOWN_SIZE:
        return int(file.frames)
    return round(int(file.frames) * announced_bytes / actual_bytes)
