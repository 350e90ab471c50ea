from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip
from benchmark.corpora.rows import COLUMN_NAMES, count_votes, find_columns, join_ratings, parse_columns
from benchmark.corpora.specs import still_there
from benchmark.errors import RequestError
from benchmark.evaluation.decoding import decode_corpus
from benchmark.progress import Silent
from benchmark.registry.schema import COLUMN_ROLES
from benchmark.results.runs import ClipRecord
from tests.corpora.conftest import Opened, Record, registry_of
from tests.support.audio import shared_reader


def decoded(opened: Opened, folder: Path, content: str) -> tuple[ClipRecord, ...]:
    """The records of the clips of a table."""
    path = folder / "clips.csv"
    path.write_text(content)
    return decode_corpus(opened(f"table:{path}"), shared_reader(), Silent()).record.clips


def test_what_a_table_says_of_a_clip_reaches_the_record_of_the_run(
    record: Record, tmp_path: Path, opened: Opened
) -> None:
    record("a.wav", seconds=2.0)
    content = "file,start,stop,intensity,speaker,votes_분노,votes_calm\na.wav,0.5,1.5,strong,s1,2,0\n"
    (clip,) = decoded(opened, tmp_path, content)
    assert (clip.clip, clip.duration_s, clip.intensity, clip.speaker) == ("a.wav#0.5-1.5", 1.0, "strong", "s1")
    assert clip.votes == {"분노": 2}


def test_a_row_that_is_no_clip_is_a_failure_of_that_clip_alone(record: Record, tmp_path: Path, opened: Opened) -> None:
    record("a.wav", seconds=2.0)
    clips = decoded(opened, tmp_path, "file,start,stop\na.wav,0,1\na.wav,x,1\na.wav,1,9\ngone.wav,0,1\n")
    failures = [clip.failure or "" for clip in clips]
    assert failures[0] == ""
    for failure, words in zip(failures[1:], ("no number", "ends at 2.00 s", "does not exist"), strict=True):
        assert words in failure


@pytest.mark.parametrize("unknown", ["NA", "n/a", "nan", "None", "unknown", "Unknown ", "null", "?", "-", "<NA>"])
def test_an_unknown_speaker_has_no_name(tmp_path: Path, opened: Opened, unknown: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(f"file,speaker,sex,label,lang\na.wav,{unknown},{unknown},none,na\nb.wav,Nan Goldin,f,anger,na\n")
    first, second = opened(f"table:{path}").clips
    assert (first.speaker, first.sex) == (None, None)
    assert (first.label, first.language) == ("none", "na")
    assert (second.speaker, second.sex) == ("Nan Goldin", "f")


def test_columns_without_a_role_are_attributes_of_the_clip(record: Record, tmp_path: Path, opened: Opened) -> None:
    record("a.wav")
    first, second = decoded(
        opened,
        tmp_path,
        f"file,label,age,votes_calm,room,mood,text\na.wav,anger, 31 ,1,,NaN,hello\na.wav,anger,,,{'x' * 99},2,\n",
    )
    assert first.attributes == {"age": "31"}
    assert second.attributes == {"room": "x" * 79 + "…", "mood": "2"}
    frame = pd.DataFrame({"file": ["a.wav", "a.wav"], "age": [31.5, None], "old": [True, False]})
    frame.to_parquet(tmp_path / "c.parquet")
    clips = opened(f"table:{tmp_path / 'c.parquet'}").clips
    assert [clip.attributes for clip in clips] == [{"age": "31.5", "old": "True"}, {"old": "False"}]


def test_the_registry_knows_the_same_roles() -> None:
    assert tuple(COLUMN_NAMES) == COLUMN_ROLES


def test_columns_are_found_by_their_usual_names_or_by_the_users() -> None:
    columns = find_columns("t", ["File Name", " Emotion ", "Speaker-ID", "Text  id", "duration"], {}).by_role
    assert columns == {"file": "File Name", "label": " Emotion ", "speaker": "Speaker-ID", "text_id": "Text  id"}
    assert find_columns("t", ["file", "start", "duration"], {}).by_role["duration"] == "duration"
    assert find_columns("t", ["file", "emotion", "felt"], {"label": "felt"}).by_role["label"] == "felt"
    votes = find_columns("t", ["file", "votes_분노", "VOTES_Joy", "votes_", "devotes_x"], {}).votes
    assert votes == {"분노": "votes_분노", "Joy": "VOTES_Joy"}


def test_of_two_columns_of_labels_the_one_that_is_taken_is_named_unless_the_user_chose_it() -> None:
    (note,) = find_columns("t.csv", ["file", "emotion", "Label", "gender", "sex"], {}).notes
    assert "label is read from the column 'Label'; 'emotion' might be meant" in note
    (note,) = find_columns("t.csv", ["file", "speaker", "Speaker"], {}).notes
    assert "speaker is read from the column 'speaker'; 'Speaker'" in note
    assert find_columns("t.csv", ["file", "emotion", "label"], {"label": "emotion"}).notes == ()


@pytest.mark.parametrize("value", ["-1", "1.5", "many", "nan", "inf"])
def test_what_is_no_number_of_people_is_one_sentence(value: str) -> None:
    with pytest.raises(RequestError, match="votes_anger"):
        count_votes("t.csv", {"anger": value})


def test_a_clip_that_nobody_rated_has_no_votes() -> None:
    assert count_votes("t.csv", {"anger": "", "fear": "0"}) is None


def rated(*rows: tuple[str, str | None, str], **fields: object) -> tuple[tuple[Clip, ...], tuple[str, ...]]:
    """Join ratings by name of the clip, label and rater; further fields are those of the last row."""
    clips = [Clip(name=name, audio=AudioFile(Path(name)), label=label) for name, label, _ in rows]
    clips[-1] = replace(clips[-1], **fields)  # type: ignore[arg-type]  # as the tests name them
    return join_ratings(clips, [rater for *_, rater in rows])


def test_rows_of_one_clip_become_one_clip_with_its_votes() -> None:
    clips, notes = rated(("a", "anger", "1"), ("b", "fear", "1"), ("a", "fear", "2"), ("a", "anger", "3"))
    votes = [(clip.name, clip.votes, clip.label) for clip in clips]
    assert votes == [("a", {"anger": 2, "fear": 1}, None), ("b", {"fear": 1}, None)]
    assert notes == ()


def test_of_two_ratings_by_one_rater_the_last_counts() -> None:
    clips, notes = rated(("a", "anger", "1"), ("a", "calm", "2"), ("a", "fear", "1"))
    assert clips[0].votes == {"fear": 1, "calm": 1}
    assert notes[0].startswith("1 ratings")


def test_rows_without_a_rater_are_different_people_and_rows_without_a_label_are_no_votes() -> None:
    assert rated(("a", "anger", ""), ("a", "anger", ""))[0][0].votes == {"anger": 2}
    assert rated(("a", "anger", "1"), ("a", None, "2"))[0][0].votes == {"anger": 1}


def test_single_ratings_are_labels() -> None:
    clips, _ = rated(("a", "anger", "1"), ("b", "fear", "2"))
    assert [(clip.label, clip.votes) for clip in clips] == [("anger", None), ("fear", None)]


def test_the_first_row_that_says_anything_counts() -> None:
    rows = ("a", "anger", "1"), ("a", "anger", "2")
    clips, _ = rated(*rows, speaker="s1", sex="female", attributes={"age": "31"})
    assert (clips[0].speaker, clips[0].sex, clips[0].attributes) == ("s1", "female", {"age": "31"})
    ratings = [Clip(name="a", audio=AudioFile(Path("a")), attributes={"age": age}) for age in ("30", "31")]
    assert join_ratings(ratings, ["1", "2"])[0][0].attributes == {"age": "30"}


def test_columns_are_chosen_and_recorded(record: Record, tmp_path: Path, opened: Opened) -> None:
    record("a.wav")
    path = tmp_path / "clips.csv"
    path.write_text("clip,emotion_code,emotion,agent\na.wav,anger,x9,lee\n")
    corpus = opened(f"table:{path}", columns=["file=clip", "label=emotion_code", "speaker=agent"])
    (clip,) = corpus.clips
    assert (clip.label, clip.speaker, clip.attributes) == ("anger", "lee", {"emotion": "x9"})
    assert corpus.notes == ()
    recorded = decode_corpus(corpus, shared_reader(), Silent()).record
    assert recorded.columns == {"file": "clip", "label": "emotion_code", "speaker": "agent"}
    assert still_there(recorded, registry_of(tmp_path), shared_reader()) is not None


def test_the_user_s_column_counts_more_than_the_registry_s(record: Record, tmp_path: Path, opened: Opened) -> None:
    record("a.wav")
    path = tmp_path / "clips.csv"
    path.write_text("file,first,second,who\na.wav,anger,fear,lee\n")
    entry = f"mine: {{source: 'table:{path}', columns: {{label: first, speaker: who}}}}"
    (clip,) = opened("mine", entry, columns=["label=second"]).clips
    assert (clip.label, clip.speaker) == ("fear", "lee")


@pytest.mark.parametrize(
    ("header", "row", "note"),
    [
        ("file,code,agent,remarks", "a.wav,anger,lee,loud", "unused are code, agent, remarks: did you mean"),
        ("file,emotion_code,agent", "a.wav,W,lee", "did you mean `--column label=emotion_code`?"),
        ("file,emotion,agent", "a.wav,anger,lee", "did you mean `--column speaker=agent`?"),
        ("file,emotion,take", "a.wav,anger,1", "No column is called speaker; unused are take: `--column speaker=NAME`"),
    ],
)
def test_columns_that_may_be_meant_are_named(
    record: Record, tmp_path: Path, opened: Opened, header: str, row: str, note: str
) -> None:
    record("a.wav")
    path = tmp_path / "clips.csv"
    second = row.replace("anger", "sadness")
    path.write_text(f"{header}\n{row}\n{second}\n")
    assert note in " ".join(opened(f"table:{path}").notes)


def test_a_column_of_emotions_is_likelier_than_one_with_a_likely_name(
    record: Record, tmp_path: Path, opened: Opened
) -> None:
    record("a.wav")
    path = tmp_path / "clips.csv"
    path.write_text("file,class,felt\na.wav,3b,anger\na.wav,4a,fear\n")
    assert "label=felt" in opened(f"table:{path}").notes[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("label", "wants ROLE=NAME"),
        ("labels=x", "no role 'labels'; did you mean 'label'"),
        ("label=gone", "no column 'gone'; it has file, label"),
    ],
)
def test_a_wrong_choice_of_a_column_is_one_sentence(
    record: Record, tmp_path: Path, opened: Opened, text: str, sentence: str
) -> None:
    record("a.wav")
    path = tmp_path / "clips.csv"
    path.write_text("file,label\na.wav,anger\n")
    with pytest.raises(RequestError, match=sentence):
        opened(f"table:{path}", columns=[text])
    with pytest.raises(RequestError, match="two columns for the label"):
        parse_columns(["label=a", "label=b"])
    with pytest.raises(RequestError, match="for tables and datasets, and demo: has no columns"):
        opened("demo:", columns=["label=x"])
