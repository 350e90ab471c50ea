from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pandas as pd
import pytest

from benchmark.corpora import remote
from benchmark.corpora.audio_sources import UnusableAudio
from benchmark.corpora.clips import Corpus
from benchmark.corpora.spec_syntax import Spec, parse_spec
from benchmark.demo.files import demo_clips
from benchmark.errors import BenchError, RequestError, UnavailableError
from benchmark.evaluation.decoding import decode_corpus
from benchmark.progress import Silent
from tests.corpora.conftest import Opened, Record
from tests.support.audio import shared_reader
from tests.support.command_line import bench_here, failure
from tests.support.object_store import ObjectStore, breaking_store, object_store, refusing_store, s3_environment


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with object_store() as started:
        yield started


@pytest.fixture
def store(server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    use(server.url, monkeypatch)
    return server


def use(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_environment(url).items():
        monkeypatch.setenv(name, value)


def decoded(corpus: Corpus) -> list[tuple[str, str | None, str | None]]:
    """Names, labels and hashes of the clips; for an unreadable one the reason."""
    records = decode_corpus(corpus, shared_reader(), Silent()).record.clips
    return [(clip.clip, clip.label, clip.clip_hash or clip.failure) for clip in records]


def test_a_folder_in_a_bucket_is_read_as_on_the_disk(
    record: Record, store: ObjectStore, opened: Opened, tmp_path: Path
) -> None:
    for name in ("anger/a.wav", "anger/deep/er.FLAC", "sadness/b c#?.wav", ".hidden/d.wav", "anger/.e.wav"):
        record(f"recordings/{name}")
    (tmp_path / "recordings/readme.txt").write_text("no audio")
    address = store.put_folder(tmp_path / "recordings", "as-on-disk/recordings")
    near, far = opened(f"folder:{tmp_path / 'recordings'}"), opened(f"{address}/")
    assert far.name == near.name == "recordings"
    clips = decoded(far)
    assert clips == decoded(near)
    assert [label for _, label, _ in clips] == ["anger", "anger", "sadness"]


def test_a_table_in_a_bucket_names_recordings_beside_it_and_elsewhere(
    record: Record, store: ObjectStore, opened: Opened
) -> None:
    audio = record("a.wav").read_bytes()
    store.put("tables/one/near/a.wav", audio)
    store.put("tables/b.wav", audio)
    store.put("elsewhere/c.wav", audio)
    rows = ["near/a.wav,anger", "../b.wav,fear", "s3://speech/elsewhere/c.wav,fear", "gone.wav,fear"]
    address = store.put("tables/one/metadata.csv", "\n".join(["file,label", *rows]).encode())
    corpus = opened(address)
    assert corpus.name == "one"
    *readable, (_, _, missing) = decoded(corpus)
    assert [label for _, label, _ in readable] == ["anger", "fear", "fear"]
    assert len({clip_hash for *_, clip_hash in readable}) == 1
    assert missing == "There is nothing at s3://speech/tables/one/gone.wav."


def test_a_table_in_a_bucket_reads_no_files_of_this_machine(record: Record, store: ObjectStore, opened: Opened) -> None:
    own = record("own.wav")
    rows = [str(own), f"file://{own}", f"FILE://{own}", "~/own.wav", "../../../own.wav"]
    corpus = opened(store.put("hostile.csv", "\n".join(["file", *rows]).encode()))
    assert [type(clip.audio) for clip in corpus.clips] == [UnusableAudio] * len(rows)


def test_addresses_in_a_table_on_the_disk_are_fetched(
    record: Record, store: ObjectStore, opened: Opened, tmp_path: Path
) -> None:
    address = store.put("rows/a.wav", record("a.wav").read_bytes())
    (tmp_path / "mixed.csv").write_text(f"file,label\n{address},anger\na.wav,anger\n")
    (_, _, far), (_, _, near) = decoded(opened(f"table:{tmp_path}/mixed.csv"))
    assert far == near is not None


@pytest.mark.slow
def test_a_run_on_a_bucket_has_the_answers_of_a_run_on_the_disk(store: ObjectStore, tmp_path: Path) -> None:
    recordings = tmp_path / "recordings"
    for clip in islice(demo_clips("labelled"), 6):
        path = recordings / str(clip.emotion) / clip.path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(clip.path.read_bytes())
    address = store.put_folder(recordings, "run/recordings")
    options = ("--candidates", "demo", "-m", "hubert-german", "--backend", "torch", "--latency-seconds", "0", "--quiet")
    for corpus, name in ((recordings, "near"), (address, "far")):
        cache = str(tmp_path / name / "cache")
        finished = bench_here(
            "run", "--corpus", corpus, *options, "-o", tmp_path / name, folder=tmp_path, BENCH_CACHE=cache
        )
        assert finished.returncode == 0, finished.stderr
    near, far = (pd.read_parquet(tmp_path / name / "predictions.parquet") for name in ("near", "far"))
    assert len(near) == 6
    pd.testing.assert_frame_equal(far, near)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://speech/nothing-here", "There is no recording in"),
        ("s3://no-bucket/folder", "There is nothing at"),
        ("s3://speech/nothing.csv", "There is nothing at"),
    ],
)
def test_what_is_not_there_is_one_sentence(address: str, words: str, store: ObjectStore, opened: Opened) -> None:
    with pytest.raises(RequestError, match=f"{words} {address}"):
        opened(address)


def test_what_is_wrong_with_a_table_is_said_of_its_address(store: ObjectStore, opened: Opened, tmp_path: Path) -> None:
    address = store.put("wrong/broken.csv", b"file\n\xff.wav\n")
    with pytest.raises(RequestError, match=f"^{address} is not UTF-8") as error:
        opened(address)
    assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize("name", ["folder", "table.csv"])
def test_a_server_that_refuses_or_is_not_there_is_one_sentence(
    name: str, store: ObjectStore, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing_store() as url:
        use(url, monkeypatch)
        with pytest.raises(UnavailableError, match=rf"^s3://speech/{name} cannot be read: [^\n]+\.$"):
            opened(f"s3://speech/{name}")
    use("http://127.0.0.1:9", monkeypatch)
    with pytest.raises(UnavailableError, match=rf"^s3://speech/{name} cannot be read: [^\n]+\.$"):
        opened(f"s3://speech/{name}")


def test_the_command_line_ends_with_the_codes_of_the_hub(store: ObjectStore, tmp_path: Path) -> None:
    address = store.put("codes/a.txt", b"no audio").rpartition("/")[0]
    assert "There is no recording in" in failure(bench_here("corpus", address, folder=tmp_path), 2)
    with refusing_store() as url:
        refused = bench_here("corpus", address, folder=tmp_path, **s3_environment(url))
    assert "cannot be read" in failure(refused, 3)


def test_a_table_that_breaks_off_is_not_read_in_part(
    store: ObjectStore, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with breaking_store(b"file,label\n" + b"a.wav,anger\n" * 1000) as url:
        use(url, monkeypatch)
        with pytest.raises(UnavailableError, match="cannot be read"):
            opened("s3://speech/table.csv")


def test_an_address_is_a_table_if_it_ends_like_one() -> None:
    assert parse_spec("s3://b/clips.CSV") == Spec("table", "s3://b/clips.CSV")
    assert parse_spec("table:gs://b/clips.csv") == Spec("table", "gs://b/clips.csv")
    assert parse_spec("hf://datasets/org/speech") == Spec("folder", "hf://datasets/org/speech")


@pytest.mark.parametrize(
    "text",
    [
        *("https://host/a.csv", "file:///etc", "memory://a", "folder:reference://a", "s3://", "table:s3:///"),
        *("simplecache::s3://b/a", "s3://b/a.csv::memory://", "ravdess:s3://b/ravdess", "emobox:s3://b/e.jsonl"),
    ],
)
def test_other_addresses_are_refused_before_anything_is_opened(text: str) -> None:
    with pytest.raises(RequestError, match=r"copy it to a folder|Unknown kind|There is no corpus"):
        parse_spec(text)


def test_a_missing_library_is_one_sentence_with_the_remedy(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "find_spec", lambda _: None)
    for address, library in (("s3://b/a.csv", "s3fs"), ("gs://b/a", "gcsfs"), ("az://b/a", "adlfs")):
        with pytest.raises(BenchError, match=rf"^{address} needs {library}: `pip install"):
            opened(address)
