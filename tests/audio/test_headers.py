import io
import struct

import numpy as np
import pytest
import soundfile

from benchmark.audio.decoding import decode
from benchmark.audio.headers import is_unclosed, with_length
from tests.audio.conftest import RATE


def noise_around_a_pause(rate: int, channels: int, mode: str) -> bytes:
    noise = 0.2 * np.random.default_rng(0).standard_normal((rate, channels))
    samples = np.concatenate([noise, np.zeros((2 * rate, channels)), noise])
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="MP3", bitrate_mode=mode)
    return buffer.getvalue()


def without_tag(content: bytes) -> bytes:
    assert b"Xing" in content[:64] or b"Info" in content[:64]
    return content[content.index(content[:2], 10) :]


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 1), (22050, 2), (44100, 1), (48000, 2)])
def test_a_stream_that_does_not_say_its_length_is_read_to_its_end(rate: int, channels: int, mode: str) -> None:
    decoded = decode(without_tag(noise_around_a_pause(rate, channels, mode)))
    assert decoded.sampling_rate == rate
    assert decoded.duration_s == pytest.approx(4.0, abs=0.2)
    assert np.std(decoded.samples[-rate // 2 : -rate // 4]) > 0.05, "the end has to be there"


def test_the_guess_of_the_library_would_have_lost_some_of_it() -> None:
    """Fails when the library has learned to count: then `with_length` can go."""
    guessed, rate = soundfile.read(io.BytesIO(without_tag(noise_around_a_pause(RATE, 1, "VARIABLE"))))
    assert abs(len(guessed) / rate - 4.0) > 0.5


def test_a_stream_that_says_its_length_stays_as_it_is() -> None:
    content = noise_around_a_pause(RATE, 1, "VARIABLE")
    assert with_length(content) is content


@pytest.mark.parametrize("front", [b"ID3\x04\0\0\0\0\0\x05hello", b"ID3\x04\0\0\0\0\x01\0" + bytes(128)])
def test_a_tag_with_title_and_artist_is_passed_over(front: bytes) -> None:
    stream = without_tag(noise_around_a_pause(RATE, 1, "VARIABLE"))
    assert with_length(front + stream) == with_length(stream)


def test_what_follows_the_stream_does_not_count() -> None:
    stream = without_tag(noise_around_a_pause(RATE, 1, "CONSTANT"))
    trailing = b"TAG" + b"\xff" * 100_000
    assert decode(stream + trailing).duration_s == pytest.approx(4.0, abs=0.2)


@pytest.mark.parametrize(
    "content", [b"", b"ID3", b"\xff\xfb", b"\xff" * 1000, b"ID3\x04\0\0\x7f\x7f\x7f\x7f", bytes(50)]
)
def test_what_is_no_mp3_stays_as_it_is(content: bytes) -> None:
    assert with_length(content) is content


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
