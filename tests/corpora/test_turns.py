from pathlib import Path

import pytest

from benchmark.corpora.audio_sources import AudioFile, UnusableAudio
from benchmark.corpora.clips import Clip
from benchmark.corpora.rows import parse_columns
from benchmark.corpora.turns import TurnClip, Turns, read_turns
from benchmark.errors import RequestError


def turns_of(folder: Path, text: str, *recordings: str, columns: tuple[str, ...] = ()) -> Turns:
    (folder / "turns.csv").write_text(text)
    clips = [Clip(name=name, audio=AudioFile(folder / name)) for name in recordings or ("a.wav", "b.wav")]
    return read_turns(folder / "turns.csv", clips, columns=parse_columns(columns))


def stretches(turns: Turns) -> list[tuple[str, float | None, float | None, str | None]]:
    rows = [clip for clip in turns.clips if isinstance(clip, TurnClip)]
    assert all(isinstance(clip.audio, AudioFile) and clip.audio.start_s == clip.turn.start_s for clip in rows)
    return [(clip.name, clip.turn.start_s, clip.turn.end_s, clip.turn.speaker) for clip in rows]


def test_turns_stand_by_recording_with_their_times_and_speakers(tmp_path: Path) -> None:
    text = "recording,start,end,speaker\nb.wav,0,2,anna\na,1.5,3,ben\n./b.wav,2,4,\n"
    turns = turns_of(tmp_path, text)
    assert stretches(turns) == [("a.wav", 1.5, 3, "ben"), ("b.wav", 0, 2, "anna"), ("b.wav", 2, 4, None)]
    assert [clip.turn.row for clip in turns.clips if isinstance(clip, TurnClip)] == [2, 1, 3]
    assert turns.notes == ()


def test_columns_of_other_names_are_chosen(tmp_path: Path) -> None:
    text = "call,from,seconds,who\na.wav,1,2,anna\n"
    columns = ("file=call", "start=from", "duration=seconds", "speaker=who")
    assert stretches(turns_of(tmp_path, text, "a.wav", columns=columns)) == [("a.wav", 1, 3, "anna")]
    with pytest.raises(RequestError, match=r"no column with the start of .*it has call, from.*--column start="):
        turns_of(tmp_path, text, columns=("file=call",))


def test_wrong_times_are_turns_that_cannot_be_heard_and_say_why(tmp_path: Path) -> None:
    text = "recording,start,end\na.wav,x,2\na.wav,3,3\na.wav,5,4\na.wav,,4\na.wav,1,\na.wav,-1,2\na.wav,1,2\n"
    *wrong, right, without = turns_of(tmp_path, text).clips
    assert [clip.audio.reason for clip in (*wrong, without) if isinstance(clip.audio, UnusableAudio)] == [
        "Its start, 'x', is no number of seconds.",
        "It ends at 3 s, which is not after its start at 3 s.",
        "It ends at 4 s, which is not after its start at 5 s.",
        "Its start is empty.",
        "Its stop is empty.",
        "Its start, '-1', is no time in a recording.",
        f"{tmp_path / 'turns.csv'} has no turn of it.",
    ]
    assert isinstance(right.audio, AudioFile)


def test_what_overlaps_or_is_of_other_recordings_is_counted(tmp_path: Path) -> None:
    text = "recording,start,end\na.wav,0,5\na.wav,4,6\na.wav,4.5,7\na.wav,7,8\nc.wav,0,1\nd/b.wav,0,1\n"
    others, overlaps = turns_of(tmp_path, text).notes
    assert others.startswith("1 of 6 turns in ")
    assert others.endswith("are of other recordings, and are left out: c.wav.")
    assert overlaps.startswith("2 of 6 turns in ")
    with pytest.raises(RequestError, match="no turn of these recordings: it names e"):
        turns_of(tmp_path, "recording,start,end\ne.wav,0,1\n")
