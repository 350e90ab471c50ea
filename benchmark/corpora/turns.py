"""Turns of a conversation: stretches of recordings in which one person speaks, from a table of the user."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.corpora.audio_sources import AudioFile, UnusableAudio
from benchmark.corpora.clips import Clip
from benchmark.corpora.rows import COLUMN_NAMES, Columns, read_rows
from benchmark.corpora.table import locate, read_table_rows
from benchmark.errors import RequestError, shorten
from benchmark.results.timelines import Turn

# Times in tables are rounded.
_TOLERATED_S = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnClip(Clip):
    """One turn of a recording, whose name it has."""

    turn: Turn


@dataclass(frozen=True)
class Turns:
    """The turns of some recordings.

    Attributes:
        clips: By recording, in the order of the table; a recording without a turn is a clip that cannot be read.
        notes: Sentences for the user on how the table was read.
    """

    clips: tuple[Clip, ...]
    notes: tuple[str, ...]


def read_turns(path: Path, recordings: Sequence[Clip], *, columns: Mapping[str, str]) -> Turns:
    """Read turns from a table with a row for each: the recording, start and end in seconds, and perhaps a speaker.

    A row belongs to the recording at its path, which is relative to the table, or else to the only one with its file
    name, with or without the ending. A turn whose times are wrong is a clip that cannot be read.

    Args:
        path: CSV, TSV, JSON lines or Parquet.
        recordings: Whole recordings in files.
        columns: Role → the column that has it; others are found by name.

    Raises:
        RequestError: The table cannot be read, lacks a column, or has no turn of these recordings.
    """
    found, rows = read_table_rows(path, columns=columns)
    _require_times(path, found, list(rows[0]))
    described = replace(found, by_role={role: own for role, own in found.by_role.items() if role != "rater"}, votes={})
    stretches = read_rows(str(path), described, rows, lambda location: locate(location, path.parent)).clips
    by_name = _Recordings.of(recordings)
    turns: dict[int, list[TurnClip]] = defaultdict(list)
    others: list[str] = []
    for number, (row, stretch) in enumerate(zip(rows, stretches, strict=True), start=1):
        name = row[found.by_role["file"]].strip()
        index = by_name.find(name, path.parent)
        if index is None:
            others.append(name)
        else:
            turns[index].append(_turn(recordings[index], stretch, number, missing=_missing_time(found, row)))
    if not turns:
        raise RequestError(
            f"{path} has no turn of these recordings: it names {shorten(list(dict.fromkeys(others)))}. Write the names "
            "of the files, or paths relative to the table."
        )
    clips: list[Clip] = []
    for index, recording in enumerate(recordings):
        untold = replace(recording, audio=UnusableAudio(f"{path} has no turn of it."))
        clips += turns.get(index) or [untold]
    return Turns(tuple(clips), (*found.notes, *_notes(path, turns.values(), others, len(rows))))


@dataclass(frozen=True)
class _Recordings:
    """Positions of recordings by path, and by the file names that only one of them has."""

    by_path: Mapping[Path, int]
    by_name: Mapping[str, int]

    @classmethod
    def of(cls, recordings: Sequence[Clip]) -> "_Recordings":
        paths = [Path(recording.audio.location) for recording in recordings if isinstance(recording.audio, AudioFile)]
        named: dict[str, set[int]] = defaultdict(set)
        for index, path in enumerate(paths):
            for name in (path.name, path.stem):
                named[name].add(index)
        return cls(
            {path.resolve(): index for index, path in enumerate(paths)},
            {name: min(indices) for name, indices in named.items() if len(indices) == 1},
        )

    def find(self, name: str, folder: Path) -> int | None:
        audio = locate(name, folder)
        if not isinstance(audio, AudioFile):
            return None
        return self.by_path.get(audio.path.resolve(), self.by_name.get(audio.path.name))


def _require_times(path: Path, columns: Columns, present: Sequence[str]) -> None:
    missing = [role for role in ("start", "stop") if role not in columns.by_role]
    if "duration" in columns.by_role and missing == ["stop"]:
        return
    if missing:
        raise RequestError(
            f"{path} has no column with the {missing[0]} of each turn ({', '.join(COLUMN_NAMES[missing[0]])}); it has "
            f"{shorten(present)}. Say which by `--column {missing[0]}=NAME`."
        )


def _missing_time(columns: Columns, row: Mapping[str, str]) -> str | None:
    """Which time a row lacks; a table of clips may leave them out."""
    has = {
        role: bool(row[columns.by_role[role]].strip())
        for role in ("start", "stop", "duration")
        if role in columns.by_role
    }
    if not has["start"]:
        return "start"
    return None if has.get("stop") or has.get("duration") else "stop"


def _turn(recording: Clip, stretch: Clip, row: int, *, missing: str | None) -> TurnClip:
    audio, turn = stretch.audio, Turn(row=row, speaker=stretch.speaker)
    if missing is not None:
        audio = UnusableAudio(f"Its {missing} is empty.")
    elif isinstance(audio, AudioFile) and isinstance(recording.audio, AudioFile):
        turn = turn.model_copy(update={"start_s": audio.start_s, "end_s": audio.stop_s})
        audio = replace(recording.audio, start_s=audio.start_s, stop_s=audio.stop_s)
    return TurnClip(name=recording.name, audio=audio, speaker=stretch.speaker, turn=turn)


def _notes(path: Path, turns: Iterable[Sequence[TurnClip]], others: Sequence[str], rows: int) -> list[str]:
    notes = []
    if others:
        names = shorten(list(dict.fromkeys(others)))
        notes.append(f"{len(others)} of {rows} turns in {path} are of other recordings, and are left out: {names}.")
    if overlapping := sum(_count_overlapping(own) for own in turns):
        notes.append(f"{overlapping} of {rows} turns in {path} begin before another ends: the overlap counts in each.")
    return notes


def _count_overlapping(turns: Sequence[TurnClip]) -> int:
    """How many turns begin before one that began earlier, or in an earlier row, has ended."""
    times = sorted(
        (clip.turn.start_s, clip.turn.end_s)
        for clip in turns
        if clip.turn.start_s is not None and clip.turn.end_s is not None
    )
    count, latest = 0, 0.0
    for start, end in times:
        count += start < latest - _TOLERATED_S
        latest = max(latest, end)
    return count
