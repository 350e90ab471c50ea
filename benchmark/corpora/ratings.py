"""Several raters for one clip: counts in columns, or one row for each rating."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmark.corpora.clips import Clip
from benchmark.errors import RequestError


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
