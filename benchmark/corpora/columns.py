"""Which column of a table holds what: by its usual names, or as the user says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

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
