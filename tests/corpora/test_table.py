import json
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.audio_sources import AudioAddress, AudioFile
from benchmark.corpora.clips import Clip
from benchmark.corpora.table import read_table
from benchmark.errors import RequestError
from tests.support.audio import waveform_of

Read = Callable[..., tuple[Clip, ...]]
ROWS = [
    {"file_name": "audio/a.wav", "emotion": "anger", "speaker": "01", "sex": "female", "lang": "ko", "text_id": "t1"},
    {"file_name": "audio/b.wav", "emotion": "분노", "speaker": "02", "sex": "", "lang": "ko", "text_id": "NA"},
]
WRITERS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "clips.csv": lambda frame, path: frame.to_csv(path, index=False),
    "clips.tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "clips.jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True, force_ascii=False),
    "clips.parquet": lambda frame, path: frame.to_parquet(path),
}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Give a function that writes a table and reads its clips."""

    def write_and_read(
        content: str | bytes | pd.DataFrame, name: str = "clips.csv", columns: dict[str, str] | None = None
    ) -> tuple[Clip, ...]:
        path = tmp_path / name
        if isinstance(content, pd.DataFrame):
            WRITERS[name](content, path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, columns=columns).clips

    return write_and_read


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_of_too_many_columns_is_refused_with_the_limit(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    row = {"file": "a.wav", "label": "anger", **{f"feature {index}": "0" for index in range(99_998)}}
    if path.suffix == ".parquet":
        pq.write_table(pa.table({column: [text] for column, text in row.items()}), path)
    elif path.suffix == ".jsonl":
        path.write_text(json.dumps(row))
    else:
        separator = "\t" if path.suffix == ".tsv" else ","
        path.write_text(f"{separator.join(row)}\n{separator.join(row.values())}\n")
    with pytest.raises(RequestError, match=r"100,000 columns, and a table of clips may have 10,000; keep what"):
        read_table(path)


def test_a_table_that_is_too_long_or_too_large_is_one_sentence_before_it_takes_memory(tmp_path: Path) -> None:
    rows = pa.DictionaryArray.from_arrays(pa.nulls(5_000_000, pa.int8()), pa.array(["a.wav"]))
    pq.write_table(pa.table({"file": rows}), tmp_path / "small.parquet")
    (tmp_path / "lines.csv").write_text("file\n" + "a\n" * 1_000_001)
    (tmp_path / "lines.jsonl").write_text("\n" * 1_000_002)
    for name in ("small.parquet", "lines.csv", "lines.jsonl"):
        with pytest.raises(RequestError, match="more than 1,000,000 rows"):
            read_table(tmp_path / name)
    (tmp_path / "sparse.tsv").touch()
    os.truncate(tmp_path / "sparse.tsv", 60_000_000_000)
    with pytest.raises(RequestError, match="60,000,000,000 bytes, and a table of clips may have 250,000,000"):
        read_table(tmp_path / "sparse.tsv")


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_clips(read: Read, tmp_path: Path, name: str) -> None:
    first, second = read(pd.DataFrame(ROWS), name)
    assert (first.name, first.label, first.speaker, first.sex) == ("audio/a.wav", "anger", "01", "female")
    assert first.audio == AudioFile(tmp_path / "audio/a.wav")
    assert (second.label, second.sex, second.language, second.text_id) == ("분노", None, "ko", "NA")


@pytest.mark.parametrize(
    ("content", "clips"),
    [
        ("\ufeffPath;Label\na.wav;Freude\n", [("a.wav", "Freude")]),
        ("file,label\na.wav,anger,\nb.wav,,\n", [("a.wav", "anger"), ("b.wav", None)]),
        ("sep=;\nfile;label\na,b.wav;anger\n", [("a,b.wav", "anger")]),
        ("\ufeffSEP=|\nfile|label\na,b.wav|anger\n", [("a,b.wav", "anger")]),
        ('"sep=;"\nfile;label\na,b.wav;anger\n', [("a,b.wav", "anger")]),
        ("sep=\t\nfile\tlabel\na,b.wav\tanger\n", [("a,b.wav", "anger")]),
    ],
)
def test_tables_of_spreadsheets_are_read(read: Read, content: str, clips: list[tuple[str, str | None]]) -> None:
    assert [(clip.name, clip.label) for clip in read(content)] == clips


def test_a_column_can_be_named(read: Read) -> None:
    content = "wav,annotation,emotion\na.wav,anger,sadness\n"
    assert read(content, columns={"file": "wav", "label": "annotation"})[0].label == "anger"
    with pytest.raises(RequestError, match="no column 'sound'"):
        read(content, columns={"file": "sound"})


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("clips.csv", "", "empty"),
        ("clips.csv", "file,label\n", "no rows"),
        ("clips.csv", "wav,label\na.wav,anger\n", "no column of audio paths"),
        ("clips.csv", "file,label\n,anger\n", "name no file"),
        ("clips.csv", "file,label\na.wav,anger\n,anger\n", r"1 of 2 rows name no file .* \(row 2 below the heading\)"),
        ("clips.csv", "file,label\na.wav,anger,x,y\nb.wav\n", "cannot be read|name no file|no column"),
        ("clips.csv", "file,label\na.wav,anger,loud\nb.wav,sad,\n", "more fields than the header"),
        ("clips.csv", "file,label\na.wav,anger,very,loud\nb.wav\n", "more fields than the header"),
        ("clips.csv", "file,label\na.wav,Ärger\n".encode("latin-1"), "UTF-8"),
        ("clips.csv", "file,label,label\na.wav,x,y\n", "two of its columns are called 'label'; rename one"),
        ("clips.csv", "file, label,label \na.wav,x,y\n", "two of its columns are called 'label'; rename one"),
        ("clips.csv", "file,emotion,Speaker,emotion\na.wav,x,y,z\n", "two of its columns are called 'emotion'"),
        ("clips.jsonl", "", "is empty"),
        ("clips.jsonl", '{"file": "a.wav"}\n\n{"file": ', "line 3"),
        ("clips.jsonl", '{"file": "a.wav"}\n\n[1, 2]', "line 3"),
        ("clips.jsonl", '{"file": ' + "[" * 100_000, "line 1 is nested too deeply"),
        ("clips.jsonl", b"\x00\x01not a table", "clips"),
        ("clips.parquet", b"\x00\x01not a table", "clips"),
        ("clips.xlsx", b"\x00\x01not a table", "clips"),
    ],
)
def test_a_bad_table_is_one_sentence(read: Read, name: str, content: str | bytes, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read(content, name)


def test_a_date_beyond_the_calendar_is_one_sentence(tmp_path: Path) -> None:
    days = pa.array([2**30], type=pa.int32()).cast(pa.date32())
    pq.write_table(pa.table({"file": ["a.wav"], "recorded": days}), tmp_path / "clips.parquet")
    with pytest.raises(RequestError, match=r"cannot be read as parquet: .*days"):
        read_table(tmp_path / "clips.parquet")


def test_a_missing_table_and_a_folder_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="does not exist"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(RequestError, match="folder"):
        read_table(tmp_path)


def test_a_stretch_of_a_long_file_is_a_clip(read: Read, tmp_path: Path) -> None:
    content = "file,begin,end,duration\ncall.wav,1.5,3,\ncall.wav,3,,2.5\ncall.wav,10,,\ncall.wav,,2,\ncall.wav,,,\n"
    path = tmp_path / "call.wav"
    assert [(clip.name, clip.audio) for clip in read(content)] == [
        ("call.wav#1.5-3", AudioFile(path, 1.5, 3.0)),
        ("call.wav#3-5.5", AudioFile(path, 3.0, 5.5)),
        ("call.wav#10-", AudioFile(path, 10.0, None)),
        ("call.wav#0-2", AudioFile(path, 0.0, 2.0)),
        ("call.wav", AudioFile(path)),
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
def test_a_row_with_bad_times_is_a_failed_clip_with_the_reason(read: Read, times: str, words: str) -> None:
    (clip,) = read(f"file,start,stop,label\ncall.wav,{times},anger\n")
    assert clip.label == "anger"
    with pytest.raises(UndecodableAudio, match=words):
        waveform_of(clip)


def test_addresses_stand_beside_paths(read: Read, tmp_path: Path) -> None:
    content = f"file,start,stop\nhttps://host/a%20b.wav,,\ns3://bucket/a.wav,1,2\nfile://{tmp_path}/a%20b.wav,,\n"
    assert [clip.audio for clip in read(content)] == [
        AudioAddress("https://host/a%20b.wav"),
        AudioAddress("s3://bucket/a.wav", 1.0, 2.0),
        AudioFile(tmp_path / "a b.wav"),
    ]


def test_counts_of_raters_are_votes_and_a_label_beside_them_stays(read: Read) -> None:
    clips = read("file,label,votes_anger,votes_기쁨\na.wav,anger,2,1\nb.wav,,,3\n")
    assert [(clip.label, clip.votes) for clip in clips] == [("anger", {"anger": 2, "기쁨": 1}), (None, {"기쁨": 3})]


def test_a_row_for_each_rating_makes_one_clip_of_each_stretch(read: Read) -> None:
    rows = ["call.wav,0,2,r1,anger", "call.wav,2,4,r1,fear", "call.wav,0,2,r2,anger", "call.wav,2,4,r2,calm"]
    clips = read("file,start,stop,rater,label\n" + "\n".join(rows))
    assert [(clip.name, clip.votes) for clip in clips] == [
        ("call.wav#0-2", {"anger": 2}),
        ("call.wav#2-4", {"fear": 1, "calm": 1}),
    ]


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


def test_what_pandas_adds_to_a_parquet_is_undone(read: Read) -> None:
    """It writes whole numbers as fractions if some are missing, and the numbers of rows as a column."""
    categories = pd.Categorical(["anger", None])
    frame = pd.DataFrame({"file": ["a.wav", "b.wav"], "label": categories, "speaker": [1, None]}, index=[7, 3])
    clips = read(frame, "clips.parquet")
    assert [(clip.label, clip.speaker, clip.attributes) for clip in clips] == [("anger", "1", {}), (None, None, {})]


def test_a_line_of_json_ends_where_the_line_does(read: Read) -> None:
    clips = read('{"file": "a.wav", "text": "a\u2028b"}\r\n{"file": "b.wav"}\n', "clips.jsonl")
    assert [(clip.name, clip.text_id) for clip in clips] == [("a.wav", "a\u2028b"), ("b.wav", None)]


def test_a_row_in_the_home_of_nobody_costs_only_itself(read: Read, tmp_path: Path) -> None:
    first, second = read("file\n~no-such-user/a.wav\nb.wav\n")
    assert (first.name, second.audio) == ("~no-such-user/a.wav", AudioFile(tmp_path / "b.wav"))
    with pytest.raises(UndecodableAudio, match="does not exist"):
        waveform_of(first)


@pytest.mark.skipif(os.name == "nt", reason="there a backslash separates folders in any case")
def test_paths_that_were_written_on_windows_are_found(read: Read, tmp_path: Path) -> None:
    (tmp_path / "odd\\name.wav").touch()
    names = ["audio\\a.wav", "..\\b.wav", "odd\\name.wav", "C:\\calls\\c.wav", "\\\\host\\share\\d.wav"]
    *clips, drive, share = read("\n".join(["file", *names]))
    assert [clip.name for clip in clips] == names[:3]
    paths = ("audio/a.wav", "../b.wav", "odd\\name.wav")
    assert [clip.audio for clip in clips] == [AudioFile(tmp_path / path) for path in paths]
    for clip in (drive, share):
        with pytest.raises(UndecodableAudio, match="drive of Windows: write paths relative"):
            waveform_of(clip)


def test_two_columns_of_one_name_without_a_role_are_kept(read: Read) -> None:
    assert read("file,remark,remark\na.wav,x,y\n")[0].attributes == {"remark": "x", "remark.1": "y"}
