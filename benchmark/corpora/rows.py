"""From rows of text to clips: where each lies, which stretch of its file it is, and what raters said of it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from benchmark.corpora.clips import Clip
from benchmark.corpora.sources import AudioAddress, AudioFile, AudioSource, UnusableAudio
from benchmark.errors import RequestError

COLUMN_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "file": ("file", "file_name", "path", "audio"),
        "label": ("label", "emotion"),
        "speaker": ("speaker", "speaker_id", "actor"),
        "sex": ("sex", "gender"),
        "language": ("language", "lang"),
        "text_id": ("text_id", "text"),
        "intensity": ("intensity",),
        "start": ("start", "begin", "start_time"),
        "stop": ("stop", "end", "end_time"),
        "duration": ("duration",),
        "rater": ("rater", "rater_id", "annotator"),
    }
)
"""Role → the names that a column with it usually has, the likeliest first."""
VOTES_PREFIX = "votes_"


@dataclass(frozen=True)
class Columns:
    """The columns of one table.

    Attributes:
        by_role: Role → name of the column.
        votes: Label → name of the column that counts the raters who chose it.
        passed_over: Role → columns that might have had it as well, for those by which scores are made.
    """

    by_role: Mapping[str, str]
    votes: Mapping[str, str]
    passed_over: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: which column was taken where several might have been meant."""
        return tuple(
            f"The {role} is read from the column {self.by_role[role]!r}; {', '.join(map(repr, others))} might be meant "
            f"as well: say which under `columns: {{{role}: …}}` in the registry."
            for role, others in self.passed_over.items()
        )


def find_columns(place: str, present: Sequence[str], chosen: Mapping[str, str]) -> Columns:
    """Find out what the columns of a table hold.

    Names are compared whatever their case, a space or a hyphen being as good as `_` (a spreadsheet's "File Name"); the
    first of the usual names wins. A column named `votes_<label>` counts
    raters. A duration means something only beside a start: alone it merely describes the file.

    Args:
        place: What the user calls the table.
        present: The names of its columns.
        chosen: Role → name, where the user says it.

    Returns:
        The columns that are there.

    Raises:
        RequestError: A role is unknown, a chosen column is absent, or there is none of audio.

    Examples:
        >>> find_columns("t.csv", ["Path", "votes_anger", "duration"], {})
        Columns(by_role={'file': 'Path'}, votes={'anger': 'votes_anger'}, passed_over={})
    """
    if unknown := set(chosen) - set(COLUMN_NAMES):
        raise RequestError(
            f"Unknown role {sorted(unknown)[0]!r} under `columns:`: known are {', '.join(COLUMN_NAMES)}."
        )
    if absent := [column for column in chosen.values() if column not in present]:
        raise RequestError(f"{place} has no column {absent[0]!r}; it has {', '.join(present)}.")
    by_usual_name = {_usual(column): column for column in reversed(present)}
    roles = {
        role: column
        for role, names in COLUMN_NAMES.items()
        if (column := chosen.get(role) or next((by_usual_name[n] for n in names if n in by_usual_name), None))
    }
    if "file" not in roles:
        raise RequestError(
            f"{place} has no column of audio paths ({', '.join(COLUMN_NAMES['file'])}); it has "
            f"{', '.join(present)}. Rename one, or say which under `columns: {{file: …}}` in the registry."
        )
    if "start" not in roles:
        roles.pop("duration", None)
    votes = {
        column[len(VOTES_PREFIX) :]: column
        for column in present
        if column.lower().startswith(VOTES_PREFIX) and len(column) > len(VOTES_PREFIX)
    }
    others = {
        role: tuple(name for name in present if _usual(name) in COLUMN_NAMES[role] and name != roles[role])
        for role in ("label", "speaker")
        if role in roles and role not in chosen
    }
    return Columns(roles, votes, {role: names for role, names in others.items() if names})


def is_usual_name(name: str) -> bool:
    """Whether a column of this name is one that usually has a role.

    Examples:
        >>> is_usual_name("Speaker ID"), is_usual_name("remarks")
        (True, False)
    """
    return any(_usual(name) in names for names in COLUMN_NAMES.values())


def _usual(name: str) -> str:
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split())


@dataclass(frozen=True)
class Rating:
    """One row of a table with a row for each rating.

    Attributes:
        clip: What the row says of the clip, with the rater's label.
        rater: Who rated; empty where the row does not say.
    """

    clip: Clip
    rater: str


def count_votes(place: str, values: Mapping[str, str]) -> dict[str, int] | None:
    """Read the counts of one row.

    Args:
        place: What the user calls the table.
        values: Label → what stands in its column; nothing there is no vote.

    Returns:
        The labels that somebody chose, with how many did; None where nobody rated.

    Raises:
        RequestError: A count is not a whole number of people.

    Examples:
        >>> count_votes("t.csv", {"anger": "2", "fear": "", "calm": "1.0"})
        {'anger': 2, 'calm': 1}
    """
    votes = {label: _count(place, label, value.strip()) for label, value in values.items() if value.strip()}
    return {label: count for label, count in votes.items() if count} or None


def join_ratings(ratings: Sequence[Rating]) -> tuple[tuple[Clip, ...], tuple[str, ...]]:
    """Make one clip of all the rows that rate it.

    Where a rater rated a clip twice, the last rating counts. What else the rows say is taken from the first that says
    it. Where no clip has two ratings, there is nothing to count, and the ratings are labels.

    Args:
        ratings: In the order of the table; rows of one clip share its name.

    Returns:
        The clips in the order of their first rows, and notes for a person.
    """
    by_clip: dict[str, dict[str, Clip]] = {}
    for index, rating in enumerate(ratings):
        # Rows without a rater are different people.
        by_clip.setdefault(rating.clip.name, {})[rating.rater or f"\0{index}"] = rating.clip
    joined = len(ratings) - sum(map(len, by_clip.values()))
    notes = (f"{joined} ratings are by somebody who rated the clip again: the last one counts.",) if joined else ()
    if all(len(rows) == 1 for rows in by_clip.values()):
        return tuple(clip for rows in by_clip.values() for clip in rows.values()), notes
    return tuple(_joined(tuple(rows.values())) for rows in by_clip.values()), notes


def _joined(rows: Sequence[Clip]) -> Clip:
    votes: dict[str, int] = {}
    for row in rows:
        if row.label is not None:
            votes[row.label] = votes.get(row.label, 0) + 1
    first = rows[0]
    return replace(
        first,
        label=None,
        votes=votes or None,
        speaker=_first_said([row.speaker for row in rows]),
        sex=_first_said([row.sex for row in rows]),
        language=_first_said([row.language for row in rows]),
        text_id=_first_said([row.text_id for row in rows]),
        intensity=_first_said([row.intensity for row in rows]),
        attributes={name: value for row in reversed(rows) for name, value in row.attributes.items()},
    )


def _first_said(values: Sequence[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)


def _count(place: str, label: str, value: str) -> int:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not (number >= 0 and number.is_integer()):
        raise RequestError(f"{place}: {value!r} in the column 'votes_{label}' is not a number of raters (0, 1, 2, …).")
    return int(number)


Located = Path | AudioAddress | UnusableAudio
_LONGEST_ATTRIBUTE = 80
"""In characters: what is longer is text that nobody groups clips by, and is cut."""
# What libraries write into tables where they know nothing.
_NOTHING = frozenset({"nan", "<na>", "nat"})
# What people write where they do not know who speaks; never read as a label, an intensity (which may be `none`) or a
# language (`na` is Nauru's).
_NOBODY = _NOTHING | {"na", "n/a", "none", "null", "unknown", "unk", "?", "-", "–"}
_OF_SPEAKERS = frozenset({"speaker", "sex"})
_DESCRIPTIONS = ("label", "speaker", "sex", "language", "text_id", "intensity")


@dataclass(frozen=True)
class TableContents:
    """What a table held.

    Attributes:
        clips: In the order of the rows.
        notes: What a person should know of how it was read.
    """

    clips: tuple[Clip, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a table.

    Attributes:
        place: What the user calls the table.
        columns: Which column holds what.
        values: One mapping per row: name of the column → text, empty where there is nothing.
        locate: From what the column of files says to where the audio lies.
    """

    place: str
    columns: Columns
    values: Sequence[Mapping[str, str]]
    locate: Callable[[str], Located] = field(repr=False)

    def contents(self) -> TableContents:
        """Make clips of the rows.

        Raises:
            RequestError: A count of raters is none.
        """
        if "rater" not in self.columns.by_role or self.columns.votes:
            return TableContents(tuple(map(self._clip, self.values)), self.columns.notes)
        rater = self.columns.by_role["rater"]
        clips, notes = join_ratings([Rating(self._clip(row), row[rater].strip()) for row in self.values])
        return TableContents(clips, self.columns.notes + notes)

    def _clip(self, row: Mapping[str, str]) -> Clip:
        said = {role: row[column].strip() for role, column in self.columns.by_role.items()}
        known = {role: _known(role, said.get(role, "")) for role in _DESCRIPTIONS}
        votes = {label: row[column] for label, column in self.columns.votes.items()}
        stretch = _stretch(said)
        located = self.locate(said["file"])
        return Clip(
            name=said["file"] + (stretch.suffix if isinstance(stretch, _Stretch) else ""),
            audio=UnusableAudio(stretch) if isinstance(stretch, str) else _audio(located, stretch),
            label=known["label"],
            speaker=known["speaker"],
            sex=known["sex"],
            language=known["language"],
            text_id=known["text_id"],
            intensity=known["intensity"],
            votes=count_votes(self.place, votes),
            attributes=self._attributes(row),
        )

    def _attributes(self, row: Mapping[str, str]) -> dict[str, str]:
        """What the columns without a role say, as far as they say anything."""
        said = ((name, value.strip()) for name, value in row.items() if name not in self._with_a_role)
        return {name: _short(value) for name, value in said if value and value.lower() not in _NOTHING}

    @cached_property
    def _with_a_role(self) -> frozenset[str]:
        return frozenset({*self.columns.by_role.values(), *self.columns.votes.values()})


def _known(role: str, text: str) -> str | None:
    """What a cell says; None where it says that nobody knows."""
    return None if role in _OF_SPEAKERS and text.lower() in _NOBODY else text or None


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_ATTRIBUTE else value[: _LONGEST_ATTRIBUTE - 1] + "…"


@dataclass(frozen=True)
class _Stretch:
    start_s: float
    stop_s: float | None

    @property
    def suffix(self) -> str:
        """What tells the clips of one file apart."""
        return f"#{self.start_s:g}-" + ("" if self.stop_s is None else f"{self.stop_s:g}")


def _stretch(said: Mapping[str, str]) -> _Stretch | str | None:
    """The stretch that a row names; None for the whole file, or the reason why it is none."""
    texts = {role: said.get(role, "") for role in ("start", "stop", "duration")}
    if not any(texts.values()):
        return None
    seconds: dict[str, float] = {}
    for role, text in texts.items():
        try:
            seconds[role] = float(text) if text else math.nan
        except ValueError:
            return f"Its {role}, {text!r}, is no number of seconds."
        if text and not (math.isfinite(seconds[role]) and seconds[role] >= 0):
            return f"Its {role}, {text!r}, is no time in a recording."
    start = seconds["start"] if texts["start"] else 0.0
    stop = seconds["stop"] if texts["stop"] else start + seconds["duration"]
    if stop <= start:
        return f"It ends at {stop:g} s, which is not after its start at {start:g} s."
    return _Stretch(start, None if math.isnan(stop) else stop)


def _audio(located: Located, stretch: _Stretch | None) -> AudioSource:
    if isinstance(located, UnusableAudio):
        return located
    times = () if stretch is None else (stretch.start_s, stretch.stop_s)
    if isinstance(located, AudioAddress):
        return AudioAddress(located.address, *times)
    return AudioFile(located, *times)
