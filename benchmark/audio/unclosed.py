"""WAV files whose writer never came back to the header, which says that there are no samples where some follow.

A recorder that was killed leaves such a file, and so does a program that writes to a pipe and puts 0 for what it does
not know. libsndfile reads on to the end of the file only where the size of the whole is the 8 that it writes itself.
"""

import struct
from typing import BinaryIO

_SIZE_AT = 4
_UNCLOSED_SIZE = struct.pack("<I", 8)
_CHUNK = struct.Struct("<4sI")
_FIRST_CHUNK_AT = 12
# A header has a few chunks; a file of thousands was not written by a recorder.
_MOST_CHUNKS = 100


class Unclosed:
    """An unclosed WAV file, with the size in it that makes libsndfile read what is there.

    Args:
        file: The file, at its beginning.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Read bytes."""
        start = self._file.tell()
        content = bytearray(self._file.read(size))
        for place, byte in enumerate(_UNCLOSED_SIZE, start=_SIZE_AT):
            if start <= place < start + len(content):
                content[place - start] = byte
        return bytes(content)


def is_unclosed(file: BinaryIO) -> bool:
    """Whether a WAV file says that it has no samples, and goes on with something that is no chunk.

    Args:
        file: A file, read from its beginning and left there.

    Examples:
        >>> import io
        >>> header = b"RIFF" + bytes(4) + b"WAVE" + b"data" + bytes(4)
        >>> is_unclosed(io.BytesIO(header + bytes(100))), is_unclosed(io.BytesIO(header))
        (True, False)
    """
    try:
        return _has_samples_behind_none(file)
    finally:
        file.seek(0)


def _has_samples_behind_none(file: BinaryIO) -> bool:
    end = file.seek(0, 2)
    file.seek(0)
    beginning = file.read(_FIRST_CHUNK_AT)
    if not (beginning.startswith(b"RIFF") and beginning.endswith(b"WAVE")):
        return False
    for _ in range(_MOST_CHUNKS):
        head = file.read(_CHUNK.size)
        if len(head) < _CHUNK.size:
            return False
        name, size = _CHUNK.unpack(head)
        if name == b"data":
            return not size and file.tell() < end and not _is_chunk(file, end)
        file.seek(size + size % 2, 1)
    return False


def _is_chunk(file: BinaryIO, end: int) -> bool:
    """Whether a chunk begins here, as of notes on a recording that really is empty."""
    head = file.read(_CHUNK.size)
    if len(head) < _CHUNK.size:
        return False
    name: bytes
    name, size = _CHUNK.unpack(head)
    return name.isascii() and name.decode("ascii").isprintable() and file.tell() + int(size) <= end
