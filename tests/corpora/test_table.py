import json
import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.sources import AudioAddress, AudioFile
from benchmark.corpora.table import read_table
from benchmark.errors import RequestError

ROWS = [
    {"file_name": "audio/a.wav", "emotion": "anger", "speaker": "01", "sex": "female", "lang": "ko", "text_id": "t1"},
    {"file_name": "audio/b.wav", "emotion": "분노", "speaker": "02", "sex": "", "lang": "ko", "text_id": "NA"},
]


def write_table(folder: Path, name: str) -> Path:
    frame = pd.DataFrame(ROWS)
    path = folder / name
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".tsv":
            frame.to_csv(path, index=False, sep="\t")
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True, force_ascii=False)
        case ".parquet":
            frame.to_parquet(path)
    return path


@pytest.mark.parametrize("name", ["clips.csv", "clips.tsv", "clips.jsonl", "clips.parquet"])
def test_every_format_gives_the_same_clips(tmp_path: Path, name: str) -> None:
    first, second = read_table(write_table(tmp_path, name)).clips
    assert (first.name, first.label, first.speaker, first.sex) == ("audio/a.wav", "anger", "01", "female")
    assert first.audio == AudioFile(tmp_path / "audio/a.wav")
    assert (second.label, second.sex, second.language, second.text_id) == ("분노", None, "ko", "NA")


def test_semicolons_and_a_byte_order_mark_are_ordinary(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("Path;Label\na.wav;Freude\n", encoding="utf-8-sig")
    assert [(clip.name, clip.label) for clip in read_table(path).clips] == [("a.wav", "Freude")]


@pytest.mark.parametrize("first", ["sep=;", "SEP=|", '"sep=;"', "sep=\t"])
def test_a_first_line_that_tells_excel_the_separator_is_no_header(tmp_path: Path, first: str) -> None:
    path = tmp_path / "clips.csv"
    mark = next(each for each in ";|\t" if each in first)
    path.write_text(f"{first}\nfile{mark}label\na,b.wav{mark}anger\n", encoding="utf-8-sig")
    assert [(clip.name, clip.label) for clip in read_table(path).clips] == [("a,b.wav", "anger")]


def test_a_column_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("wav,annotation,emotion\na.wav,anger,sadness\n")
    (clip,) = read_table(path, columns={"file": "wav", "label": "annotation"}).clips
    assert clip.label == "anger"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("file,label\n", "no rows"),
        ("wav,label\na.wav,anger\n", "no column of audio paths"),
        ("file,label\n,anger\n", "name no file"),
        ("file,label\na.wav,anger\n,anger\n", r"1 of 2 rows name no file .* \(row 2 below the heading\)"),
        ("file,label\na.wav,anger,x,y\nb.wav\n", "cannot be read|name no file|no column"),
    ],
)
def test_a_bad_table_is_one_sentence(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(content)
    with pytest.raises(RequestError, match=words):
        read_table(path)


def test_a_table_that_is_not_utf8_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes("file,label\na.wav,Ärger\n".encode("latin-1"))
    with pytest.raises(RequestError, match="UTF-8"):
        read_table(path)


@pytest.mark.parametrize("line", ['{"file": ', "[1, 2]"])
def test_a_bad_line_of_json_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "clips.jsonl"
    path.write_text('{"file": "a.wav"}\n\n' + line)
    with pytest.raises(RequestError, match="line 3"):
        read_table(path)


@pytest.mark.parametrize("name", ["clips.parquet", "clips.jsonl", "clips.xlsx"])
def test_a_file_that_is_not_what_its_name_says_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\x01not a table")
    with pytest.raises(RequestError, match="clips"):
        read_table(tmp_path / name)


def test_a_missing_table_and_a_folder_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="does not exist"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(RequestError, match="folder"):
        read_table(tmp_path)


def test_an_unknown_role_and_an_absent_column_are_one_sentence(tmp_path: Path) -> None:
    path = write_table(tmp_path, "clips.csv")
    with pytest.raises(RequestError, match="known are file"):
        read_table(path, columns={"sound": "file_name"})
    with pytest.raises(RequestError, match="no column 'wav'"):
        read_table(path, columns={"file": "wav"})


def test_a_stretch_of_a_long_file_is_a_clip(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(
        "file,begin,end,duration\ncall.wav,1.5,3,\ncall.wav,3,,2.5\ncall.wav,10,,\ncall.wav,,2,\ncall.wav,,,\n"
    )
    assert [(clip.name, clip.audio) for clip in read_table(path).clips] == [
        ("call.wav#1.5-3", AudioFile(tmp_path / "call.wav", 1.5, 3.0)),
        ("call.wav#3-5.5", AudioFile(tmp_path / "call.wav", 3.0, 5.5)),
        ("call.wav#10-", AudioFile(tmp_path / "call.wav", 10.0, None)),
        ("call.wav#0-2", AudioFile(tmp_path / "call.wav", 0.0, 2.0)),
        ("call.wav", AudioFile(tmp_path / "call.wav")),
    ]


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ("soon,3", "start, 'soon', is no number"),
        ("-1,3", "start, '-1', is no time"),
        ("1,nan", "stop, 'nan', is no time"),
        ("3,3", "not after its start"),
        ("5,2", "ends at 2 s"),
    ],
)
def test_a_row_with_bad_times_is_a_failed_clip_with_the_reason(tmp_path: Path, times: str, words: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(f"file,start,stop,label\ncall.wav,{times},anger\n")
    (clip,) = read_table(path).clips
    assert clip.label == "anger"
    with pytest.raises(UndecodableAudio, match=words):
        clip.audio.waveform()


def test_addresses_stand_beside_paths(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(
        f"file,start,stop\nhttps://host/a%20b.wav,,\ns3://bucket/a.wav,1,2\nfile://{tmp_path}/a%20b.wav,,\n"
    )
    assert [clip.audio for clip in read_table(path).clips] == [
        AudioAddress("https://host/a%20b.wav"),
        AudioAddress("s3://bucket/a.wav", 1.0, 2.0),
        AudioFile(tmp_path / "a b.wav"),
    ]


def test_counts_of_raters_are_votes_and_a_label_beside_them_stays(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("file,label,votes_anger,votes_기쁨\na.wav,anger,2,1\nb.wav,,,3\n")
    assert [(clip.label, clip.votes) for clip in read_table(path).clips] == [
        ("anger", {"anger": 2, "기쁨": 1}),
        (None, {"기쁨": 3}),
    ]


def test_a_row_for_each_rating_makes_one_clip_of_each_stretch(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    rows = ["call.wav,0,2,r1,anger", "call.wav,2,4,r1,fear", "call.wav,0,2,r2,anger", "call.wav,2,4,r2,calm"]
    path.write_text("file,start,stop,rater,label\n" + "\n".join(rows))
    assert [(clip.name, clip.votes) for clip in read_table(path).clips] == [
        ("call.wav#0-2", {"anger": 2}),
        ("call.wav#2-4", {"fear": 1, "calm": 1}),
    ]


def test_an_empty_field_at_the_end_of_every_row_does_not_shift_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("file,label\na.wav,anger,\nb.wav,,\n")
    assert [(clip.name, clip.label) for clip in read_table(path).clips] == [("a.wav", "anger"), ("b.wav", None)]


@pytest.mark.parametrize("rows", ["a.wav,anger,loud\nb.wav,sad,\n", "a.wav,anger,very,loud\nb.wav\n"])
def test_rows_with_more_fields_than_the_header_are_refused(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("file,label\n" + rows)
    with pytest.raises(RequestError, match="more fields than the header"):
        read_table(path)


@pytest.mark.parametrize("name", ["clips.jsonl", "clips.parquet"])
def test_whole_numbers_stay_whole_where_another_row_says_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = [{"file": "a.wav", "label": 0, "speaker": 7, "age": 31.5}, {"file": "b.wav", "label": None}]
    if path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    first, second = read_table(path).clips
    assert (first.label, first.speaker, first.attributes) == ("0", "7", {"age": "31.5"})
    assert (second.label, second.speaker, second.attributes) == (None, None, {})


def test_whole_numbers_that_pandas_wrote_as_fractions_are_whole_again(tmp_path: Path) -> None:
    path = tmp_path / "clips.parquet"
    pd.DataFrame({"file": ["a.wav", "b.wav"], "label": [2, None], "speaker": [1, None]}).to_parquet(path)
    first, second = read_table(path).clips
    assert (first.label, first.speaker, second.label, second.speaker) == ("2", "1", None, None)


def test_a_category_that_a_row_lacks_is_no_label(tmp_path: Path) -> None:
    path = tmp_path / "clips.parquet"
    pd.DataFrame({"file": ["a.wav", "b.wav"], "label": pd.Categorical(["anger", None])}).to_parquet(path)
    assert [clip.label for clip in read_table(path).clips] == ["anger", None]


def test_the_numbers_that_pandas_gives_rows_are_no_column(tmp_path: Path) -> None:
    path = tmp_path / "clips.parquet"
    pd.DataFrame({"file": ["a.wav", "b.wav"]}, index=[7, 3]).to_parquet(path)
    assert [clip.attributes for clip in read_table(path).clips] == [{}, {}]


def test_a_line_of_json_ends_where_the_line_does(tmp_path: Path) -> None:
    path = tmp_path / "clips.jsonl"
    path.write_text('{"file": "a.wav", "text": "a\u2028b"}\r\n{"file": "b.wav"}\n', encoding="utf-8", newline="")
    assert [(clip.name, clip.text_id) for clip in read_table(path).clips] == [("a.wav", "a\u2028b"), ("b.wav", None)]


@pytest.mark.parametrize(
    ("content", "words"), [("", "is empty"), ('{"file": ' + "[" * 100_000, "line 1 is nested too deeply")]
)
def test_a_bad_file_of_json_lines_is_one_sentence(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "clips.jsonl"
    path.write_text(content)
    with pytest.raises(RequestError, match=words):
        read_table(path)


def test_a_row_in_the_home_of_nobody_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("file\n~no-such-user/a.wav\nb.wav\n")
    first, second = read_table(path).clips
    assert (first.name, second.audio) == ("~no-such-user/a.wav", AudioFile(tmp_path / "b.wav"))
    with pytest.raises(UndecodableAudio, match="does not exist"):
        first.audio.waveform()


@pytest.mark.skipif(os.name == "nt", reason="there a backslash separates folders in any case")
def test_paths_that_were_written_on_windows_are_found(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    (tmp_path / "odd\\name.wav").touch()
    path.write_text("file\naudio\\a.wav\n..\\b.wav\nodd\\name.wav\nC:\\calls\\c.wav\n\\\\host\\share\\d.wav\n")
    *found, drive, share = read_table(path).clips
    assert [clip.name for clip in found] == ["audio\\a.wav", "..\\b.wav", "odd\\name.wav"]
    places = ("audio/a.wav", "../b.wav", "odd\\name.wav")
    assert [clip.audio for clip in found] == [AudioFile(tmp_path / place) for place in places]
    for clip in (drive, share):
        with pytest.raises(UndecodableAudio, match="drive of Windows: write paths relative"):
            clip.audio.waveform()


@pytest.mark.parametrize("header", ["file,label,label", "file, label,label ", "file,emotion,Speaker,Speaker,emotion"])
def test_two_columns_of_one_name_are_refused_where_one_would_be_read(tmp_path: Path, header: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(f"{header}\na.wav,anger,sadness\n")
    with pytest.raises(RequestError, match=r"two of its columns are called '(label|emotion)'; rename one"):
        read_table(path)


def test_two_columns_of_one_name_without_a_role_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("file,remark,remark\na.wav,x,y\n")
    assert read_table(path).clips[0].attributes == {"remark": "x", "remark.1": "y"}
