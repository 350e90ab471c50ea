import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from benchmark.audio.decoding import AudioStream, decode
from benchmark.audio.perturbation import FORMS, measure_level, needs_level, parse_perturbations, perturbed_blocks
from benchmark.audio.waveform import Waveform, resample
from benchmark.corpora.audio_reader import ClipWindow
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.evaluation.decoding import decode_corpus, decode_windows, measure_corpus
from benchmark.progress import Silent
from tests.support.audio import shared_reader
from tests.support.lost_workers import end_workers

RATE = 16_000


def recording(path: Path, seconds: float, rate: int = RATE, channels: int = 1) -> Path:
    samples = np.random.default_rng(round(seconds * 10)).normal(0, 0.1, (round(seconds * rate), channels))
    soundfile.write(path, samples, rate)
    return path


def decoded(path: Path, clip_hash: str = "", window_s: float = 2.0) -> list[ClipWindow]:
    return list(decode_windows([(clip_hash, AudioFile(path))], shared_reader(), sampling_rate=RATE, window_s=window_s))


@pytest.mark.parametrize("rate", [RATE, 44_100])
@pytest.mark.parametrize(("seconds", "windows"), [(0.3, 1), (2.0, 1), (2.5, 1), (3.2, 2), (61.0, 31)])
def test_the_windows_are_those_of_the_clip_decoded_whole(
    tmp_path: Path, rate: int, seconds: float, windows: int
) -> None:
    path = recording(tmp_path / "clip.wav", seconds, rate, channels=2)
    whole = resample(decode(path), RATE).samples
    *decoded_windows, end = decoded(path, decode(path).content_hash)
    assert (end.samples, end.failure) == (None, None)
    assert len(decoded_windows) == windows
    for index, window in enumerate(decoded_windows):
        assert window.samples is not None
        np.testing.assert_array_equal(window.samples, whole[2 * RATE * index : 2 * RATE * (index + 1)])


@pytest.mark.parametrize("form", FORMS)
def test_a_clip_is_perturbed_at_the_readers_rate_before_it_is_cut(tmp_path: Path, form: str) -> None:
    (perturbation,) = parse_perturbations([form])
    path = recording(tmp_path / "clip.wav", 5.3, 44_100, channels=2)
    source = decode(path)
    whole = resample(source, RATE).samples
    level = measure_level([whole]) if needs_level(perturbation) else None
    perturbed = perturbed_blocks([whole], RATE, perturbation, seed=source.content_hash, level=level)
    *decoded_windows, end = decode_windows(
        [(source.content_hash, AudioFile(path))],
        shared_reader(),
        sampling_rate=RATE,
        window_s=2.0,
        perturbation=perturbation,
    )
    assert (end.clip_hash, end.samples, end.failure) == (source.content_hash, None, None)
    together = np.concatenate([window.samples for window in decoded_windows if window.samples is not None])
    np.testing.assert_array_equal(together, np.concatenate(list(perturbed))[: together.size])
    is_unchanged = np.array_equal(together[: whole.size], whole[: together.size])
    assert is_unchanged == (form == "flat-pitch")  # noise has no pitch


def test_a_recording_whose_band_ends_below_a_lowpass_comes_as_it_is(tmp_path: Path) -> None:
    path = recording(tmp_path / "call.wav", 1.0, 8_000)
    plain, _ = decoded(path)
    (lowpass,) = parse_perturbations(["lowpass:4k"])
    cut, _ = decode_windows(
        [("", AudioFile(path))], shared_reader(), sampling_rate=RATE, window_s=2.0, perturbation=lowpass
    )
    np.testing.assert_array_equal(cut.samples, plain.samples)


@pytest.mark.parametrize("forms", [[], ["noise:20dB"], ["speed:1.1"]])
def test_a_clip_that_is_gone_ends_with_the_reason(tmp_path: Path, forms: list[str]) -> None:
    perturbation = next(iter(parse_perturbations(forms)), None)
    gone = [("hash", AudioFile(tmp_path / "gone.wav"))]
    (end,) = decode_windows(gone, shared_reader(), sampling_rate=RATE, window_s=2.0, perturbation=perturbation)
    assert "does not exist" in (end.failure or "")


def test_the_clips_come_in_their_order_each_with_its_end(tmp_path: Path) -> None:
    audio = [(str(index), AudioFile(recording(tmp_path / f"{index}.wav", 0.5 + index))) for index in range(12)]
    found = list(decode_windows(audio, shared_reader(), sampling_rate=RATE, window_s=2.0))
    assert [window.clip_hash for window in found if window.samples is None] == [str(index) for index in range(12)]
    assert [int(window.clip_hash) for window in found] == sorted(int(window.clip_hash) for window in found)


def test_a_clip_whose_samples_have_changed_ends_with_the_reason(tmp_path: Path) -> None:
    path = recording(tmp_path / "clip.wav", 1.0)
    before = decode(path).content_hash
    recording(path, 1.1)
    assert "not what it was" in (decoded(path, before)[-1].failure or "")


@dataclass
class Endless:
    """Audio without an end that counts the blocks that were taken."""

    taken: list[int] = field(default_factory=list)

    def waveform(self) -> Waveform:
        raise AssertionError("it is endless")

    @contextmanager
    def stream(self) -> Iterator[AudioStream]:
        def blocks() -> Iterator[NDArray[np.float32]]:
            while True:
                self.taken.append(threading.get_ident())
                yield np.zeros(RATE, dtype=np.float32)

        yield AudioStream(RATE, 1, blocks())


def test_no_more_than_a_few_windows_are_read_ahead() -> None:
    endless = Endless()
    found = decode_windows([("endless", endless)], shared_reader(), sampling_rate=RATE, window_s=1.0)
    for _ in range(5):
        assert next(found).samples is not None
    found.close()
    assert len(endless.taken) <= 5 + 10
    assert threading.get_ident() not in endless.taken


HOUR_LONG = """
import resource, sys
from pathlib import Path
from benchmark.audio.waveform import ContentHash
from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile
from benchmark.evaluation.decoding import decode_corpus, decode_windows
from benchmark.settings import Settings
from benchmark.progress import Silent
from benchmark.audio.perturbation import parse_perturbations

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000

before = peak_mb()
clip = Clip(name="call", audio=AudioFile(Path(sys.argv[1])))
reader = AudioReader(Settings(cache=Path(sys.argv[2])))
heard = decode_corpus(Corpus(name="c", source="", clips=(clip,), available_clips=1), reader, Silent())
(clip_hash,) = heard.audio
together, sizes, failures = ContentHash(16000), [], []
for window in decode_windows(heard.audio.items(), reader, sampling_rate=16000, window_s=30.0):
    if window.samples is None:
        failures.append(window.failure)
    else:
        together.update(window.samples)
        sizes.append(window.samples.size)
(noise,) = parse_perturbations(["noise:20dB"])
for window in decode_windows(heard.audio.items(), reader, sampling_rate=16000, window_s=30.0, perturbation=noise):
    pass
print(together.digits == clip_hash, len(sizes), set(sizes), failures, round(peak_mb() - before))
"""


def test_the_windows_of_an_hour_of_stereo_cover_it_exactly_once_in_little_memory(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    with soundfile.SoundFile(tmp_path / "call.wav", "w", RATE, 2, "PCM_16") as file:
        for _ in range(60):
            file.write(random.integers(-3000, 3000, (60 * RATE, 2), dtype=np.int16))
    done = subprocess.run(
        [sys.executable, "-c", HOUR_LONG, str(tmp_path / "call.wav"), str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        check=True,
    )
    covered, windows, sizes, failures, grown_mb = done.stdout.rsplit(" ", 4)
    assert (covered, windows, sizes, failures) == ("True", "120", "{480000}", "[None]")
    assert float(grown_mb) < 150  # the file has 230 MB, and its samples as float32 twice that


def test_every_clip_is_measured_in_its_place_and_identical_ones_alike(tmp_path: Path) -> None:
    for name, level in {"loud": 0.1, "soft": 0.01, "twin": 0.01}.items():
        soundfile.write(tmp_path / f"{name}.wav", np.random.default_rng(0).normal(0, level, RATE), RATE)
    names = ("soft.wav", "gone.wav", "loud.wav", "twin.wav")
    clips = tuple(Clip(name=name, audio=AudioFile(tmp_path / name)) for name in names)
    corpus = decode_corpus(Corpus(name="c", source="", clips=clips, available_clips=4), shared_reader(), Silent())
    soft, gone, loud, twin = measure_corpus(corpus, shared_reader(), Silent())
    assert gone is None
    assert soft is not None
    assert loud is not None
    assert soft.level_db == pytest.approx(-40, abs=0.2)
    assert loud.level_db == pytest.approx(-20, abs=0.2)
    assert twin == soft


@pytest.mark.parametrize(
    ("calls", "number", "gap"),
    [
        ((1,), signal.SIGKILL, None),
        (range(1, 6), signal.SIGKILL, "clips are missing, such as"),
        (range(1, 6), signal.SIGSEGV, None),  # a property of the clip
    ],
)
def test_a_clip_whose_decoder_is_killed_twice_makes_its_corpus_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Collection[int], number: signal.Signals, gap: str | None
) -> None:
    paths = [recording(tmp_path / f"{index}.wav", 0.1 * (1 + index)) for index in range(4)]
    clips = tuple(Clip(name=path.name, audio=AudioFile(path)) for path in paths)
    corpus = Corpus(name="four", source="", clips=clips, available_clips=4)
    expected = decode_corpus(corpus, shared_reader(), Silent()).record
    end_workers(monkeypatch, "start", actor="DecodeActor", calls=calls, number=number)
    record = decode_corpus(corpus, shared_reader(), Silent()).record
    assert (record.gap or "").partition(":")[0].partition(" of 4 ")[2].startswith(gap or "")
    assert (record.gap is None) == (gap is None)
    assert (record == expected) == (len(calls) == 1)
