from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from benchmark.corpora.clips import Corpus
from benchmark.evaluation.decoding import decode_corpus
from benchmark.progress import Silent


def test_what_a_table_says_of_a_clip_reaches_the_record_of_the_run(
    record: Callable[..., Path], tmp_path: Path, opened: Callable[..., Corpus]
) -> None:
    record("a.wav", seconds=2.0)
    path = tmp_path / "clips.csv"
    path.write_text("file,start,stop,intensity,speaker,votes_분노,votes_calm\na.wav,0.5,1.5,strong,s1,2,0\n")
    (clip,) = decode_corpus(opened(f"table:{path}"), Silent()).record.clips
    assert (clip.clip, clip.duration_s, clip.intensity, clip.speaker) == ("a.wav#0.5-1.5", 1.0, "strong", "s1")
    assert clip.votes == {"분노": 2}


def test_a_row_that_is_no_clip_is_a_failure_of_that_clip_alone(
    record: Callable[..., Path], tmp_path: Path, opened: Callable[..., Corpus]
) -> None:
    record("a.wav", seconds=2.0)
    path = tmp_path / "clips.csv"
    path.write_text("file,start,stop\na.wav,0,1\na.wav,x,1\na.wav,1,9\ngone.wav,0,1\n")
    clips = decode_corpus(opened(f"table:{path}"), Silent()).record.clips
    assert [clip.failure is None for clip in clips] == [True, False, False, False]
    assert "no number" in (clips[1].failure or "")
    assert "ends at 2.00 s" in (clips[2].failure or "")
    assert "does not exist" in (clips[3].failure or "")


@pytest.mark.parametrize("nobody", ["NA", "n/a", "nan", "None", "unknown", "Unknown ", "null", "?", "-", "<NA>"])
def test_a_speaker_that_nobody_knows_is_no_speaker_called_so(
    tmp_path: Path, opened: Callable[..., Corpus], nobody: str
) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(f"file,speaker,sex,label,lang\na.wav,{nobody},{nobody},none,na\nb.wav,Nan Goldin,f,anger,na\n")
    first, second = opened(f"table:{path}").clips
    assert (first.speaker, first.sex) == (None, None)
    assert (first.label, first.language) == ("none", "na")
    assert (second.speaker, second.sex) == ("Nan Goldin", "f")


def test_columns_without_a_role_travel_with_the_clip_and_those_with_one_do_not(
    record: Callable[..., Path], tmp_path: Path, opened: Callable[..., Corpus]
) -> None:
    record("a.wav")
    path = tmp_path / "clips.csv"
    path.write_text(
        f"file,label,age,votes_calm,room,mood,text\na.wav,anger, 31 ,1,,NaN,hello\na.wav,anger,,,{'x' * 99},2,\n"
    )
    first, second = decode_corpus(opened(f"table:{path}"), Silent()).record.clips
    assert first.attributes == {"age": "31"}
    assert second.attributes == {"room": "x" * 79 + "…", "mood": "2"}


def test_numbers_that_are_missing_in_a_parquet_are_no_values(
    record: Callable[..., Path], tmp_path: Path, opened: Callable[..., Corpus]
) -> None:
    record("a.wav")
    pd.DataFrame({"file": ["a.wav", "a.wav"], "age": [31.5, None], "old": [True, False]}).to_parquet(
        tmp_path / "c.parquet"
    )
    clips = opened(f"table:{tmp_path / 'c.parquet'}").clips
    assert [clip.attributes for clip in clips] == [{"age": "31.5", "old": "True"}, {"old": "False"}]
