import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioAddress, AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.fetching import Fetcher, UnreachableAudio
from benchmark.evaluation.decoding import decode_corpus
from benchmark.progress import Silent
from benchmark.results.runs import LOST_READER
from benchmark.settings import Settings
from tests.corpora.conftest import Record
from tests.support.lost_workers import end_workers
from tests.support.recording_server import RecordingServer, recording_server
from tests.support.workers import signal_workers

REFUSED = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def server() -> Iterator[RecordingServer]:
    with recording_server() as served:
        yield served


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[AudioReader]:
    with AudioReader(Settings(cache=tmp_path / "cache", fetch_timeout_s=3.0), max_clip_mb=5) as opened:
        yield opened


def test_an_address_is_fetched_once_and_read_as_often_as_needed(
    record: Record, server: RecordingServer, reader: AudioReader
) -> None:
    path = record("long.flac", seconds=5.0)
    server.files["/long.flac"] = path.read_bytes()
    whole = AudioAddress(server.address("/long.flac"))
    threads = [threading.Thread(target=reader.summary, args=(whole,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reader.summary(whole) == reader.summary(AudioFile(path))
    part = AudioAddress(str(whole.location), 2.5, 4.0)
    assert reader.summary(part) == reader.summary(AudioFile(path, 2.5, 4.0))
    assert reader.channels(part) == 1
    assert server.count("/long.flac") == 1


def test_copies_are_their_owners_alone_and_are_deleted_with_the_run(
    record: Record, server: RecordingServer, tmp_path: Path
) -> None:
    server.files["/a.wav"] = record("a.wav").read_bytes()
    with AudioReader(Settings(cache=tmp_path / "cache")) as reader:
        reader.summary(AudioAddress(server.address("/a.wav")))
        (copy,) = (path for path in (tmp_path / "cache/fetched").rglob("*") if path.is_file())
        folders = [folder for folder in copy.parents if folder.is_relative_to(tmp_path / "cache/fetched/")][:-1]
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
        copy.unlink()  # somebody prunes the cache
        assert reader.summary(AudioAddress(server.address("/a.wav"))).samples == 4000
    assert not [path for path in (tmp_path / "cache/fetched").rglob("*") if path.is_file()]


KILLED = """
import os, signal, sys
from pathlib import Path
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioAddress
from benchmark.settings import Settings
with AudioReader(Settings(cache=Path(sys.argv[1]))) as reader:
    print(reader.fetcher.path(sys.argv[2]), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_fetched_is_removed_by_the_next_one(
    record: Record, server: RecordingServer, tmp_path: Path
) -> None:
    server.files["/a.wav"] = record("a.wav").read_bytes()
    command = [sys.executable, "-c", KILLED, str(tmp_path / "cache"), server.address("/a.wav")]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    copy = Path(killed.stdout.strip())
    assert (killed.returncode, copy.is_file()) == (-signal.SIGKILL, True)
    with AudioReader(Settings(cache=tmp_path / "cache")):
        assert not copy.exists()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/nothing.wav", "nothing at"),
        ("/endless", "more than 5 MB"),
        ("no-such-protocol://x/a.wav", "opens no `no-such-protocol://`"),
        ("memory://clips/a.wav", "opens no `memory://`"),
        ("ZIP://a.wav", "opens no `zip://`"),
        ("reference://a.wav", "opens no `reference://`"),
        ("simplecache::http://127.0.0.1:9/a.wav", "opens no chains"),
        ("http://127.0.0.1:9/a.wav::reference://a.wav", "opens no chains"),
        ("http://127.0.0.1:9/a.wav", "cannot be read"),
        ("http://[:1/a.wav", "cannot be read"),
    ],
)
def test_an_address_without_audio_is_a_reason_each_time(
    address: str, words: str, server: RecordingServer, reader: AudioReader
) -> None:
    audio = AudioAddress(server.address(address) if address.startswith("/") else address)
    for _ in range(2):
        with pytest.raises(UndecodableAudio, match=words):
            reader.summary(audio)
    assert reader.channels(audio) is None
    assert server.count(address) <= 1


def test_a_host_that_fails_three_times_is_left_alone_while_others_go_on(
    record: Record, server: RecordingServer, reader: AudioReader
) -> None:
    server.files["/a.wav"] = record("a.wav").read_bytes()
    silent = [AudioAddress(server.address("/silent", "127.0.0.2") + f"?{number}") for number in range(40)]
    refused = [AudioAddress(f"{REFUSED}/{number}.wav") for number in range(40)]
    good = [AudioAddress(server.address("/a.wav"))]
    clips = tuple(Clip(name=str(number), audio=audio) for number, audio in enumerate(silent + refused + good))
    started = time.monotonic()
    records = decode_corpus(
        Corpus(name="c", source="", clips=clips, available_clips=len(clips)), reader, Silent()
    ).record.clips
    assert time.monotonic() - started < 30
    assert [clip.clip for clip in records if clip.failure is None] == ["80"]
    assert sum(asked.startswith("/silent") for asked, _ in server.requests) <= 3 + 4
    assert f"the last 3 from {REFUSED} could not be read" in (records[79].failure or "")


def test_what_is_not_found_says_nothing_about_the_host(server: RecordingServer, tmp_path: Path) -> None:
    fetcher = Fetcher(Settings(cache=tmp_path), max_bytes=10)
    for number in range(5):
        with pytest.raises(UndecodableAudio, match="nothing at"):
            fetcher.path(server.address(f"/gone/{number}"))
    fetcher.close()


def test_a_fetcher_that_was_killed_is_replaced(
    server: RecordingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/b.wav"] = b"b"
    fetcher = Fetcher(Settings(cache=tmp_path), max_bytes=10)
    assert fetcher.path(server.address("/b.wav")).read_bytes() == b"b"
    signal_workers(tmp_path / "logs/fetching.log")
    server.files["/c.wav"] = b"c"
    assert fetcher.path(server.address("/c.wav")).read_bytes() == b"c"
    with pytest.raises(UnreachableAudio):
        fetcher.path(f"{REFUSED}/x.wav")
    end_workers(monkeypatch, "fetch", calls=(0, 1))
    with pytest.raises(UnreachableAudio, match=LOST_READER):
        fetcher.path(server.address("/d.wav"))
    fetcher.close()
