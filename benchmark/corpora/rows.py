"""From the rows of a table to clips: what its columns hold, stretches of files, and votes of raters."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from benchmark.corpora.audio_sources import AudioAddress, AudioFile, AudioSource, UnusableAudio
from benchmark.corpora.clips import Clip, CorpusContents
from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError, did_you_mean, shorten
from benchmark.registry.schema import AnswerRole

COLUMN_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "file": ("file", "file_name", "path", "audio", "recording"),
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
ANSWER_COLUMN_NAMES: Mapping[AnswerRole, tuple[str, ...]] = MappingProxyType(
    {
        "hash": ("hash", "clip_hash"),
        "clip": ("clip", "file", "file_name", "filename", "path", "audio", "recording"),
        "predicted": ("predicted", "prediction", "predicted_emotion", "predicted_label", "answer"),
        "scores": ("scores", "probabilities", "logits"),
        "seconds": ("seconds", "latency_s", "seconds_taken"),
    }
)
"""The same for tables of answers."""
_MAX_LISTED = 40
_VOTES_PREFIX = "votes_"


@dataclass(frozen=True)
class Columns:
    """The columns of one table.

    Attributes:
        by_role: Role → name of the column.
        votes: Label → name of the column that counts the raters who chose it.
        notes: Sentences for the user on columns that might have been meant as well.
    """

    by_role: Mapping[str, str]
    votes: Mapping[str, str]
    notes: tuple[str, ...] = ()


def parse_columns(texts: Iterable[str], *, roles: Collection[str] = COLUMN_NAMES) -> dict[str, str]:
    """Read what `--column` says: role → name of the column. A usual name of a role stands for it, such as `end`.

    Args:
        roles: Those that there are.

    Raises:
        RequestError: One is no ROLE=NAME, has an unknown role, or says of a role again.

    Examples:
        >>> parse_columns(["label=emotion_code", "speaker=agent"])
        {'label': 'emotion_code', 'speaker': 'agent'}
        >>> parse_columns(["recording=call", "end=until"])
        {'file': 'call', 'stop': 'until'}
    """
    columns: dict[str, str] = {}
    for text in texts:
        role, equals, name = (part.strip() for part in text.partition("="))
        if not (role and equals and name):
            raise RequestError(f"--column wants ROLE=NAME, such as label=emotion_code, and not {text!r}.")
        if role not in roles:
            role = next((own for own in roles if role in COLUMN_NAMES.get(own, ())), role)
        if role not in roles:
            known = did_you_mean(role, roles, otherwise="the roles are")
            raise RequestError(f"--column {text}: there is no role {role!r}{known}.")
        if columns.setdefault(role, name) != name:
            raise RequestError(f"--column names two columns for the {role}: {columns[role]!r} and {name!r}; keep one.")
    return columns


def find_columns(table: str, present: Sequence[str], chosen: Mapping[str, str]) -> Columns:
    """Find the columns with a role, by their names or as the user chose them.

    Case, spaces and hyphens in names do not matter (a spreadsheet's "File Name" is `file_name`); the first of the usual
    names wins. A duration without a start describes the file and has no role.

    Args:
        table: What the user calls it.
        chosen: Role → name, from the user.

    Raises:
        RequestError: A chosen column is absent, or there is none of audio.

    Examples:
        >>> find_columns("t.csv", ["Path", "votes_anger", "duration"], {})
        Columns(by_role={'file': 'Path'}, votes={'anger': 'votes_anger'}, notes=())
    """
    if absent := [column for column in chosen.values() if column not in present]:
        raise RequestError(f"{table} has no column {absent[0]!r}; it has {shorten(present, _MAX_LISTED)}.")
    by_usual_name = {usual_name(column): column for column in reversed(present)}
    roles = {
        role: column
        for role, names in COLUMN_NAMES.items()
        if (column := chosen.get(role) or next((by_usual_name[n] for n in names if n in by_usual_name), None))
    }
    if "file" not in roles:
        raise RequestError(
            f"{table} has no column of audio paths ({', '.join(COLUMN_NAMES['file'])}); it has "
            f"{shorten(present, _MAX_LISTED)}. Say which by `--column file=NAME`."
        )
    if "start" not in roles:
        roles.pop("duration", None)
    votes = {
        column[len(_VOTES_PREFIX) :]: column
        for column in present
        if column.lower().startswith(_VOTES_PREFIX) and len(column) > len(_VOTES_PREFIX)
    }
    notes = []
    for role in ("label", "speaker"):
        others = [name for name in present if usual_name(name) in COLUMN_NAMES[role] and name != roles[role]]
        if others and role not in chosen:
            notes.append(
                f"The {role} is read from the column {roles[role]!r}; {', '.join(map(repr, others))} might be meant "
                f"as well: say which by `--column {role}=NAME`."
            )
    return Columns(roles, votes, tuple(notes))


def is_usual_name(name: str) -> bool:
    """Whether a column of this name usually has a role.

    Examples:
        >>> is_usual_name("Speaker ID"), is_usual_name("remarks")
        (True, False)
    """
    return any(usual_name(name) in names for names in COLUMN_NAMES.values())


def usual_name(name: str) -> str:
    """The name of a column as it is compared with usual ones.

    Examples:
        >>> usual_name("File Name")
        'file_name'
    """
    return "_".join(name.lower().replace("-", " ").replace("_", " ").split())


_HINTS = {
    "label": ("emotion", "label", "class", "affect", "mood", "sentiment"),
    "speaker": ("speaker", "actor", "agent", "talker", "subject", "participant", "person", "spk"),
}
"""Role → what the name of a column with it often contains."""
_FEWEST_EMOTIONS = 2
Located = AudioFile | AudioAddress | UnusableAudio
_LONGEST_ATTRIBUTE = 80
"""In characters: longer texts do not group clips, and are cut."""
# What libraries write into tables for missing values.
_MISSING = frozenset({"nan", "<na>", "nat"})
# What people write for an unknown speaker; never read as a label, an intensity (which may be `none`) or a language
# (`na` is Nauru's).
_UNKNOWN_SPEAKER = _MISSING | {"na", "n/a", "none", "null", "unknown", "unk", "?", "-", "–"}
_DESCRIPTIONS = ("label", "speaker", "sex", "language", "text_id", "intensity")


def read_rows(
    table: str, columns: Columns, rows: Sequence[Mapping[str, str]], locate: Callable[[str], Located]
) -> CorpusContents:
    """Make clips of the rows of a table.

    Args:
        table: What the user calls it.
        rows: Column → text, empty where there is nothing.
        locate: Finds the audio that a text in the column of files names.

    Raises:
        RequestError: A number of raters is not a whole number.
    """
    clips = [_read_row(table, columns, row, locate) for row in rows]
    notes = columns.notes + _suggestions(columns, rows)
    rater = columns.by_role.get("rater")
    if rater is None or columns.votes:
        return CorpusContents(tuple(clips), notes)
    joined, of_ratings = join_ratings(clips, [row[rater].strip() for row in rows])
    return CorpusContents(joined, notes + of_ratings)


def _suggestions(columns: Columns, rows: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Name columns that may hold the labels or the speakers, where no column has such a name."""
    used = {*columns.by_role.values(), *columns.votes.values()}
    unused = [column for column in rows[0] if column not in used] if rows else []
    notes = []
    for role in ("label", "speaker"):
        if not unused or role in columns.by_role or (role == "label" and columns.votes):
            continue
        likely = [column for column in unused if any(hint in usual_name(column) for hint in _HINTS[role])]
        if role == "label":
            # What a column holds says more than what it is called.
            likely = [column for column in unused if _holds_emotions(rows, column)] or likely
        remedy = f"did you mean `--column {role}={likely[0]}`?" if likely else f"`--column {role}=NAME` says which."
        notes.append(f"No column is called {role}; unused are {shorten(unused, _MAX_LISTED)}: {remedy}")
    return tuple(notes)


def _holds_emotions(rows: Sequence[Mapping[str, str]], column: str) -> bool:
    values = {row[column].strip() for row in rows} - {""}
    emotions = [value for value in values if len(value) <= _LONGEST_ATTRIBUTE and emotion_of(value) is not None]
    return len(emotions) >= _FEWEST_EMOTIONS and len(emotions) >= len(values) / 2


def _read_row(table: str, columns: Columns, row: Mapping[str, str], locate: Callable[[str], Located]) -> Clip:
    cells = {role: row[column].strip() for role, column in columns.by_role.items()}
    descriptions: dict[str, str | None] = {role: cells.get(role) or None for role in _DESCRIPTIONS}
    for role in ("speaker", "sex"):
        if cells.get(role, "").lower() in _UNKNOWN_SPEAKER:
            descriptions[role] = None
    name, audio = _locate_clip(cells, locate)
    with_role = {*columns.by_role.values(), *columns.votes.values()}
    attributes = {column: text.strip() for column, text in row.items() if column not in with_role}
    return Clip(
        name=name,
        audio=audio,
        votes=count_votes(table, {label: row[column] for label, column in columns.votes.items()}),
        attributes={
            column: text if len(text) <= _LONGEST_ATTRIBUTE else text[: _LONGEST_ATTRIBUTE - 1] + "…"
            for column, text in attributes.items()
            if text and text.lower() not in _MISSING
        },
        **descriptions,
    )


def _locate_clip(cells: Mapping[str, str], locate: Callable[[str], Located]) -> tuple[str, AudioSource]:
    """The name of a clip, which distinguishes stretches of one file, and its audio."""
    name, texts = cells["file"], {role: cells.get(role, "") for role in ("start", "stop", "duration")}
    audio = locate(name)
    if not any(texts.values()):
        return name, audio
    try:
        start, stop = read_stretch(texts)
    except ValueError as error:
        return name, UnusableAudio(str(error))
    name = f"{name}#{start:g}-" + ("" if stop is None else f"{stop:g}")
    return name, audio if isinstance(audio, UnusableAudio) else replace(audio, start_s=start, stop_s=stop)


def read_stretch(texts: Mapping[str, str]) -> tuple[float, float | None]:
    """Read the start and the end of a stretch, in seconds; None is the end of the recording.

    Args:
        texts: What the row says, by the roles `start`, `stop` and `duration`; empty where it says nothing.

    Raises:
        ValueError: With a sentence, where they are no such times.

    Examples:
        >>> read_stretch({"start": "1.5", "stop": "", "duration": "2"})
        (1.5, 3.5)
    """
    seconds: dict[str, float] = {}
    for role, text in texts.items():
        try:
            seconds[role] = float(text) if text else math.nan
        except ValueError:
            raise ValueError(f"Its {role}, {text!r}, is no number of seconds.") from None
        if text and not (math.isfinite(seconds[role]) and seconds[role] >= 0):
            raise ValueError(f"Its {role}, {text!r}, is no time in a recording.")
    start = seconds["start"] if texts["start"] else 0.0
    stop = seconds["stop"] if texts["stop"] else start + seconds["duration"]
    if stop <= start:
        raise ValueError(f"It ends at {stop:g} s, which is not after its start at {start:g} s.")
    return start, None if math.isnan(stop) else stop


def count_votes(table: str, counts: Mapping[str, str]) -> dict[str, int] | None:
    """Read the counts of raters in one row: label → the text in its column; None where nobody chose one.

    Raises:
        RequestError: A count is not a whole number of people.

    Examples:
        >>> count_votes("t.csv", {"anger": "2", "fear": "", "calm": "1.0"})
        {'anger': 2, 'calm': 1}
    """
    votes = {}
    for label, text in counts.items():
        try:
            number = float(text.strip() or 0)
        except ValueError:
            number = -1.0
        if not (number >= 0 and number.is_integer()):
            raise RequestError(
                f"{table}: {text.strip()!r} in the column 'votes_{label}' is not a number of raters (0, 1, 2, …)."
            )
        if number:
            votes[label] = int(number)
    return votes or None


def join_ratings(rows: Sequence[Clip], raters: Sequence[str]) -> tuple[tuple[Clip, ...], tuple[str, ...]]:
    """Make one clip of all the rows that rate it, in the order of the first rows, and notes for the user.

    Rows of one clip have the same name and the labels of their raters; an empty rater is unknown. Where a rater rated a
    clip twice, the last rating counts. Everything but the label is taken from the first row that has it. Where no clip
    has two ratings, the ratings are labels.
    """
    by_clip: dict[str, dict[str, Clip]] = defaultdict(dict)
    for index, (row, rater) in enumerate(zip(rows, raters, strict=True)):
        # Rows without a rater are different people.
        by_clip[row.name][rater or f"\0{index}"] = row
    replaced = len(rows) - sum(map(len, by_clip.values()))
    notes = (f"{replaced} ratings are by somebody who rated the clip again: the last one counts.",) if replaced else ()
    if all(len(ratings) == 1 for ratings in by_clip.values()):
        return tuple(row for ratings in by_clip.values() for row in ratings.values()), notes
    return tuple(_join(list(ratings.values())) for ratings in by_clip.values()), notes


def _join(rows: Sequence[Clip]) -> Clip:
    votes = Counter(row.label for row in rows if row.label is not None)
    described: dict[str, Any] = {
        role: next((value for row in rows if (value := getattr(row, role)) is not None), None)
        for role in _DESCRIPTIONS
        if role != "label"
    }
    attributes = {name: value for row in reversed(rows) for name, value in row.attributes.items()}
    return replace(rows[0], label=None, votes=dict(votes) or None, attributes=attributes, **described)
