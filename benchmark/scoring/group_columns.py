"""The columns by which a corpus can be divided into groups: sex, language, bands of duration, and its other columns."""

import math
import re
from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from benchmark.corpora.clips import Clip
from benchmark.corpora.rows import COLUMN_NAMES
from benchmark.errors import RequestError, shorten
from benchmark.results.runs import ClipRecord

DEFAULT_COLUMNS = ("sex", "language", "duration")
DURATION_BANDS_S = (2.0, 4.0, 8.0)
"""The limits between bands of duration, in seconds."""
MAX_NUMBERS = 10
"""A column of numbers with more distinct values is divided into thirds of the clips."""
_FIELDS = ("sex", "language", "text_id", "intensity")
_MAX_LISTED = 40
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def columns_of(clips: Sequence[Clip | ClipRecord]) -> tuple[str, ...]:
    """The columns that clips can be grouped by and that have a value for any clip; duration always."""
    fields = [name for name in _FIELDS if any(getattr(clip, name) is not None for clip in clips)]
    extra = dict.fromkeys(name for clip in clips for name in clip.attributes)
    return tuple(dict.fromkeys((*fields, "duration", *extra)))


def find_columns(by: Sequence[str], corpora: Sequence[Sequence[Clip | ClipRecord]]) -> tuple[str, ...]:
    """The default columns, then those that a user names, ignoring case; `gender` is `sex`, as in tables.

    Raises:
        RequestError: No corpus has one of them.
    """
    if not by:
        return DEFAULT_COLUMNS
    present = tuple(dict.fromkeys(name for clips in corpora for name in columns_of(clips)))
    known = tuple(dict.fromkeys((*DEFAULT_COLUMNS, *present)))
    by_lower_case = {column.casefold(): column for column in reversed(known)}
    columns = list(DEFAULT_COLUMNS)
    for name in map(str.strip, by):
        lower = name.casefold()
        role = next((role for role, names in COLUMN_NAMES.items() if lower in names and role in known), None)
        column = name if name in known else by_lower_case.get(lower, role)
        if column is None or column not in present:
            listed = shorten(present, _MAX_LISTED) or "nothing"
            raise RequestError(f"No corpus says anything of {name!r} (--by {name}); what they say is: {listed}.")
        columns.append(column)
    return tuple(dict.fromkeys(columns))


def values_of(column: str, clips: Sequence[ClipRecord]) -> list[str | None]:
    """The group of each clip; None where the corpus has no value.

    Durations fall into fixed bands, so that a group means the same on every corpus and under every `--limit`. Another
    column whose values are all numbers, more than ten different ones, is divided into thirds of the clips.
    """
    if column == "duration":
        return [duration_band(clip.duration_s) for clip in clips]
    values = [getattr(clip, column) if column in _FIELDS else clip.attributes.get(column) for clip in clips]
    try:
        numbers = {value: float(value) for value in set(values) if value is not None}
    except ValueError:
        return values
    if not all(map(math.isfinite, numbers.values())) or len(set(numbers.values())) <= MAX_NUMBERS:
        return values
    known = [numbers[value] for value in values if value is not None]
    first, second = np.quantile(known, [1 / 3, 2 / 3], method="lower").tolist()
    names = (f"up to {first:g}", f"over {first:g} to {second:g}", f"over {second:g}")
    thirds = {value: names[(number > first) + (number > second)] for value, number in numbers.items()}
    return [None if value is None else thirds[value] for value in values]


def duration_band(seconds: float | None) -> str | None:
    """Name the band that a duration falls into; its lower limit belongs to it."""
    if seconds is None or not math.isfinite(seconds):
        return None
    first, *_, last = DURATION_BANDS_S
    names = (f"under {first:g} s", *(f"{low:g} to {high:g} s" for low, high in pairwise(DURATION_BANDS_S)))
    return (*names, f"{last:g} s and more")[bisect(DURATION_BANDS_S, seconds)]


def group_order(name: str) -> tuple[float, bool, str]:
    """A sort key for groups: by the first number in their names, then by name.

    Examples:
        >>> sorted(["over 30 to 41", "over 41", "up to 30", "men"], key=group_order)
        ['up to 30', 'over 30 to 41', 'over 41', 'men']
    """
    number = _NUMBER.search(name)
    return (float(number[0]) if number else math.inf, not name.startswith(("under ", "up to ")), name)
