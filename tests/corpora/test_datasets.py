import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from datasets import Audio, ClassLabel, Features, Value

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.filters import sampled
from benchmark.corpora.streaming import DatasetSpec, SpooledRow
from benchmark.errors import RequestError, UnavailableError
from benchmark.evaluation.decoding import decode_corpus
from benchmark.hub.repository_facts import HubFailure
from benchmark.progress import Silent
from benchmark.results.status import Status
from tests.corpora.conftest import Opened, Record
from tests.support.audio import shared_reader, waveform_of
from tests.support.damage import flip
from tests.support.hub_server import HubServer

AUDIO = pa.struct({"bytes": pa.binary(), "path": pa.string()})
CLASSES = ["ang", "hap", "neu"]
PLAIN_COLUMNS = {"speaker": ["01", "02", "03", "01"], "lang": ["ko"] * 4}
TYPES = Features(
    {"audio": Audio(), "label": ClassLabel(names=CLASSES), "speaker": Value("string"), "lang": Value("string")}
)


@pytest.fixture
def recordings(record: Record) -> list[Path]:
    names = ("a.wav", "b.flac", "c.ogg", "d.mp3")
    return [record(f"clips/{name}", seconds=1.0 + 0.1 * index) for index, name in enumerate(names)]


def write_parquet(path: Path, paths: list[Path], *, features: bool = True, **columns: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = pa.array([{"bytes": path.read_bytes(), "path": path.name} for path in paths], type=AUDIO)
    table = pa.table({"audio": audio, "label": [0, 1, 2, 0], **PLAIN_COLUMNS, **columns})
    if features:
        table = table.replace_schema_metadata(TYPES.arrow_schema.metadata)
    pq.write_table(table, path)


def decoded(corpus: Corpus) -> set[tuple[object, ...]]:
    clips = decode_corpus(corpus, shared_reader(), Silent()).record.clips
    assert all(clip.clip_hash for clip in clips)
    return {(Path(clip.clip).name, clip.clip_hash, clip.duration_s, clip.label, clip.speaker) for clip in clips}


def test_a_dataset_of_embedded_audio_gives_what_the_same_files_in_a_folder_give(
    recordings: list[Path], tmp_path: Path, opened: Opened
) -> None:
    write_parquet(tmp_path / "dataset/data/train-00000-of-00001.parquet", recordings, age=[30.0, None, 41.0, 52.0])
    paths = [f"clips/{path.name}" for path in recordings]
    rows = {"path": paths, "label": ["ang", "hap", "neu", "ang"], **PLAIN_COLUMNS}
    pd.DataFrame(rows).to_csv(tmp_path / "table.csv", index=False)
    corpus = opened(f"hf:{tmp_path}/dataset")
    assert corpus.name == "dataset"
    assert {clip.language for clip in corpus.clips} == {"ko"}
    assert [clip.attributes for clip in corpus.clips] == [{"age": "30.0"}, {}, {"age": "41.0"}, {"age": "52.0"}]
    assert decoded(corpus) == decoded(opened(f"table:{tmp_path}/table.csv"))


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_a_folder_with_metadata_is_a_dataset_though_the_library_would_want_another_decoder(
    name: str, recordings: list[Path], tmp_path: Path, opened: Opened
) -> None:
    names = [path.name for path in recordings]
    rows = pd.DataFrame({"file_name": names, "label": [*CLASSES, "ang"], "speaker": ["s0", "s1", "s2", "s0"]})
    if name.endswith(".csv"):
        rows.to_csv(tmp_path / "clips" / name, index=False)
    else:
        rows.to_json(tmp_path / "clips" / name, orient="records", lines=True)
    assert decoded(opened(f"hf:{tmp_path}/clips")) == decoded(opened(f"table:{tmp_path}/clips/{name}"))


def test_a_folder_whose_folders_are_labels_is_a_dataset(record: Record, tmp_path: Path, opened: Opened) -> None:
    record("clips/anger/a.wav")
    record("clips/sadness/b.wav")
    assert decoded(opened(f"hf:{tmp_path}/clips")) == decoded(opened(f"folder:{tmp_path}/clips"))


OPEN_AND_WATCH = """
import sys
from pathlib import Path
from benchmark.corpora.specs import open_corpora
from benchmark.registry.schema import Registry
from benchmark.settings import Settings
registry, settings = Registry(title="none", candidates=()), Settings(cache=Path(sys.argv[2]))
(corpus,) = open_corpora([sys.argv[1]], registry, settings=settings)
print(len(corpus.clips), "datasets" in sys.modules, "torch" in sys.modules)
"""


def test_the_library_is_used_without_torch(recordings: list[Path], tmp_path: Path) -> None:
    write_parquet(tmp_path / "dataset/train.parquet", recordings)
    command = [sys.executable, "-c", OPEN_AND_WATCH, f"hf:{tmp_path}/dataset", str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["4", "True", "False"]


OPEN_PARTS = """
import hashlib, json, sys
from pathlib import Path
from benchmark.corpora.specs import open_corpora
from benchmark.options.shared import ClipOptions
from benchmark.registry.schema import Registry
from benchmark.settings import Settings
registry = Registry(title="none", candidates=())
for line in sys.stdin:
    cache, options = json.loads(line)
    (corpus,) = open_corpora(["hf:org/speech"], registry, ClipOptions(**options), settings=Settings(cache=Path(cache)))
    clips = [
        [clip.name, clip.label, clip.speaker, hashlib.sha256(clip.audio.path.read_bytes()).hexdigest()]
        for clip in corpus.clips
    ]
    print(json.dumps([corpus.available_clips, clips, [clip.audio.channel for clip in corpus.clips]]), flush=True)
"""
CLIP_BYTES = 160_044
PARTS: tuple[dict[str, object], ...] = (
    {"limit": 2},
    {"sample": 3, "seed": 1},
    {"speakers": ["s5"]},
    {"limit": 1, "channel": "right"},
)


@pytest.fixture(scope="module")
def hub_with_shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """A Hub with a dataset of three Parquet files, each with two groups of two clips of 160 kB."""
    folder = tmp_path_factory.mktemp("dataset")
    (folder / "data").mkdir()
    noise = np.random.default_rng(0)
    for shard in range(3):
        numbers = range(4 * shard, 4 * shard + 4)
        audio = []
        for number in numbers:
            content = io.BytesIO()
            soundfile.write(content, noise.normal(0, 0.1, 80_000), 16_000, format="WAV")
            audio.append({"bytes": content.getvalue(), "path": f"{number:02}.wav"})
        columns = {"label": [number % 3 for number in numbers], "speaker": [f"s{number // 2}" for number in numbers]}
        table = pa.table({"audio": pa.array(audio, type=AUDIO), **columns, "lang": ["ko"] * 4})
        table = table.replace_schema_metadata(TYPES.arrow_schema.metadata)
        pq.write_table(table, folder / f"data/test-{shard:05}-of-00003.parquet", row_group_size=2)
    with HubServer() as server:
        server.add("datasets/org/speech", folder)
        yield server


class OpenedParts:
    """Opens the dataset in a process whose Hub is the one on loopback, and counts what is fetched."""

    def __init__(self, process: "subprocess.Popen[str]", server: HubServer) -> None:
        self._process, self._server = process, server

    def open(self, cache: Path, options: dict[str, object]) -> tuple[int, list[list[str]], list[str]]:
        """How many clips are available; name, label, speaker and hash of those that are opened; their channels."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([str(cache), options]), file=self._process.stdin, flush=True)
        available, clips, channels = json.loads(self._process.stdout.readline())
        return available, clips, channels

    def fetched(self) -> list[int]:
        """Bytes of each Parquet file that were sent since the last call."""
        sent = {path[-22:-17]: amount for path, amount in self._server.bytes_of_paths.items() if "test-" in path}
        self._server.bytes_of_paths.clear()
        return [sent.get(f"{shard:05}", 0) for shard in range(3)]


@pytest.fixture
def parts(hub_with_shards: HubServer, tmp_path: Path) -> Iterator[OpenedParts]:
    environment = {"HF_ENDPOINT": hub_with_shards.url, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", OPEN_PARTS]
    with subprocess.Popen(command, env=os.environ | environment, text=True, stdin=PIPE, stdout=PIPE) as process:
        yield OpenedParts(process, hub_with_shards)
        assert process.stdin is not None
        process.stdin.close()


def test_of_a_dataset_in_parquet_only_the_groups_of_rows_with_selected_clips_are_fetched(
    parts: OpenedParts, tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    available, complete, _ = parts.open(tmp_path / "whole", {})
    assert (available, len(complete)) == (12, 12)
    assert min(parts.fetched()) > 4 * CLIP_BYTES
    clips = (Clip(name=name, audio=AudioFile(""), label=label, speaker=speaker) for name, label, speaker, _ in complete)
    corpus = Corpus(name="speech", source="", clips=tuple(clips), available_clips=12)
    expected = [corpus.limited(2), sampled(corpus, 3, 1), None, corpus.limited(1)]
    cache, known = tmp_path / "bench-cache", set[int]()
    for options, chosen in zip(PARTS, expected, strict=True):
        available, own, channels = parts.open(cache, options)
        assert all(clip in complete for clip in own)
        names = [clip.name for clip in chosen.clips] if chosen else ["10.wav", "11.wav"]
        assert [name for name, *_ in own] == names
        assert available == (12 if chosen else 2)
        assert set(channels) == {options.get("channel", "mix")}
        groups = {int(name[:2]) // 2 for name in names} - known
        for shard, amount in enumerate(parts.fetched()):
            audio = sum(group // 2 == shard for group in groups) * 2 * CLIP_BYTES
            assert audio <= amount < audio + CLIP_BYTES
        known |= groups
    assert parts.open(cache, PARTS[0]) == parts.open(tmp_path / "whole", PARTS[0])
    assert parts.fetched() == [0, 0, 0]

    monkeypatch.setattr("benchmark.corpora.datasets._sha", lambda *_: HubFailure(Status.UNREACHABLE, "it is away"))
    assert len(opened("hf:org/speech", **PARTS[0]).clips) == 2
    with pytest.raises(UnavailableError, match="could not be fetched"):
        opened("hf:org/speech", sample=12)
    with pytest.raises(UnavailableError, match="not in the cache"):
        opened("hf:org/speech")


def test_a_dataset_of_the_hub_is_pinned_and_its_copy_is_read_where_the_hub_is_away(
    record: Record, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = record("a.wav").read_bytes()
    requests: list[str] = []

    def stream(spec: DatasetSpec, revision: str, _column: str | None) -> tuple[str, Iterator[SpooledRow]]:
        requests.append(f"{spec.id} {revision}")
        return "audio", iter([SpooledRow("a.wav", content, None, {"label": "anger"})])

    def answer(sha: str | HubFailure) -> None:
        monkeypatch.setattr("benchmark.corpora.datasets._sha", lambda *_: sha)

    monkeypatch.setattr("benchmark.corpora.streaming.stream_split", stream)
    answer("5ha" * 10)
    corpus = opened("hf:org/speech:test")
    assert (corpus.source, corpus.name) == (f"hf:org/speech@{'5ha' * 10}:test", "speech")
    answer(HubFailure(Status.UNREACHABLE, "the Hub cannot be reached"))
    again = opened("hf:org/speech:test")
    assert (again.source, again.clips) == (corpus.source, corpus.clips)
    assert "copy of revision 5ha5ha" in again.notes[0]
    assert requests == [f"org/speech {'5ha' * 10}"]
    with pytest.raises(UnavailableError, match=r"org/speech is not in the cache, and .*reached"):
        opened("hf:org/speech:train")
    answer(HubFailure(Status.NOT_FOUND, "the Hub knows no org/speech"))
    with pytest.raises(RequestError, match="knows no org/speech"):
        opened("hf:org/speech:test")


def test_a_damaged_recording_is_fetched_again_and_the_revision_that_was_fetched_last_is_the_newest(
    record: Record, opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = record("a.wav").read_bytes()
    requests: list[str] = []
    sha: list[str | HubFailure] = ["b" * 40]

    def stream(spec: DatasetSpec, revision: str, _column: str | None) -> tuple[str, Iterator[SpooledRow]]:
        requests.append(revision)
        return "audio", iter([SpooledRow("a.wav", content, None, {"label": "anger"})])

    monkeypatch.setattr("benchmark.corpora.streaming.stream_split", stream)
    monkeypatch.setattr("benchmark.corpora.datasets._sha", lambda *_: sha[0])
    before = decoded(opened("hf:org/speech:test"))
    (recording,) = tmp_path.rglob("00000000")
    flip(recording, bit=8 * 1000)
    assert decoded(opened("hf:org/speech:test")) == before
    assert "the content of its 00000000 is not what was written (SHA-256). It is set aside as" in caplog.text
    sha[0] = "a" * 40
    opened("hf:org/speech:test")
    for path in tmp_path.rglob("*"):
        os.utime(path, (0, 0) if "a" * 40 in path.parts else None)
    sha[0] = HubFailure(Status.UNREACHABLE, "the Hub cannot be reached")
    assert opened("hf:org/speech:test").source == f"hf:org/speech@{'a' * 40}:test"
    assert requests == ["b" * 40, "b" * 40, "a" * 40]


def test_a_dataset_of_the_hub_that_cannot_be_reached_is_unavailable(opened: Opened) -> None:
    with pytest.raises(UnavailableError, match=r"org/speech is not in the cache, and .*reached"):
        opened("hf:org/speech")


def test_a_split_is_chosen_and_never_guessed(recordings: list[Path], tmp_path: Path, opened: Opened) -> None:
    for split in ("train", "test"):
        write_parquet(tmp_path / f"dataset/data/{split}-00000-of-00001.parquet", recordings)
    with pytest.raises(RequestError, match="choose one of train, test"):
        opened(f"hf:{tmp_path}/dataset")
    with pytest.raises(RequestError, match="no split 'dev'"):
        opened(f"hf:{tmp_path}/dataset:dev")
    assert len(opened(f"hf:{tmp_path}/dataset:test").clips) == 4


def test_columns_can_be_named_in_the_registry(recordings: list[Path], tmp_path: Path, opened: Opened) -> None:
    columns = {"felt": ["fear", None, "calm", ""], "votes_anger": [1, 2, 0, 0], "votes_fear": [2, 0, 1, 0]}
    write_parquet(tmp_path / "dataset/train.parquet", recordings, features=False, **columns)
    entry = "mine: {source: 'hf:./dataset', columns: {label: felt, file: audio}}"
    corpus = opened("mine", entry)
    assert [clip.label for clip in corpus.clips] == ["fear", None, "calm", None]
    assert [clip.votes for clip in corpus.clips] == [{"anger": 1, "fear": 2}, {"anger": 2}, {"fear": 1}, None]
    assert [clip.speaker for clip in corpus.clips] == ["01", "02", "03", "01"]
    with pytest.raises(RequestError, match="no column 'sound'; it has audio, label"):
        opened("mine", entry.replace("audio}", "sound}"))


def test_what_is_no_dataset_of_audio_is_one_sentence(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "dataset").mkdir()
    pd.DataFrame({"sentence": ["hello"], "label": ["anger"]}).to_csv(tmp_path / "dataset/train.csv", index=False)
    with pytest.raises(RequestError, match="no column of audio; it has sentence, label"):
        opened(f"hf:{tmp_path}/dataset")
    with pytest.raises(RequestError, match="no folder"):
        opened(f"hf:{tmp_path}/nowhere")


def test_rows_without_audio_and_rows_that_point_outside_are_failed_clips(
    record: Record, tmp_path: Path, opened: Opened
) -> None:
    record("dataset/inside.wav")
    record("outside.wav")
    chain = f"zip://a.wav::reference://{tmp_path}/references.json::{tmp_path}/dataset/inside.wav"
    outside = ["../outside.wav", str(tmp_path / "outside.wav"), "file:///etc/passwd", chain]
    files = ["inside.wav", *outside, "gone.wav", ""]
    pd.DataFrame({"path": files, "label": ["anger"] * 7}).to_csv(tmp_path / "dataset/train.csv", index=False)
    inside, *others = opened(f"hf:{tmp_path}/dataset:train").clips
    assert waveform_of(inside).duration_s == pytest.approx(0.5)
    for clip, words in zip(others, ["outside"] * 4 + ["nothing at", "no audio"], strict=True):
        with pytest.raises(UndecodableAudio, match=words):
            waveform_of(clip)


def test_a_second_opening_reads_the_cache_and_a_changed_folder_does_not(
    recordings: list[Path], tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parquet(tmp_path / "dataset/train.parquet", recordings)
    first = opened(f"hf:{tmp_path}/dataset")
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.corpora.streaming.stream_split", lambda *_: pytest.fail("it was fetched again"))
        assert opened(f"hf:{tmp_path}/dataset").clips == first.clips
    write_parquet(tmp_path / "dataset/train.parquet", recordings[::-1])
    assert [clip.name for clip in opened(f"hf:{tmp_path}/dataset").clips] == ["d.mp3", "c.ogg", "b.flac", "a.wav"]


def test_a_dataset_that_ends_early_is_not_kept(
    recordings: list[Path], tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parquet(tmp_path / "dataset/train.parquet", recordings)

    def fail(*_: object) -> str:
        raise ConnectionError("the cable was pulled")

    with monkeypatch.context() as patch:
        patch.setattr("benchmark.corpora.streaming._text", fail)
        with pytest.raises(UnavailableError, match="the cable was pulled"):
            opened(f"hf:{tmp_path}/dataset")
    assert [path for path in (tmp_path / "bench-cache").rglob("*") if path.is_file()] == []
    assert len(opened(f"hf:{tmp_path}/dataset").clips) == 4
