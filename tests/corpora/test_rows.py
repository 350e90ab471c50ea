from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.rows import COLUMN_NAMES, count_votes, find_columns, join_ratings
from benchmark.corpora.sources import AudioFile
from benchmark.errors import RequestError
from benchmark.evaluation.decoding import decode_corpus
from benchmark.progress import Silent
from benchmark.registry.schema import COLUMN_ROLES


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


def test_the_registry_knows_the_same_roles() -> None:
    assert tuple(COLUMN_NAMES) == COLUMN_ROLES


def test_a_duration_alone_describes_the_file() -> None:
    assert "duration" not in find_columns("t", ["file", "duration"], {}).by_role
    assert find_columns("t", ["file", "start", "duration"], {}).by_role["duration"] == "duration"


def test_columns_of_votes_keep_the_label_as_it_is_written() -> None:
    assert find_columns("t", ["file", "votes_분노", "VOTES_Joy", "votes_", "devotes_x"], {}).votes == {
        "분노": "votes_분노",
        "Joy": "VOTES_Joy",
    }


def test_headings_of_a_spreadsheet_are_read_as_well() -> None:
    found = find_columns("t", ["File Name", " Emotion ", "Speaker-ID", "Text  id"], {}).by_role
    assert found == {"file": "File Name", "label": " Emotion ", "speaker": "Speaker-ID", "text_id": "Text  id"}


def test_a_column_that_the_user_names_wins() -> None:
    assert find_columns("t", ["file", "emotion", "felt"], {"label": "felt"}).by_role["label"] == "felt"
    with pytest.raises(RequestError, match="Unknown role 'sound'"):
        find_columns("t", ["file"], {"sound": "file"})


def test_of_two_columns_of_labels_the_one_that_is_taken_is_named() -> None:
    (note,) = find_columns("t.csv", ["file", "emotion", "Label", "gender", "sex"], {}).notes
    assert "label is read from the column 'Label'; 'emotion' might be meant" in note
    (note,) = find_columns("t.csv", ["file", "speaker", "Speaker"], {}).notes
    assert "speaker is read from the column 'speaker'; 'Speaker'" in note


def test_whoever_says_which_column_is_meant_is_not_told_of_others() -> None:
    assert find_columns("t.csv", ["file", "emotion", "label"], {"label": "emotion"}).notes == ()


def rated(*rows: tuple[str, str | None, str], **fields: str) -> tuple[tuple[Clip, ...], tuple[str, ...]]:
    """Join ratings by name of the clip, label and rater; further fields are those of the last row."""
    clips = [Clip(name=name, audio=AudioFile(Path(name)), label=label) for name, label, _ in rows]
    clips[-1] = replace(clips[-1], **fields)  # type: ignore[arg-type]  # str fields only
    return join_ratings(clips, [rater for *_, rater in rows])


@pytest.mark.parametrize("value", ["-1", "1.5", "many", "nan", "inf"])
def test_what_is_no_number_of_people_is_one_sentence(value: str) -> None:
    with pytest.raises(RequestError, match="votes_anger"):
        count_votes("t.csv", {"anger": value})


def test_nobody_having_rated_is_not_a_vote() -> None:
    assert count_votes("t.csv", {"anger": "", "fear": "0"}) is None


def test_rows_of_one_clip_become_one_clip_with_its_votes() -> None:
    clips, notes = rated(("a", "anger", "1"), ("b", "fear", "1"), ("a", "fear", "2"), ("a", "anger", "3"))
    assert [(clip.name, clip.votes, clip.label) for clip in clips] == [
        ("a", {"anger": 2, "fear": 1}, None),
        ("b", {"fear": 1}, None),
    ]
    assert notes == ()


def test_of_two_ratings_by_one_rater_the_last_counts() -> None:
    clips, notes = rated(("a", "anger", "1"), ("a", "calm", "2"), ("a", "fear", "1"))
    assert clips[0].votes == {"fear": 1, "calm": 1}
    assert notes[0].startswith("1 ratings")


def test_rows_without_a_rater_are_different_people() -> None:
    assert rated(("a", "anger", ""), ("a", "anger", ""))[0][0].votes == {"anger": 2}


def test_a_rater_who_said_nothing_casts_no_vote() -> None:
    assert rated(("a", "anger", "1"), ("a", None, "2"))[0][0].votes == {"anger": 1}


def test_single_ratings_are_labels() -> None:
    clips, _ = rated(("a", "anger", "1"), ("b", "fear", "2"))
    assert [(clip.label, clip.votes) for clip in clips] == [("anger", None), ("fear", None)]


def test_what_only_a_later_row_says_is_kept() -> None:
    clips, _ = rated(("a", "anger", "1"), ("a", "anger", "2"), speaker="s1", sex="female")
    assert (clips[0].speaker, clips[0].sex) == ("s1", "female")


def test_of_other_columns_the_first_row_that_says_anything_counts() -> None:
    rows = [
        Clip(name="a", audio=AudioFile(Path("a")), label="anger", attributes=attributes)
        for attributes in ({"age": "30"}, {"age": "31", "room": "hall"})
    ]
    clips, _ = join_ratings(rows, ["1", "2"])
    assert clips[0].attributes == {"age": "30", "room": "hall"}
