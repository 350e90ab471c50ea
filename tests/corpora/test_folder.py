from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.corpora.folder import read_folder
from benchmark.errors import RequestError
from tests.corpora.conftest import Record
from tests.support.audio import shared_reader


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["anger/a.wav", "행복/b.flac"], ["anger", "행복"]),
        (["speaker1/angry/a.wav", "speaker2/sad/b.wav"], ["angry", "sad"]),
        (["anger/a.wav", "banana/b.wav"], ["anger", "banana"]),
        (["call-1.wav", "call-2.ogg"], [None, None]),
    ],
)
def test_labels_are_the_folders_at_the_level_of_emotions(
    record: Record, tmp_path: Path, names: list[str], labels: list[str | None]
) -> None:
    for name in names:
        record(name)
    contents = read_folder(tmp_path)
    assert [(clip.name, clip.label) for clip in contents.clips] == list(zip(names, labels, strict=True))
    assert contents.notes == ()


def test_folders_that_are_no_emotions_give_no_labels_and_a_note(record: Record, tmp_path: Path) -> None:
    record("2026-01/call.wav")
    contents = read_folder(tmp_path)
    assert contents.clips[0].label is None
    assert "2026-01" in contents.notes[0]
    assert "labels:" in contents.notes[0]
    assert read_folder(tmp_path, labels={"2026-01": "anger"}).clips[0].label == "2026-01"


def test_hidden_and_other_files_are_no_clips_but_unreadable_recordings_are(record: Record, tmp_path: Path) -> None:
    record("anger/a.wav")
    (tmp_path / "anger" / "._a.wav").write_bytes(b"finder")
    (tmp_path / "anger" / "notes.txt").write_text("hello")
    (tmp_path / "anger" / "b.m4a").write_bytes(b"\x00\x00\x00\x20ftypM4A ")
    assert [clip.name for clip in read_folder(tmp_path).clips] == ["anger/a.wav", "anger/b.m4a"]


@pytest.mark.parametrize(("name", "words"), [("nowhere", "no folder"), ("file.txt", "table:"), ("empty", "no record")])
def test_what_is_no_folder_of_recordings_is_one_sentence(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match=words):
        read_folder(tmp_path / name)


def test_a_table_beside_the_recordings_is_mentioned(record: Record, tmp_path: Path) -> None:
    record("audio/a.wav")
    (tmp_path / "metadata.csv").write_text("file_name,emotion\naudio/a.wav,anger\n")
    assert "table:" in read_folder(tmp_path).notes[0]


@pytest.mark.parametrize(
    ("name", "container"),
    [("a.wave", "WAV"), ("a.caf", "CAF"), ("a.w64", "W64"), ("a.rf64", "RF64"), ("a.aifc", "AIFF"), ("a.SPH", "NIST")],
)
def test_recordings_in_less_usual_containers_are_clips_and_are_decoded(
    tmp_path: Path, name: str, container: str
) -> None:
    tone = np.sin(np.arange(8_000) / 10) / 3
    soundfile.write(tmp_path / name, tone, 16_000, format=container, subtype="PCM_16")
    (clip,) = read_folder(tmp_path).clips
    with shared_reader().open(clip.audio) as stream:
        assert sum(block.size for block in stream.blocks) == tone.size
