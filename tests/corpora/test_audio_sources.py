from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.audio.channels import Channel
from benchmark.audio.decoding import UndecodableAudio, decode
from benchmark.corpora.audio_sources import AudioFile, UnusableAudio

RATE = 8000


@pytest.fixture
def long_recording(tmp_path: Path) -> Path:
    path = tmp_path / "long.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, (RATE * 10, 2)), RATE)
    return path


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3"])
def test_a_stretch_is_that_part_of_the_whole(long_recording: Path, suffix: str) -> None:
    path = long_recording.with_suffix(f".{suffix}")
    if suffix != "flac":
        soundfile.write(path, soundfile.read(long_recording)[0], RATE)
    whole = decode(path).samples
    waveform = AudioFile(path, 2.5, 4.0).waveform()
    assert waveform.sampling_rate == RATE
    assert np.array_equal(waveform.samples, whole[20_000:32_000])
    assert np.array_equal(AudioFile(path, 9.0, None).waveform().samples, whole[72_000:])


def test_a_stretch_can_be_read_on_one_channel(long_recording: Path) -> None:
    right = decode(long_recording, Channel.RIGHT).samples
    segment = AudioFile(long_recording, 1.0, 2.0)
    assert np.array_equal(segment.on(Channel.RIGHT).waveform().samples, right[RATE : 2 * RATE])


@pytest.mark.parametrize(("start", "stop"), [(9.0, 11.0), (10.5, 11.0), (10.5, None)])
def test_a_stretch_that_the_recording_does_not_have_is_a_reason(
    long_recording: Path, start: float, stop: float | None
) -> None:
    with pytest.raises(UndecodableAudio, match="stretch from"):
        AudioFile(long_recording, start, stop).waveform()


def test_a_rounded_end_is_no_reason(long_recording: Path) -> None:
    assert AudioFile(long_recording, 9.0, 10.04).waveform().duration_s == pytest.approx(1.0)


def test_a_recording_that_was_never_closed_has_the_stretches_of_what_is_there(long_recording: Path) -> None:
    samples, _ = soundfile.read(long_recording)
    closed, unclosed = long_recording.with_name("closed.wav"), long_recording.with_name("unclosed.wav")
    soundfile.write(closed, samples, RATE)
    content = bytearray(closed.read_bytes())
    content[4:8] = content[40:44] = bytes(4)
    unclosed.write_bytes(content)
    expected = AudioFile(closed, 2.5, 4.0).waveform().samples
    assert np.array_equal(AudioFile(unclosed, 2.5, 4.0).waveform().samples, expected)


@pytest.mark.parametrize(("sample", "words"), [(np.nan, "not finite"), (1e20, "full scale")])
def test_a_stretch_of_samples_that_nobody_recorded_is_a_reason(tmp_path: Path, sample: float, words: str) -> None:
    samples = np.zeros(RATE, dtype=np.float32)
    samples[100] = sample
    soundfile.write(tmp_path / "long.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(UndecodableAudio, match=words):
        AudioFile(tmp_path / "long.wav", 0.0, 0.5).waveform()


def test_what_is_unusable_says_why(tmp_path: Path) -> None:
    with pytest.raises(UndecodableAudio, match="because"):
        UnusableAudio("because").waveform()
    with pytest.raises(UndecodableAudio, match="does not exist"):
        AudioFile(tmp_path / "nowhere.wav", 0.0, 1.0).waveform()
