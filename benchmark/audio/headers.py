"""Headers that would make libsndfile read a part of a recording: MP3 without a length, and WAV that was never closed.

Without a Xing, Info or VBRI tag libsndfile guesses the length of an MP3 from the bit rate of its first frame, and reads
no further: of a recording of variable bit rate, that may be half. Frames can be counted, and a tag added.

A recorder that was killed, or a program that writes to a pipe, leaves a WAV file whose header announces no samples.
libsndfile reads on to the end of the file only where the size of the whole is the 8 that it writes itself.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

_SYNC_BYTE = 0xFF
_TAG_SEARCH_BYTES = 256
_LENGTH_TAGS = (b"Xing", b"Info", b"VBRI")
_HAS_FRAME_COUNT = 1
# libsndfile's decoder gives up a stream after so many bytes without a frame.
_RESYNC_BYTES = 1024
_LAYER_3 = 1
_MONO = 3
_MIDDLE_BITRATE = 9
_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
# By the two bits of the version: MPEG 2.5, none, MPEG 2, MPEG 1.
_RATES = ((11025, 12000, 8000), (), (22050, 24000, 16000), (44100, 48000, 32000))
_MPEG_1 = 3

_SIZE_AT = 4
_UNCLOSED_SIZE = struct.pack("<I", 8)
_CHUNK = struct.Struct("<4sI")
_FIRST_CHUNK_AT = 12
# A header has a few chunks; a file of thousands was not written by a recorder.
_MOST_CHUNKS = 100


@dataclass(frozen=True)
class _Header:
    """The first four bytes of a frame."""

    content: bytes

    @property
    def version(self) -> int:
        return self.content[1] >> 3 & 3

    @property
    def size(self) -> int:
        """Bytes to the next frame; 0 where this is no frame, or one of unknown length."""
        if len(self.content) < 4 or self.content[0] != _SYNC_BYTE or self.content[1] >> 5 != 7:  # noqa: PLR2004 - bits
            return 0
        rates, bitrate, rate = _RATES[self.version], self.content[2] >> 4, self.content[2] >> 2 & 3
        kbps = _KBPS_1 if self.version == _MPEG_1 else _KBPS_2
        if self.content[1] >> 1 & 3 != _LAYER_3 or rate >= len(rates) or not 0 < bitrate < len(kbps):
            return 0
        samples_per_bit = 144 if self.version == _MPEG_1 else 72
        return samples_per_bit * kbps[bitrate] * 1000 // rates[rate] + (self.content[2] >> 1 & 1)

    @property
    def side_information_size(self) -> int:
        mono = self.content[3] >> 6 == _MONO
        if self.version == _MPEG_1:
            return 17 if mono else 32
        return 9 if mono else 17

    def belongs_with(self, other: "_Header") -> bool:
        """Whether both have the same version, layer and sampling rate, as all frames of a stream have."""
        return self.content[1] | 1 == other.content[1] | 1 and self.content[2] >> 2 & 3 == other.content[2] >> 2 & 3


def with_length(content: bytes) -> bytes:
    """Put a tag with the number of frames before an MP3 stream that has none; other content is returned itself."""
    start = _after_id3(content)
    first = _Header(content[start : start + 4])
    following = _Header(content[start + first.size : start + first.size + 4])
    if not (first.size and following.size and following.belongs_with(first)):
        return content
    if any(tag in content[start : start + _TAG_SEARCH_BYTES] for tag in _LENGTH_TAGS):
        return content
    return _tag(first, _count_frames(content, start, first)) + content[start:]


def _after_id3(content: bytes) -> int:
    if not content.startswith(b"ID3") or len(content) < 10:  # noqa: PLR2004 - the size of its header
        return 0
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _count_frames(content: bytes, position: int, first: _Header) -> int:
    frames = 0
    lost_at = position
    while 0 <= position <= min(len(content) - 4, lost_at + _RESYNC_BYTES):
        header = _Header(content[position : position + 4])
        if header.size and header.belongs_with(first):
            frames += 1
            position += header.size
            lost_at = position
        else:
            position = content.find(bytes([_SYNC_BYTE]), position + 1)
    return frames


def _tag(first: _Header, frames: int) -> bytes:
    """A silent frame that holds the tag, without checksum, and of a bit rate that leaves room for it."""
    _, version, rate, channels = first.content
    header = _Header(bytes([_SYNC_BYTE, version | 1, _MIDDLE_BITRATE << 4 | rate & 0x0C, channels]))
    tag = header.content + bytes(header.side_information_size)
    tag += b"Xing" + _HAS_FRAME_COUNT.to_bytes(4, "big") + frames.to_bytes(4, "big")
    return tag.ljust(header.size, b"\0")


class UnclosedWav:
    """Reads an unclosed WAV file with the size in its header that makes libsndfile read to the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Read bytes."""
        start = self._file.tell()
        content = bytearray(self._file.read(size))
        for position, byte in enumerate(_UNCLOSED_SIZE, start=_SIZE_AT):
            if start <= position < start + len(content):
                content[position - start] = byte
        return bytes(content)


def is_unclosed(file: BinaryIO) -> bool:
    """Whether a WAV file announces no samples, and goes on with something that is no chunk.

    Args:
        file: Read from its beginning and left there.
    """
    try:
        return _has_unannounced_samples(file)
    finally:
        file.seek(0)


def _has_unannounced_samples(file: BinaryIO) -> bool:
    end = file.seek(0, 2)
    file.seek(0)
    beginning = file.read(_FIRST_CHUNK_AT)
    if not (beginning.startswith(b"RIFF") and beginning.endswith(b"WAVE")):
        return False
    for _ in range(_MOST_CHUNKS):
        name, size = _read_chunk_head(file)
        if name == b"data":
            if size or file.tell() >= end:
                return False
            # Another chunk may follow, such as notes on a recording that really is empty.
            name, size = _read_chunk_head(file)
            is_name = name.isascii() and name.decode("ascii").isprintable()
            return not (name and is_name and file.tell() + size <= end)
        if not name:
            return False
        file.seek(size + size % 2, 1)
    return False


def _read_chunk_head(file: BinaryIO) -> tuple[bytes, int]:
    """Name and size of the chunk that begins here; no name where the file ends."""
    head = file.read(_CHUNK.size)
    return _CHUNK.unpack(head) if len(head) == _CHUNK.size else (b"", 0)
