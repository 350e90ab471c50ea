import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.audio.channels import Channel
from benchmark.audio.decoding import decodable_formats, decode, header_duration_s
from tests.audio.conftest import RATE, encoded, refusal

NOISE = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)


@pytest.mark.parametrize(
    ("container", "subtype", "tolerance"),
    [
        ("WAV", "PCM_16", 1e-4),
        ("WAV", "FLOAT", 0),
        ("FLAC", "PCM_16", 1e-4),
        ("OGG", "VORBIS", 0.3),
        ("MP3", None, 0.5),
    ],
)
def test_a_recording_is_read_from_a_file_and_from_its_bytes(
    tmp_path: Path, container: str, subtype: str | None, tolerance: float
) -> None:
    content = encoded(NOISE, container, subtype)
    path = tmp_path / "clip.raw"  # the extension decides nothing
    path.write_bytes(content)

    waveform = decode(path)
    assert waveform.sampling_rate == RATE
    assert waveform.samples.dtype == np.float32
    np.testing.assert_allclose(waveform.samples, NOISE, atol=tolerance)
    assert decode(content).content_hash == waveform.content_hash


def test_the_same_samples_in_another_container_have_the_same_hash() -> None:
    # Whole steps of 16 bits, since encoders round what lies between them differently.
    steps = (np.round(NOISE * 2**15) / 2**15).astype(np.float32)
    assert decode(encoded(steps, "FLAC")).content_hash == decode(encoded(steps, "WAV")).content_hash


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), ("FLAC", None), ("MP3", None)])
def test_channels_that_cancel_each_other_out_are_not_taken_for_silence(container: str, subtype: str | None) -> None:
    content = encoded(np.stack([NOISE, -NOISE], axis=1), container, subtype)
    assert "--channel left" in refusal(content)
    assert decode(content, Channel.LEFT).samples.std() == pytest.approx(NOISE.std(), rel=0.3)
    assert not decode(encoded(np.zeros((RATE, 2), np.float32), container, subtype)).samples.any()


def test_a_recording_longer_than_a_block_is_read_whole() -> None:
    long = np.tile(NOISE, 70)
    stereo = np.stack([long, long], axis=1)
    np.testing.assert_allclose(decode(encoded(stereo, subtype="FLOAT")).samples, long, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.wav", "does not exist"),
        ("clip.wav/deeper.wav", "does not exist"),
        (".", "folder"),
        ("pipe.wav", "not a regular file"),
        ("x" * 5000, "cannot be opened"),
        ("zero\0byte", "cannot be opened"),
        ("empty.wav", "0 bytes"),
    ],
)
def test_what_is_no_readable_file_is_refused_with_the_reason(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "clip.wav").write_bytes(encoded(NOISE))
    (tmp_path / "empty.wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")
    assert words in refusal(tmp_path / name)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.wav"
    path.write_bytes(encoded(NOISE))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Patched, since the tests may run as root, whom no mode stops.
    monkeypatch.setattr(Path, "open", refuse)

    assert "permission denied" in refusal(path)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, "not finite"),
        (-np.inf, "not finite"),
        (1e20, "where full scale is 1"),
        (-3e37, "where full scale is 1"),
    ],
)
def test_a_sample_that_no_model_could_normalise_is_refused(value: float, words: str) -> None:
    broken = NOISE.copy()
    broken[500] = value
    assert words in refusal(encoded(broken, subtype="FLOAT"))


@pytest.mark.parametrize("gain", [2.0**15, 2.0**31])
def test_samples_that_nobody_scaled_are_read_as_they_are(gain: float) -> None:
    unscaled = (NOISE * gain).astype(np.float32)
    np.testing.assert_array_equal(decode(encoded(unscaled, subtype="FLOAT")).samples, unscaled)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        *((content, "not audio in a known format") for content in (bytes(1000), b"hello", b"RIFF")),
        (np.random.default_rng(1).bytes(5000), "not audio in a known format"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
        (b"", "0 bytes"),
        (encoded(NOISE[:0]), "no samples"),
        (encoded(NOISE[:0]) + b"LIST" + struct.pack("<I", 4) + b"INFO", "no samples"),  # notes are no samples
    ],
    ids=("zeros", "text", "RIFF", "noise", "LFS", "empty", "header", "notes"),
)
def test_what_is_not_audio_or_has_no_samples(content: bytes, words: str) -> None:
    assert words in refusal(content)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("AIFF", "PCM_16"), ("FLAC", "PCM_16"), ("MP3", None)],
)
def test_half_a_file_is_not_passed_off_as_a_whole_one(container: str, subtype: str | None) -> None:
    content = encoded(NOISE, container, subtype)
    assert "cut off" in refusal(content[: len(content) // 2])


def test_a_lost_last_byte_is_forgiven() -> None:
    assert decode(encoded(NOISE)[:-1]).samples.size == RATE - 1


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000])
def test_a_size_that_a_streaming_writer_left_open_is_no_promise(size: int) -> None:
    content = bytearray(encoded(NOISE))
    struct.pack_into("<I", content, content.index(b"data") + 4, size)
    assert decode(bytes(content)).samples.size == RATE


@pytest.mark.parametrize("whole", [0, 8, 36, 0xFFFFFFFF])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_recording_whose_header_was_never_filled_in_is_read_to_its_end(
    tmp_path: Path, whole: int, subtype: str
) -> None:
    content = bytearray(encoded(NOISE, subtype=subtype))
    struct.pack_into("<I", content, 4, whole)
    struct.pack_into("<I", content, content.index(b"data") + 4, 0)
    (tmp_path / "call.wav").write_bytes(content)
    for source in (bytes(content), tmp_path / "call.wav"):
        np.testing.assert_allclose(decode(source).samples, NOISE, atol=1e-4)


@pytest.mark.parametrize("rate", [999, 2_000_000_000])
def test_a_rate_that_nobody_records_at(rate: int) -> None:
    content = bytearray(encoded(NOISE))
    struct.pack_into("<I", content, content.index(b"fmt ") + 12, rate)
    assert f"{rate} Hz" in refusal(bytes(content))


def test_a_header_tells_the_length_and_what_is_no_audio_tells_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(12_000), 8_000)
    (tmp_path / "b.wav").write_bytes(b"no audio")
    os.mkfifo(tmp_path / "pipe.wav")  # is not waited for
    lengths = [header_duration_s(tmp_path / name) for name in ("a.wav", "b.wav", "pipe.wav", "gone.wav")]
    assert lengths == [1.5, None, None, None]


def test_the_formats_that_the_documentation_names_can_be_decoded() -> None:
    formats = decodable_formats()
    assert all(formats.values())
    assert {*formats} >= {"wav", "flac", "ogg", "opus", "mp3", "aiff", "m4a", "wma", "amr", "webm"}
