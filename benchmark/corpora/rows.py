"""From rows of text to clips: where each lies, which stretch of its file it is, and what raters said of it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmark.corpora.clips import AudioFile, AudioSource, Clip
from benchmark.corpora.columns import Columns
from benchmark.corpora.ratings import Rating, count_votes, join_ratings
from benchmark.corpora.sources import AudioAddress, AudioSegment, UnusableAudio

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
    if isinstance(located, AudioAddress):
        return located if stretch is None else AudioAddress(located.address, stretch.start_s, stretch.stop_s)
    return AudioFile(located) if stretch is None else AudioSegment(located, stretch.start_s, stretch.stop_s)
