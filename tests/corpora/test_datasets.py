import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Audio, ClassLabel, Features, Value

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.clips import Corpus
from benchmark.corpora.opening import open_corpora
from benchmark.corpora.streaming import DatasetSpec, SpooledRow, StreamedSplit
from benchmark.errors import RequestError, UnavailableError
from benchmark.evaluation.decoding import decode_corpus
from benchmark.hub.facts import HubFailure
from benchmark.progress import Silent
from benchmark.registry.loading import load_registry
from benchmark.results.status import Status
from benchmark.settings import Settings

Record = Callable[..., Path]
Opened = Callable[..., Corpus]

AUDIO = pa.struct({"bytes": pa.binary(), "path": pa.string()})
CLASSES = ["ang", "hap", "neu"]
PLAIN_COLUMNS = {"speaker": ["01", "02", "03", "01"], "lang": ["ko"] * 4}


def recordings(record: Record) -> list[Path]:
    return [
        record(f"clips/{name}", seconds=1.0 + 0.1 * index)
        for index, name in enumerate(("a.wav", "b.flac", "c.ogg", "d.mp3"))
    ]


def write_parquet(path: Path, paths: list[Path], *, features: bool = True, **columns: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = [{"bytes": each.read_bytes(), "path": each.name} for each in paths]
    content = {"audio": pa.array(audio, type=AUDIO), "label": [0, 1, 2, 0], **PLAIN_COLUMNS, **columns}
    table = pa.table(content)
    if features:
        kinds = {
            "audio": Audio(),
            "label": ClassLabel(names=CLASSES),
            "speaker": Value("string"),
            "lang": Value("string"),
        }
        table = table.replace_schema_metadata(Features(kinds).arrow_schema.metadata)
    pq.write_table(table, path)


def write_folder(folder: Path, paths: list[Path], name: str) -> None:
    """Beside the recordings, the table that `audiofolder` reads."""
    rows = [
        {"file_name": each.relative_to(folder).as_posix(), "label": CLASSES[index % 3], "speaker": f"s{index % 3}"}
        for index, each in enumerate(paths)
    ]
    if name.endswith(".jsonl"):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def heard(corpus: Corpus) -> set[tuple[object, ...]]:
    record = decode_corpus(corpus, Silent()).record
    assert all(clip.clip_hash for clip in record.clips)
    return {(Path(clip.clip).name, clip.clip_hash, clip.duration_s, clip.label, clip.speaker) for clip in record.clips}


def test_a_dataset_of_embedded_audio_gives_what_the_same_files_in_a_folder_give(
    record: Record, tmp_path: Path, opened: Opened
) -> None:
    paths = recordings(record)
    write_parquet(tmp_path / "dataset/data/train-00000-of-00001.parquet", paths)
    rows = {"path": [f"clips/{path.name}" for path in paths], "label": ["ang", "hap", "neu", "ang"], **PLAIN_COLUMNS}
    pd.DataFrame(rows).to_csv(tmp_path / "table.csv", index=False)
    corpus = opened(f"hf:{tmp_path}/dataset")
    assert corpus.name == "dataset"
    assert {clip.language for clip in corpus.clips} == {"ko"}
    assert heard(corpus) == heard(opened(f"table:{tmp_path}/table.csv"))


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_a_folder_with_metadata_is_a_dataset_though_the_library_would_want_another_decoder(
    name: str, record: Record, tmp_path: Path, opened: Opened
) -> None:
    write_folder(tmp_path / "clips", recordings(record), name)
    assert heard(opened(f"hf:{tmp_path}/clips")) == heard(opened(f"table:{tmp_path}/clips/{name}"))


def test_other_columns_of_a_dataset_travel_with_its_clips(record: Record, tmp_path: Path, opened: Opened) -> None:
    write_parquet(tmp_path / "dataset/train.parquet", recordings(record), age=[30.0, None, 41.0, 52.0])
    clips = opened(f"hf:{tmp_path}/dataset").clips
    assert [clip.attributes for clip in clips] == [{"age": "30.0"}, {}, {"age": "41.0"}, {"age": "52.0"}]


def test_a_folder_whose_folders_are_labels_is_a_dataset(record: Record, tmp_path: Path, opened: Opened) -> None:
    record("clips/anger/a.wav")
    record("clips/sadness/b.wav")
    assert heard(opened(f"hf:{tmp_path}/clips")) == heard(opened(f"folder:{tmp_path}/clips"))


OPEN_AND_WATCH = """
import sys
from pathlib import Path
from benchmark.corpora.opening import open_corpora
from benchmark.registry.schema import Registry
from benchmark.settings import Settings
registry, settings = Registry(title="none", candidates=()), Settings(cache=Path(sys.argv[2]))
(corpus,) = open_corpora([sys.argv[1]], registry, settings=settings)
print(len(corpus.clips), "datasets" in sys.modules, "torch" in sys.modules)
"""


def test_the_library_is_used_without_torch(record: Record, tmp_path: Path) -> None:
    write_parquet(tmp_path / "dataset/train.parquet", recordings(record))
    command = [sys.executable, "-c", OPEN_AND_WATCH, f"hf:{tmp_path}/dataset", str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["4", "True", "False"]


def test_a_dataset_of_the_hub_is_pinned_and_its_copy_is_read_where_the_hub_is_away(
    record: Record, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = record("a.wav").read_bytes()
    asked: list[str] = []

    def stream(spec: DatasetSpec, revision: str, _column: str | None) -> StreamedSplit:
        asked.append(f"{spec.id} {revision}")
        return StreamedSplit("audio", iter([SpooledRow("a.wav", content, None, {"label": "anger"})]))

    monkeypatch.setattr("benchmark.corpora.streaming.stream_split", stream)
    monkeypatch.setattr("benchmark.corpora.datasets._sha", lambda *_: "5ha" * 10)
    corpus = opened("hf:org/speech:test")
    assert (corpus.source, corpus.name) == (f"hf:org/speech@{'5ha' * 10}:test", "speech")
    away = HubFailure(Status.UNREACHABLE, "the Hub cannot be reached")
    monkeypatch.setattr("benchmark.corpora.datasets._sha", lambda *_: away)
    again = opened("hf:org/speech:test")
    assert (again.source, again.clips) == (corpus.source, corpus.clips)
    assert "copy of revision 5ha5ha" in again.notes[0]
    assert asked == [f"org/speech {'5ha' * 10}"]
    with pytest.raises(UnavailableError):
        opened("hf:org/speech:train")
    gone = HubFailure(Status.NOT_FOUND, "the Hub knows no org/speech")
    monkeypatch.setattr("benchmark.corpora.datasets._sha", lambda *_: gone)
    with pytest.raises(RequestError, match="knows no org/speech"):
        opened("hf:org/speech:test")


def test_a_split_is_chosen_and_never_guessed(record: Record, tmp_path: Path, opened: Opened) -> None:
    paths = recordings(record)
    for split in ("train", "test"):
        write_parquet(tmp_path / f"dataset/data/{split}-00000-of-00001.parquet", paths)
    with pytest.raises(RequestError, match="choose one of train, test"):
        opened(f"hf:{tmp_path}/dataset")
    with pytest.raises(RequestError, match="no split 'dev'"):
        opened(f"hf:{tmp_path}/dataset:dev")
    assert len(opened(f"hf:{tmp_path}/dataset:test").clips) == 4


def test_columns_are_found_by_name_and_can_be_said(record: Record, tmp_path: Path) -> None:
    paths = recordings(record)
    columns = {"felt": ["fear", None, "calm", ""], "votes_anger": [1, 2, 0, 0], "votes_fear": [2, 0, 1, 0]}
    write_parquet(tmp_path / "dataset/train.parquet", paths, features=False, **columns)
    path = tmp_path / "candidates.yaml"
    path.write_text(
        "version: 1\ncandidates: [{id: org/m}]\n"
        "corpora: {mine: {source: 'hf:./dataset', columns: {label: felt, file: audio}}}\n"
    )
    (corpus,) = open_corpora(["mine"], load_registry(path), settings=Settings(cache=tmp_path / "cache"))
    assert [clip.label for clip in corpus.clips] == ["fear", None, "calm", None]
    assert [clip.votes for clip in corpus.clips] == [{"anger": 1, "fear": 2}, {"anger": 2}, {"fear": 1}, None]
    assert [clip.speaker for clip in corpus.clips] == ["01", "02", "03", "01"]
    path.write_text(path.read_text().replace("audio}", "sound}"))
    with pytest.raises(RequestError, match="no column 'sound'; it has audio, label"):
        open_corpora(["mine"], load_registry(path), settings=Settings(cache=tmp_path / "cache"))


def test_a_dataset_without_audio_is_one_sentence(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "dataset").mkdir()
    pd.DataFrame({"sentence": ["hello"], "label": ["anger"]}).to_csv(tmp_path / "dataset/train.csv", index=False)
    with pytest.raises(RequestError, match="no column of audio; it has sentence, label"):
        opened(f"hf:{tmp_path}/dataset")


def test_rows_without_audio_and_rows_that_point_outside_are_failed_clips(
    record: Record, tmp_path: Path, opened: Opened
) -> None:
    record("dataset/inside.wav")
    record("outside.wav")
    files = ["inside.wav", "../outside.wav", str(tmp_path / "outside.wav"), "file:///etc/passwd", "gone.wav", ""]
    pd.DataFrame({"path": files, "label": ["anger"] * 6}).to_csv(tmp_path / "dataset/train.csv", index=False)
    corpus = opened(f"hf:{tmp_path}/dataset:train")
    assert corpus.clips[0].audio.waveform().duration_s == pytest.approx(0.5)
    reasons = []
    for clip in corpus.clips[1:]:
        with pytest.raises(UndecodableAudio) as told:
            clip.audio.waveform()
        reasons.append(told.value.reason)
    assert ["outside" in reason for reason in reasons] == [True, True, True, False, False]
    assert "nothing at" in reasons[3]
    assert "no audio" in reasons[4]


def test_a_second_opening_reads_the_cache_and_a_changed_folder_does_not(
    record: Record, tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = recordings(record)
    write_parquet(tmp_path / "dataset/train.parquet", paths)
    first = opened(f"hf:{tmp_path}/dataset")
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.corpora.streaming.stream_split", lambda *_: pytest.fail("it was fetched again"))
        assert opened(f"hf:{tmp_path}/dataset").clips == first.clips
    write_parquet(tmp_path / "dataset/train.parquet", paths[::-1])
    assert [clip.name for clip in opened(f"hf:{tmp_path}/dataset").clips] == ["d.mp3", "c.ogg", "b.flac", "a.wav"]


def test_a_dataset_that_ends_early_is_not_kept(
    record: Record, tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parquet(tmp_path / "dataset/train.parquet", recordings(record))

    def fail(*_: object) -> str:
        raise ConnectionError("the cable was pulled")

    with monkeypatch.context() as patch:
        patch.setattr("benchmark.corpora.streaming._text", fail)
        with pytest.raises(UnavailableError, match="the cable was pulled"):
            opened(f"hf:{tmp_path}/dataset")
    assert [path for path in (tmp_path / "bench-cache").rglob("*") if path.is_file()] == []
    assert len(opened(f"hf:{tmp_path}/dataset").clips) == 4


def test_a_dataset_of_the_hub_that_cannot_be_reached_is_unavailable(opened: Opened) -> None:
    with pytest.raises(UnavailableError, match=r"org/speech is not in the cache, and .*reached"):
        opened("hf:org/speech")


def test_a_folder_that_is_none_is_one_sentence(tmp_path: Path, opened: Opened) -> None:
    with pytest.raises(RequestError, match="no folder"):
        opened(f"hf:{tmp_path}/nowhere")
