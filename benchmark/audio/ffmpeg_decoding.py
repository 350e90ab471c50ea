"""Recordings that libsndfile refuses: what they are, and their decoding by PyAV (FFmpeg).

FFmpeg is never left to guess the format: it would take a text for a playlist, and open the files that it names.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

BEGINNING_BYTES = 64
"""How many of a file's first bytes tell what it is."""

_MARKS = (
    # Offset, mark, name for people, FFmpeg's name of the format.
    (4, b"ftyp", "MPEG-4 (m4a, mp4)", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "WebM", "matroska"),
    (0, b"\x30\x26\xb2\x75", "Windows Media (wma)", "asf"),
    (0, b"#!AMR", "AMR", "amr"),
    (0, b"\xff\xf0", "AAC", "aac"),
    (0, b"\xff\xf1", "AAC", "aac"),
    (0, b"\xff\xf8", "AAC", "aac"),
    (0, b"\xff\xf9", "AAC", "aac"),
    (0, b"ADIF", "AAC", None),
    (28, b"Speex", "Speex", "ogg"),
    (0, b"wvpk", "WavPack", "wv"),
    (0, b"MAC ", "Monkey's Audio (ape)", "ape"),
    (0, b"FLV", "Flash video", "flv"),
    (0, b"caff", "Core Audio (caf)", "caf"),
)
_WAV_CODING_AT = 20
_WAV_CODINGS = {
    b"\x55\x00": "MP3",
    b"\xff\x00": "AAC",
    b"\x10\x16": "AAC",
    b"\x83\x00": "G.729",
    b"\x42\x00": "G.723.1",
    b"\x22\x00": "TrueSpeech",
}
_CONVERT = "which cannot be decoded here: convert it, as `ffmpeg -i call.m4a call.flac` does."
# In these FFmpeg estimates the length from the bit rate: no promise that can be broken.
_WITHOUT_LENGTH = frozenset({"amr", "aac", "ogg"})
_MICROSECONDS = 1_000_000
# A frame is 20 to 64 ms of sound: blocks of some seconds.
_FRAMES_PER_BLOCK = 128

DECODERS = {"m4a": "aac", "wma": "wmav2", "amr": "amrnb", "webm": "opus"}
"""Ending of a file's name → FFmpeg's decoder of what such a file usually holds."""


class UndecodableAudio(Exception):  # noqa: N818 - it names what the clip is; the run goes on without it
    """A clip that cannot be decoded; `reason` is one sentence for a person, without the clip's name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, eq=False)
class RawAudio:
    """A recording with all its channels, while it is decoded.

    Attributes:
        frames: Samples of each channel that the header announces; 0 where it does not say.
        blocks: float32, shape (samples, channels).
    """

    sampling_rate: int
    channels: int
    frames: int
    blocks: Iterator[NDArray[np.float32]]


@contextmanager
def open_container(file: BinaryIO, beginning: bytes) -> Iterator[RawAudio]:
    """Open a recording that libsndfile refuses.

    Args:
        file: Seekable, at its beginning.
        beginning: The first `BEGINNING_BYTES` of it.

    Raises:
        UndecodableAudio: It is no audio, of a coding that FFmpeg lacks, or damaged; what lies further on in the file is
            found when the blocks are read.
    """
    format, undecodable = _identify(beginning)
    if format is None:
        raise UndecodableAudio(undecodable)
    import av  # noqa: PLC0415 - most recordings need no FFmpeg

    try:
        container = av.open(file, "r", format=format, metadata_errors="ignore")
    except (av.FFmpegError, ValueError) as error:
        raise UndecodableAudio("The audio's header is damaged or was cut off.") from error
    with container:
        if not container.streams.audio:
            raise UndecodableAudio("It holds no sound.")
        stream = container.streams.audio[0]
        frames = _decoded(container, stream, undecodable)
        first = next(frames, None)
        rate = first.sample_rate if first else stream.rate
        seconds = 0.0 if format in _WITHOUT_LENGTH else _announced_seconds(container, stream)
        yield RawAudio(
            sampling_rate=rate,
            channels=first.layout.nb_channels if first else 1,
            frames=round(seconds * rate),
            blocks=_blocks(first, frames),
        )


def _decoded(container: "InputContainer", stream: "AudioStream", undecodable: str) -> Iterator["AudioFrame"]:
    import av  # noqa: PLC0415 - as above

    try:
        yield from container.decode(stream)
    except av.InvalidDataError as error:
        raise UndecodableAudio("The audio is damaged or was cut off: invalid data.") from error
    except (av.FFmpegError, ValueError, RuntimeError) as error:
        raise UndecodableAudio(undecodable) from error


def _blocks(first: "AudioFrame | None", others: Iterator["AudioFrame"]) -> Iterator[NDArray[np.float32]]:
    """Samples of all frames, whatever their format, neither resampled nor mixed."""
    if first is None:
        return
    import av  # noqa: PLC0415 - as above

    form = (first.sample_rate, first.layout.name)
    converter = av.AudioResampler(format="fltp", layout=first.layout, rate=first.sample_rate)
    pieces: list[NDArray[np.float32]] = []
    for frame in chain([first], others):
        if (frame.sample_rate, frame.layout.name) != form:
            raise UndecodableAudio("The audio changes its sampling rate or its channels on the way.")
        frame.pts = None
        pieces += [np.asarray(piece.to_ndarray(), dtype=np.float32) for piece in converter.resample(frame)]
        if len(pieces) >= _FRAMES_PER_BLOCK:
            yield np.ascontiguousarray(np.concatenate(pieces, axis=1).T)
            pieces = []
    if pieces:
        yield np.ascontiguousarray(np.concatenate(pieces, axis=1).T)


def _announced_seconds(container: "InputContainer", stream: "AudioStream") -> float:
    """The length of the sound; 0 where the header does not say."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # That of the container is that of the longest stream, which may be a film.
    return (container.duration or 0) / _MICROSECONDS if len(container.streams) == 1 else 0.0


def can_decode(name: str) -> bool:
    """Whether FFmpeg here has the decoder of a kind of file; a key of `DECODERS`."""
    import av  # noqa: PLC0415 - as above

    return DECODERS[name] in av.codecs_available


def _identify(beginning: bytes) -> tuple[str | None, str]:
    """FFmpeg's name of the format, None where there is none; and what to say where FFmpeg cannot decode it either."""
    for at, mark, name, format in _MARKS:
        if beginning[at:].startswith(mark):
            return format, f"It is {name}, {_CONVERT}"
    if beginning.startswith(b"RIFF") and beginning[8:16] == b"WAVEfmt ":
        coding = _WAV_CODINGS.get(beginning[_WAV_CODING_AT : _WAV_CODING_AT + 2])
        if coding is not None:
            return "wav", f"It is {coding} in a WAV file, {_CONVERT}"
    if beginning.startswith(b"version https://git-lfs"):
        return None, "It is a pointer of Git LFS in place of the recording: `git lfs pull` fetches that."
    return None, "It is not audio in a known format such as WAV, FLAC, OGG or MP3."
