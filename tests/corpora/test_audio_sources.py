import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.audio.channels import Channel
from benchmark.audio.decoding import UndecodableAudio, decode
from benchmark.corpora.audio_sources import AudioAddress, AudioFile, UnusableAudio

RATE = 8000
Served = tuple[str, list[str]]


@pytest.fixture
def long_recording(tmp_path: Path) -> Path:
    path = tmp_path / "long.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, (RATE * 10, 2)), RATE)
    return path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    requests: list[str] = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            if self.command == "GET":
                requests.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()


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


def test_what_is_unusable_says_why(tmp_path: Path) -> None:
    with pytest.raises(UndecodableAudio, match="because"):
        UnusableAudio("because").waveform()
    with pytest.raises(UndecodableAudio, match="does not exist"):
        AudioFile(tmp_path / "nowhere.wav", 0.0, 1.0).waveform()


def test_an_address_is_fetched_once_and_read_as_often_as_needed(long_recording: Path, served: Served) -> None:
    address, requests = f"{served[0]}/long.flac", served[1]
    threads = [threading.Thread(target=AudioAddress(address).waveform) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AudioAddress(address).waveform().content_hash == decode(long_recording).content_hash
    part = AudioAddress(address, 2.5, 4.0)
    assert part.waveform().content_hash == AudioFile(long_recording, 2.5, 4.0).waveform().content_hash
    assert part.channels() == 2
    assert requests.count("/long.flac") == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [(ImportError("install s3fs"), "needs a library that is not installed"), (KeyError("bucket"), "cannot be read")],
)
def test_a_file_system_that_is_missing_or_fails_in_its_own_manner_is_a_reason(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise error

    monkeypatch.setattr("fsspec.core.url_to_fs", fail)
    with pytest.raises(UndecodableAudio, match=words):
        AudioAddress("s3://bucket/a.wav").waveform()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/nothing.wav", "nothing at"),
        ("no-such-protocol://x/a.wav", "opens no `no-such-protocol://`"),
        ("memory://clips/a.wav", "opens no `memory://`"),
        ("ZIP://a.wav", "opens no `zip://`"),
        ("reference://a.wav", "opens no `reference://`"),
        ("simplecache::http://127.0.0.1:9/a.wav", "opens no chains"),
        ("http://127.0.0.1:9/a.wav::reference://a.wav", "opens no chains"),
        ("http://127.0.0.1:9/a.wav", "cannot be read"),
    ],
)
def test_an_address_without_audio_is_a_reason(address: str, words: str, served: Served) -> None:
    audio = AudioAddress(served[0] + address if address.startswith("/") else address)
    with pytest.raises(UndecodableAudio, match=words):
        audio.waveform()
    assert audio.channels() is None
