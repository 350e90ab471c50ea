import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import soundfile

from benchmark.audio.decoding import UndecodableAudio, decode
from benchmark.corpora import audio_reader
from benchmark.corpora.audio_jobs import ClipEnd
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.evaluation.decoding import decode_corpus
from benchmark.progress import Silent
from benchmark.settings import Settings
from benchmark.workers.process import Limits
from tests.corpora.conftest import Record
from tests.support.lost_workers import end_workers
from tests.support.workers import signal_workers

GB = 1_000_000_000


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[AudioReader]:
    with AudioReader(Settings(cache=tmp_path / "cache", decode_timeout_s=1.0)) as opened:
        yield opened


@pytest.fixture
def log(reader: AudioReader) -> Path:
    return reader.settings.logs / "decoding.log"


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> AudioFile:
    path = tmp_path_factory.mktemp("long") / "long.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 4_500_000), 16_000)
    return AudioFile(path)


def sparse(path: Path, size: int, beginning: bytes) -> Path:
    """A file that takes no room."""
    with path.open("wb") as file:
        file.write(beginning)
        file.truncate(size)
    return path


def test_a_decoder_that_is_killed_is_replaced_in_the_middle_of_a_clip(
    long_recording: AudioFile, reader: AudioReader, log: Path
) -> None:
    with reader.open(long_recording) as stream:
        blocks = [next(stream.blocks)]
        signal_workers(log)
        blocks += stream.blocks
    np.testing.assert_array_equal(np.concatenate(blocks), decode(long_recording.path).samples)


def test_one_decoder_takes_clip_after_clip_also_behind_one_that_cannot_be_decoded(
    record: Record, reader: AudioReader, log: Path
) -> None:
    for name in ("a.wav", "b.wav"):
        assert reader.summary(AudioFile(record(name))).samples == 4000
        with pytest.raises(UndecodableAudio):
            reader.summary(AudioFile(log.with_name("gone.wav")))
    with reader.open(AudioFile(record("c.wav"))) as stream:
        assert sum(block.size for block in stream.blocks) == 4000
    assert log.read_text(encoding="utf-8").count("worker ") == 1


def test_decoding_starts_no_server_that_imports_torch(record: Record, tmp_path: Path) -> None:
    script = f"""
        from pathlib import Path
        import psutil
        from benchmark.corpora.audio_reader import AudioReader
        from benchmark.corpora.audio_sources import AudioFile
        from benchmark.settings import Settings
        with AudioReader(Settings(cache=Path({str(tmp_path / "cache")!r}))) as reader:
            print(reader.summary(AudioFile(Path({str(record("a.wav"))!r}))).samples)
            print(sum("forkserver" in " ".join(child.cmdline()) for child in psutil.Process().children()))
    """
    ended = subprocess.run([sys.executable, "-c", dedent(script)], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["4000", "0"]


def test_a_recording_that_ends_its_decoder_twice_costs_one_clip(
    long_recording: AudioFile, record: Record, reader: AudioReader, log: Path
) -> None:
    with reader.open(long_recording) as stream:
        for _ in range(2):
            next(stream.blocks)
            signal_workers(log, signal.SIGSEGV)
        with pytest.raises(UndecodableAudio, match=r"cannot be decoded: twice the worker was ended by SIGSEGV\."):
            list(stream.blocks)
    assert reader.summary(AudioFile(record("next.wav"))).samples == 4000


def test_a_decoder_that_hangs_costs_one_clip(
    long_recording: AudioFile, record: Record, reader: AudioReader, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_reader, "_S_PER_MB", 0.0)
    with reader.open(long_recording) as stream:
        next(stream.blocks)
        signal_workers(log, signal.SIGSTOP)
        with pytest.raises(UndecodableAudio, match="could not be decoded within 1 s"):
            list(stream.blocks)
    assert reader.summary(AudioFile(record("next.wav"))).samples == 4000


def test_a_recording_that_eats_memory_costs_one_clip(
    record: Record, reader: AudioReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_reader, "_LIMITS", Limits(memory_bytes=GB // 10))
    with pytest.raises(UndecodableAudio, match=r"takes more than 0\.1 GB of memory"):
        reader.summary(AudioFile(sparse(tmp_path / "large.mp3", GB // 2, b"ID3")))
    assert reader.summary(AudioFile(record("next.wav"))).samples == 4000


def test_files_larger_than_the_limit_are_not_opened_and_others_are(
    record: Record, reader: AudioReader, tmp_path: Path
) -> None:
    header = record("a.wav").read_bytes()[:44]
    paths = [
        sparse(tmp_path / "a.mp3", 20 * GB, b"ID3"),
        sparse(tmp_path / "b.wav", 60 * GB, header),
        tmp_path / "a.wav",
    ]
    clips = tuple(Clip(name=path.name, audio=AudioFile(path)) for path in paths)
    started = time.monotonic()
    corpus = Corpus(name="giants", source="", clips=clips, available_clips=3)
    mp3, wav, small = decode_corpus(corpus, reader, Silent()).record.clips
    assert time.monotonic() - started < 20
    assert mp3.failure == "It has 20000 MB, more than the 2000 MB of --max-clip-mb."
    assert wav.failure == "It has 60000 MB, more than the 2000 MB of --max-clip-mb."
    assert small.failure is None


def test_short_clips_share_the_calls_of_a_decoder_and_lose_nothing_with_it(
    record: Record, reader: AudioReader, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = end_workers(monkeypatch, "none", actor="DecodeActor")
    sources = [AudioFile(record(f"{number}.wav", seconds=0.1 + number / 100)) for number in range(40)]
    sources[20] = AudioFile(log.with_name("gone.wav"))
    summaries = reader.summaries(sources)
    found = [next(summaries)]
    signal_workers(log)
    found += summaries
    assert [None if isinstance(summary, ClipEnd) else summary.samples for summary in found] == [
        None if number == 20 else int((0.1 + number / 100) * 8000) for number in range(40)
    ]
    assert len(calls) == 1 + 1 + 16 + 1  # the second group met the signal, and came one by one


def test_a_low_limit_holds_for_short_clips_too(record: Record, tmp_path: Path) -> None:
    sources = [AudioFile(record(f"{seconds}.wav", seconds=seconds)) for seconds in (0.1, 0.5, 0.2)]
    with AudioReader(Settings(cache=tmp_path / "cache"), max_clip_mb=0.005) as reader:
        short, long, other = reader.summaries(sources)
    assert isinstance(long, ClipEnd)
    assert "more than the 0.005 MB" in (long.failure or "")
    assert not isinstance(short, ClipEnd)
    assert not isinstance(other, ClipEnd)
    assert (short.samples, other.samples) == (800, 1600)
