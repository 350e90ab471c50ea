import io
import struct

import pytest

from benchmark.audio.unclosed import is_unclosed

HEADER = b"RIFF" + bytes(4) + b"WAVE" + b"fmt " + struct.pack("<I", 16) + bytes(16)
EMPTY = b"data" + bytes(4)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", False),
        (b"RIFF", False),
        (HEADER, False),
        (HEADER + EMPTY, False),
        (HEADER + EMPTY + b"\0", True),
        (HEADER + EMPTY + bytes(1000), True),
        (HEADER + EMPTY + b"LIST" + bytes(4), False),
        (HEADER + EMPTY + b"LIST" + struct.pack("<I", 1000) + bytes(10), True),
        (HEADER + b"junk" + struct.pack("<I", 3) + bytes(4) + EMPTY + bytes(10), True),
        (HEADER + b"data" + struct.pack("<I", 10) + bytes(10), False),
        (HEADER + b"junk" + struct.pack("<I", 0xFFFFFFFF), False),
        (b"OggS" + bytes(1000), False),
    ],
)
def test_only_what_has_samples_behind_none_is_unclosed(content: bytes, expected: bool) -> None:
    file = io.BytesIO(content)
    assert is_unclosed(file) is expected
    assert file.tell() == 0
