from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmark.corpora.folder import read_folder
from benchmark.corpora.sources import open_source
from benchmark.errors import RequestError

Record = Callable[[str], Path]


def test_the_folder_a_clip_lies_in_is_its_label(record: Record, tmp_path: Path) -> None:
    record("anger/a.wav")
    record("행복/b.flac")
    clips = read_folder(tmp_path).clips
    assert [(clip.name, clip.label) for clip in clips] == [("anger/a.wav", "anger"), ("행복/b.flac", "행복")]


def test_labels_are_found_below_other_folders(record: Record, tmp_path: Path) -> None:
    record("speaker1/angry/a.wav")
    record("speaker2/sad/b.wav")
    assert [clip.label for clip in read_folder(tmp_path).clips] == ["angry", "sad"]


def test_a_folder_named_after_no_emotion_among_those_that_are_keeps_its_name_as_a_label(
    record: Record, tmp_path: Path
) -> None:
    record("anger/a.wav")
    record("banana/b.wav")
    assert {clip.label for clip in read_folder(tmp_path).clips} == {"anger", "banana"}


def test_a_folder_without_labels_is_read_all_the_same(record: Record, tmp_path: Path) -> None:
    record("call-1.wav")
    record("call-2.ogg")
    contents = read_folder(tmp_path)
    assert [clip.label for clip in contents.clips] == [None, None]
    assert contents.notes == ()


def test_folders_that_are_no_emotions_give_no_labels_and_a_note(record: Record, tmp_path: Path) -> None:
    record("2026-01/call.wav")
    contents = read_folder(tmp_path)
    assert contents.clips[0].label is None
    assert "2026-01" in contents.notes[0]
    assert "labels:" in contents.notes[0]


def test_an_override_makes_a_folder_a_label(record: Record, tmp_path: Path) -> None:
    record("class_a/call.wav")
    assert read_folder(tmp_path, labels={"class_a": "anger"}).clips[0].label == "class_a"


def test_hidden_files_and_other_files_are_no_clips(record: Record, tmp_path: Path) -> None:
    record("anger/a.wav")
    (tmp_path / "anger" / "._a.wav").write_bytes(b"finder")
    (tmp_path / "anger" / "notes.txt").write_text("hello")
    assert len(read_folder(tmp_path).clips) == 1


def test_a_recording_in_a_format_that_cannot_be_read_is_a_clip_all_the_same(record: Record, tmp_path: Path) -> None:
    record("anger/a.wav")
    (tmp_path / "anger" / "b.m4a").write_bytes(b"\x00\x00\x00\x20ftypM4A ")
    assert [clip.name for clip in read_folder(tmp_path).clips] == ["anger/a.wav", "anger/b.m4a"]


@pytest.mark.parametrize(("name", "words"), [("nowhere", "no folder"), ("file.txt", "table:"), ("empty", "no record")])
def test_what_is_no_folder_of_recordings_is_one_sentence(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match=words):
        read_folder(tmp_path / name)


def test_a_table_beside_the_recordings_is_pointed_out(record: Record, tmp_path: Path) -> None:
    record("audio/a.wav")
    (tmp_path / "metadata.csv").write_text("file_name,emotion\naudio/a.wav,anger\n")
    assert "table:" in read_folder(tmp_path).notes[0]


@pytest.mark.parametrize(
    ("name", "container"),
    [("a.wave", "WAV"), ("a.caf", "CAF"), ("a.w64", "W64"), ("a.rf64", "RF64"), ("a.aifc", "AIFF"), ("a.SPH", "NIST")],
)
def test_recordings_in_less_usual_containers_are_clips_and_are_heard(tmp_path: Path, name: str, container: str) -> None:
    tone = np.sin(np.arange(8_000) / 10) / 3
    soundfile.write(tmp_path / name, tone, 16_000, format=container, subtype="PCM_16")
    (clip,) = read_folder(tmp_path).clips
    with open_source(clip.audio) as stream:
        assert sum(block.size for block in stream.blocks) == tone.size
