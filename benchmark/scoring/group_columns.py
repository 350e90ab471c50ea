"""What clips can be grouped by: sex, language, bands of duration, and the other columns of a corpus."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from benchmark.corpora.rows import COLUMN_NAMES
from benchmark.errors import RequestError
from benchmark.results.runs import ClipRecord

USUAL = ("sex", "language", "duration")
"""What is looked at without being asked for."""


DURATION_BANDS_S = (2.0, 4.0, 8.0)
"""Where one band of duration ends and the next begins, in seconds."""


MOST_NUMBERS = 10
"""A column of numbers with more different ones is taken apart into thirds."""


_FIELDS = ("sex", "language", "text_id", "intensity")


_LISTED = 40


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class Described(Protocol):
    """Whatever knows what a corpus says of a clip."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """The columns without a role of their own."""


def columns_of(clips: Iterable[Described]) -> tuple[str, ...]:
    """Name what clips can be grouped by, as far as the corpus says anything of it; their duration always."""
    clips = tuple(clips)
    fields = [name for name in _FIELDS if any(getattr(clip, name) is not None for clip in clips)]
    extra = dict.fromkeys(name for clip in clips for name in clip.attributes)
    return tuple(dict.fromkeys((*fields, "duration", *extra)))


def wanted_columns(by: Sequence[str], corpora: Sequence[Iterable[Described]]) -> tuple[str, ...]:
    """Find the columns that a user asks for, by the names the corpora have for them, whatever their case.

    Args:
        by: What the user wrote; `gender` is `sex`, as in tables.
        corpora: The clips of each corpus.

    Returns:
        The usual columns, then those asked for.

    Raises:
        RequestError: No corpus has one of them.
    """
    if not by:
        return USUAL
    known = tuple(dict.fromkeys((*USUAL, *(name for clips in corpora for name in columns_of(clips)))))
    present = tuple(dict.fromkeys(name for clips in corpora for name in columns_of(clips)))
    return tuple(dict.fromkeys((*USUAL, *(_found(name.strip(), known, present) for name in by))))


def _found(name: str, known: Sequence[str], present: Sequence[str]) -> str:
    lower = name.casefold()
    role = next((role for role, names in COLUMN_NAMES.items() if lower in names and role in known), None)
    exact = name if name in known else None
    found = exact or next((column for column in known if column.casefold() == lower), None) or role
    if found is None or (found not in present):
        listed = ", ".join(present[:_LISTED]) + (", …" if len(present) > _LISTED else "")
        raise RequestError(
            f"No corpus says anything of {name!r} (--by {name}); what they say is: {listed or 'nothing'}."
        )
    return found


def values_of(column: str, clips: Sequence[ClipRecord]) -> list[str | None]:
    """Say for each clip which group it belongs to; None where the corpus does not tell.

    Durations fall into fixed bands, so that a group means the same on every corpus and under every `--limit`. Another
    column whose values are all numbers, more than ten different ones, is taken apart into thirds of the clips.

    Args:
        column: One of `columns_of`.
        clips: The clips.
    """
    if column == "duration":
        return [duration_band(clip.duration_s) for clip in clips]
    said = [getattr(clip, column) if column in _FIELDS else clip.attributes.get(column) for clip in clips]
    numbers = _numbers(said)
    return said if numbers is None else _thirds(numbers)


def duration_band(seconds: float | None) -> str | None:
    """Name the band that a duration falls into.

    Examples:
        >>> duration_band(1.99), duration_band(2.0), duration_band(8.0), duration_band(None)
        ('under 2 s', '2 to 4 s', '8 s and more', None)
    """
    if seconds is None or not math.isfinite(seconds):
        return None
    if seconds < DURATION_BANDS_S[0]:
        return f"under {DURATION_BANDS_S[0]:g} s"
    for low, high in pairwise(DURATION_BANDS_S):
        if seconds < high:
            return f"{low:g} to {high:g} s"
    return f"{DURATION_BANDS_S[-1]:g} s and more"


@dataclass(frozen=True, order=True)
class _Order:
    number: float
    above: bool
    name: str


def group_order(name: str) -> _Order:
    """Give a sort key by which groups stand in the order that people expect: by number, then by name.

    Examples:
        >>> sorted(["8 s and more", "2 to 4 s", "under 2 s"], key=group_order)
        ['under 2 s', '2 to 4 s', '8 s and more']
        >>> sorted(["over 30 to 41", "over 41", "up to 30", "men"], key=group_order)
        ['up to 30', 'over 30 to 41', 'over 41', 'men']
    """
    found = _NUMBER.search(name)
    number = float(found[0]) if found else math.inf
    return _Order(number, not name.startswith(("under ", "up to ")), name)


def _numbers(said: Sequence[str | None]) -> list[float | None] | None:
    """The values as numbers, where all are and there are many different ones; else None."""
    distinct = {value for value in said if value is not None}
    if len(distinct) <= MOST_NUMBERS:
        return None
    try:
        numbers = {value: float(value) for value in distinct}
    except ValueError:
        return None
    if not all(map(math.isfinite, numbers.values())) or len(set(numbers.values())) <= MOST_NUMBERS:
        return None
    return [None if value is None else numbers[value] for value in said]


def _thirds(numbers: Sequence[float | None]) -> list[str | None]:
    known = np.array([number for number in numbers if number is not None])
    first, second = np.quantile(known, [1 / 3, 2 / 3], method="lower").tolist()
    names = (f"up to {first:g}", f"over {first:g} to {second:g}", f"over {second:g}")
    return [None if number is None else names[(number > first) + (number > second)] for number in numbers]
