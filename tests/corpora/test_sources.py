import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import numpy as np
import pytest
import soundfile

from benchmark.audio.channels import Channel
from benchmark.audio.decoding import UndecodableAudio, decode
from benchmark.corpora.sources import AudioAddress, AudioFile, UnusableAudio

RATE = 8000


@pytest.fixture
def long_recording(tmp_path: Path) -> Path:
    path = tmp_path / "long.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, (RATE * 10, 2)), RATE)
    return path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            if self.command == "GET":
                asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_a_stretch_is_that_part_of_the_whole(long_recording: Path) -> None:
    whole = decode(long_recording).samples
    waveform = AudioFile(long_recording, 2.5, 4.0).waveform()
    assert waveform.sampling_rate == RATE
    assert np.array_equal(waveform.samples, whole[20_000:32_000])
    assert np.array_equal(AudioFile(long_recording, 9.0, None).waveform().samples, whole[72_000:])


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_a_stretch_of_a_compressed_file_is_exact(long_recording: Path, suffix: str) -> None:
    samples, _ = soundfile.read(long_recording)
    path = long_recording.with_suffix(f".{suffix}")
    soundfile.write(path, samples, RATE)
    whole = decode(path).samples
    assert np.array_equal(AudioFile(path, 2.5, 4.0).waveform().samples, whole[20_000:32_000])


def test_a_stretch_can_be_heard_on_one_channel(long_recording: Path) -> None:
    right = decode(long_recording, Channel.RIGHT).samples
    segment = AudioFile(long_recording, 1.0, 2.0)
    assert segment.channels() == 2
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


def test_a_missing_file_has_no_stretches(tmp_path: Path) -> None:
    with pytest.raises(UndecodableAudio, match="does not exist"):
        AudioFile(tmp_path / "nowhere.wav", 0.0, 1.0).waveform()


def test_what_is_unusable_says_why() -> None:
    with pytest.raises(UndecodableAudio, match="because"):
        UnusableAudio("because").waveform()


def test_an_address_is_fetched_once_and_read_as_often_as_wanted(
    long_recording: Path, served: tuple[str, list[str]]
) -> None:
    address, asked = served
    expected = decode(long_recording).content_hash
    for _ in range(3):
        assert AudioAddress(f"{address}/long.flac").waveform().content_hash == expected
    part = AudioAddress(f"{address}/long.flac", 2.5, 4.0)
    assert part.waveform().content_hash == AudioFile(long_recording, 2.5, 4.0).waveform().content_hash
    assert part.channels() == 2
    assert asked.count("/long.flac") == 1


def test_addresses_are_of_any_file_system(long_recording: Path) -> None:
    fsspec.filesystem("memory").pipe("/clips/long.flac", long_recording.read_bytes())
    with AudioAddress("memory://clips/long.flac").stream() as stream:
        samples = np.concatenate(list(stream.blocks))
    assert np.array_equal(samples, decode(long_recording).samples)


@pytest.mark.parametrize("place", ["/nothing.wav", "no-such-protocol://x/a.wav", "memory://nothing.wav"])
def test_an_address_without_audio_is_a_reason(place: str, served: tuple[str, list[str]]) -> None:
    address = served[0] + place if place.startswith("/") else place
    with pytest.raises(UndecodableAudio, match=r"nothing at|cannot be read"):
        AudioAddress(address).waveform()
    assert AudioAddress(address).channels() is None


def test_an_address_at_which_nobody_listens_is_a_reason() -> None:
    with pytest.raises(UndecodableAudio, match="cannot be read"):
        AudioAddress("http://127.0.0.1:9/a.wav").waveform()


def test_two_readers_of_one_address_wait_for_one_another(
    long_recording: Path, served: tuple[str, list[str]], record: Callable[..., Path]
) -> None:
    record("short.wav")
    address = f"{served[0]}/short.wav"
    threads = [threading.Thread(target=AudioAddress(address).waveform) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served[1].count("/short.wav") == 1
