"""Clips by group, speaker and emotion, and which groups and emotions can be compared."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.scoring.intervals import FEWEST_SPEAKERS

FEWEST_CLIPS = 10
"""Of an emotion in a group, below which its recall there is not looked at."""
FEWEST_EMOTIONS = 2
MOST_GROUPS = 50
"""More groups than that are scored of no column: the largest are."""
UNKNOWN = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupCells:
    """The scored clips of a corpus by group, speaker and emotion; one row for each speaker in each group.

    Attributes:
        names: The groups, the largest first.
        starts: Where the rows of each group begin, and behind the last one, where they end; shape (groups + 1,).
        speaker: Who each row is, as an index into all speakers of the corpus; `UNKNOWN` for those nobody knows.
        row_of_clip: The row that each scored clip counts in; `UNKNOWN` where its group is not known.
        truth: Index of each scored clip's emotion.
        emotions: How many emotions there are.
    """

    names: tuple[str, ...]
    starts: NDArray[np.int64]
    speaker: NDArray[np.int64]
    row_of_clip: NDArray[np.int64]
    truth: NDArray[np.int64]
    emotions: int

    def count(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Count clips by row and emotion.

        Args:
            chosen: Which of the scored clips; None for all.

        Returns:
            Shape (rows, emotions).
        """
        counted = self.row_of_clip != UNKNOWN
        if chosen is not None:
            counted = counted & chosen
        cells = self.row_of_clip[counted] * self.emotions + self.truth[counted]
        return np.bincount(cells, minlength=len(self.speaker) * self.emotions).reshape(-1, self.emotions)

    def rows(self, group: int) -> slice:
        """The rows of a group."""
        return slice(int(self.starts[group]), int(self.starts[group + 1]))


def group_cells(
    values: Sequence[str | None], speakers: Sequence[str | None], truth: NDArray[np.int64], emotions: int
) -> GroupCells:
    """Sort scored clips into groups.

    Args:
        values: The group of each clip; None where nobody knows.
        speakers: Who speaks in it.
        truth: Index of its emotion.
        emotions: How many emotions there are.
    """
    names, group = _codes(values)
    people, who = _codes(speakers)
    sizes = np.bincount(group[group != UNKNOWN], minlength=len(names))
    order = sorted(range(len(names)), key=lambda place: (-sizes[place], str(names[place])))
    place = np.empty(len(names) + 1, dtype=np.int64)
    place[order] = np.arange(len(names))
    place[-1] = UNKNOWN
    group = place[group]
    known = group != UNKNOWN
    # One more than there are speakers: the clips of those nobody knows.
    keys = group[known] * (len(people) + 1) + who[known] + 1
    distinct, rows = np.unique(keys, return_inverse=True)
    row_of_clip = np.full(len(group), UNKNOWN, dtype=np.int64)
    row_of_clip[known] = rows.reshape(-1)
    return GroupCells(
        names=tuple(str(names[each]) for each in order),
        starts=np.searchsorted(distinct // (len(people) + 1), np.arange(len(names) + 1)).astype(np.int64),
        speaker=(distinct % (len(people) + 1) - 1).astype(np.int64),
        row_of_clip=row_of_clip,
        truth=truth,
        emotions=emotions,
    )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is compared with what.

    Attributes:
        groups: Indices of the compared groups.
        emotions: Indices of the emotions that each of them has enough clips of.
        reasons: Why the others are not compared, by index.
    """

    groups: tuple[int, ...]
    emotions: tuple[int, ...]
    reasons: dict[int, str]


def compare_what(cells: GroupCells, clips: NDArray[np.int64], emotions: Sequence[str]) -> Comparison:
    """Choose the groups and the emotions such that every group has enough clips of every emotion.

    Enough is ten clips by two speakers. A group needs three speakers, all of them known, and two such emotions. Of all
    those, the groups are left out one by one, each time the one that lacks most of the emotions that others have; of
    the tables of groups × emotions that are full on the way, the one with most cells is taken, of equals the one with
    more emotions.

    Args:
        cells: The clips.
        clips: How many there are by row and emotion.
        emotions: Their names.
    """
    reasons: dict[int, str] = {}
    sizes = _sizes(cells, clips)
    for group in range(len(cells.names)):
        reason = _too_small(sizes, group)
        if reason is not None:
            reasons[group] = reason
    able = [group for group in range(len(cells.names)) if group not in reasons]
    reasons |= dict.fromkeys(able[MOST_GROUPS:], f"only the {MOST_GROUPS} largest groups are scored")
    able = able[:MOST_GROUPS]
    while True:
        groups = _fullest(sizes.enough, able)
        common = np.flatnonzero(sizes.enough[list(groups)].all(axis=0)) if groups else np.empty(0, dtype=np.int64)
        few = [
            group for group in groups if (clips[cells.rows(group)][:, common] > 0).any(axis=1).sum() < FEWEST_SPEAKERS
        ]
        if not few:
            break
        reasons |= dict.fromkeys(few, f"fewer than {FEWEST_SPEAKERS} speakers of the compared emotions")
        able = [group for group in able if group not in few]
    reasons |= {group: _lacking(sizes.enough[group], emotions) for group in able if group not in groups}
    return Comparison(groups=groups, emotions=tuple(int(each) for each in common), reasons=reasons)


@dataclass(frozen=True, eq=False)
class _Sizes:
    """What each group has: speakers, whether all are known, and whether it has enough clips of each emotion."""

    speakers: NDArray[np.int64]
    known: NDArray[np.bool_]
    enough: NDArray[np.bool_]


def _sizes(cells: GroupCells, clips: NDArray[np.int64]) -> _Sizes:
    if not cells.names:
        nothing = np.empty(0, dtype=np.int64)
        return _Sizes(nothing, nothing.astype(np.bool_), np.empty((0, cells.emotions), dtype=np.bool_))
    # No group is empty, so that every stretch between two starts has rows.
    first = cells.starts[:-1]
    enough = np.add.reduceat(clips, first, axis=0) >= FEWEST_CLIPS
    enough &= np.add.reduceat((clips > 0).astype(np.int64), first, axis=0) > 1
    known = np.logical_and.reduceat(cells.speaker != UNKNOWN, first)
    return _Sizes(np.diff(cells.starts), known, enough)


def _too_small(sizes: _Sizes, group: int) -> str | None:
    if not sizes.known[group]:
        return "nobody knows who speaks in all of its clips"
    number = int(sizes.speakers[group])
    if number < FEWEST_SPEAKERS:
        return f"{number} speaker{'s' if number > 1 else ''}, where {FEWEST_SPEAKERS} are needed"
    wanted = min(FEWEST_EMOTIONS, sizes.enough.shape[1])
    if sizes.enough[group].sum() < wanted:
        return f"fewer than {wanted} emotion{'s' if wanted > 1 else ''} with {FEWEST_CLIPS} clips by two speakers"
    return None


def _lacking(enough: NDArray[np.bool_], emotions: Sequence[str]) -> str:
    missing = ", ".join(name for name, there in zip(emotions, enough, strict=True) if not there)
    return f"fewer than {FEWEST_CLIPS} clips by two speakers of {missing}"


def _fullest(enough: NDArray[np.bool_], able: Sequence[int]) -> tuple[int, ...]:
    remaining = list(able)
    if len(remaining) == 1:
        return tuple(remaining)
    best, best_size = remaining[:1], (0, 0)
    while len(remaining) > 1:
        common = int(enough[remaining].all(axis=0).sum())
        size = (common * len(remaining), common)
        if common >= min(FEWEST_EMOTIONS, enough.shape[1]) and size > best_size:
            best, best_size = list(remaining), size
        had = enough[remaining].sum(axis=0)
        # What a group lacks weighs by how many others have it; of equals, the smallest group, which stands last.
        lacks = [(int(had[~enough[group]].sum()), place) for place, group in enumerate(remaining)]
        remaining.pop(max(lacks)[1])
    return tuple(best)


def _codes(values: Sequence[Hashable | None]) -> tuple[list[Hashable], NDArray[np.int64]]:
    """Distinct values in the order of their first occurrence, and for each value its place there."""
    places: dict[Hashable, int] = {}
    codes = [UNKNOWN if value is None else places.setdefault(value, len(places)) for value in values]
    return list(places), np.array(codes, dtype=np.int64)
