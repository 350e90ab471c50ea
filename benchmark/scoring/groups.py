"""Scores of parts of a corpus: which groups and emotions can be compared, and every candidate's UAR on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.results.analyses import CandidateGroups, CorpusGroups, GroupScore, GroupSize, LeftOutGroup
from benchmark.results.runs import ClipRecord
from benchmark.scoring.decisions import MIN_EMOTIONS
from benchmark.scoring.evaluations import CorpusEvaluations, Evaluation
from benchmark.scoring.gaps import Gap, GroupedCounts, gaps_between
from benchmark.scoring.group_columns import group_order, values_of
from benchmark.scoring.intervals import MIN_SPEAKERS

MIN_CLIPS = 10
"""Clips of an emotion in a group, below which its recall there is not computed."""
MAX_GROUPS = 50
"""Only so many groups of a column are scored: the largest."""
MAX_LISTED = 50
"""Further groups that are too small are counted and not listed."""
UNKNOWN = -1
_MIN_GROUPS = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupCells:
    """The scored clips of a corpus by group, speaker and emotion; one row for each speaker in each group.

    Attributes:
        names: The groups, the largest first.
        starts: The first row of each group, and last the number of rows; shape (groups + 1,).
        speaker: The speaker of each row, as an index into all speakers of the corpus; `UNKNOWN` for unknown ones.
        row_of_clip: The row of each scored clip; `UNKNOWN` where its group is unknown.
        truth: Index into `emotions` of each scored clip's emotion.
        emotions: The emotions of the corpus.
    """

    names: tuple[str, ...]
    starts: NDArray[np.int64]
    speaker: NDArray[np.int64]
    row_of_clip: NDArray[np.int64]
    truth: NDArray[np.int64]
    emotions: Sequence[str]

    def count(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Count the chosen ones of the scored clips, or all, by row and emotion; shape (rows, emotions)."""
        counted = self.row_of_clip != UNKNOWN
        if chosen is not None:
            counted = counted & chosen
        width = len(self.emotions)
        cells = self.row_of_clip[counted] * width + self.truth[counted]
        return np.bincount(cells, minlength=len(self.speaker) * width).reshape(-1, width)

    def rows(self, group: int) -> slice:
        """The rows of a group."""
        return slice(int(self.starts[group]), int(self.starts[group + 1]))


def group_cells(
    values: Sequence[str | None], speakers: Sequence[str | None], truth: NDArray[np.int64], emotions: Sequence[str]
) -> GroupCells:
    """Sort scored clips into groups."""
    names, group = _codes(values)
    people, speaker = _codes(speakers)
    sizes = np.bincount(group[group != UNKNOWN], minlength=len(names))
    by_size = sorted(range(len(names)), key=lambda code: (-sizes[code], names[code]))
    rank = np.full(len(names) + 1, UNKNOWN, dtype=np.int64)
    rank[by_size] = np.arange(len(names))
    group = rank[group]
    known = group != UNKNOWN
    width = len(people) + 1  # the first column of a group holds the clips of unknown speakers
    cells, rows = np.unique(group[known] * width + speaker[known] + 1, return_inverse=True)
    row_of_clip = np.full(len(group), UNKNOWN, dtype=np.int64)
    row_of_clip[known] = rows.reshape(-1)
    return GroupCells(
        names=tuple(names[code] for code in by_size),
        starts=np.searchsorted(cells // width, np.arange(len(names) + 1)).astype(np.int64),
        speaker=(cells % width - 1).astype(np.int64),
        row_of_clip=row_of_clip,
        truth=truth,
        emotions=emotions,
    )


def _codes(values: Sequence[str | None]) -> tuple[list[str], NDArray[np.int64]]:
    """Distinct values in the order of their first occurrence, and for each value its index among them."""
    index: dict[str, int] = {}
    codes = [UNKNOWN if value is None else index.setdefault(value, len(index)) for value in values]
    return list(index), np.array(codes, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class GroupSelection:
    """The groups and emotions that are compared.

    Attributes:
        groups: Indices of the compared groups, in the order in which reports list them.
        emotions: Indices of the emotions that each of them has enough clips of.
        reasons: Why the others are not compared, by index.
    """

    groups: tuple[int, ...]
    emotions: tuple[int, ...]
    reasons: dict[int, str]


def select_groups(cells: GroupCells, clips: NDArray[np.int64]) -> GroupSelection:
    """Choose the groups and the emotions such that every group has enough clips of every emotion.

    Enough is ten clips by two speakers. A group needs three speakers, all of them known, and two such emotions. Of all
    those, the groups are left out one by one, each time the one that lacks most of the emotions that others have; of
    the tables of groups × emotions that are full on the way, the one with most cells is taken, of equals the one with
    more emotions.
    """
    enough = _enough_clips(cells, clips)
    groups = range(len(cells.names))
    reasons = {group: reason for group in groups if (reason := _too_small(cells, enough, group)) is not None}
    able = [group for group in groups if group not in reasons]
    reasons |= dict.fromkeys(able[MAX_GROUPS:], f"only the {MAX_GROUPS} largest groups are scored")
    able = able[:MAX_GROUPS]
    while True:
        chosen = _fullest(enough, able)
        common = np.flatnonzero(enough[chosen].all(axis=0)) if chosen else np.empty(0, dtype=np.int64)
        speakers = {group: (clips[cells.rows(group)][:, common] > 0).any(axis=1).sum() for group in chosen}
        few = [group for group in chosen if speakers[group] < MIN_SPEAKERS]
        if not few:
            break
        reasons |= dict.fromkeys(few, f"fewer than {MIN_SPEAKERS} speakers of the compared emotions")
        able = [group for group in able if group not in few]
    for group in able:
        if group not in chosen:
            lacking = ", ".join(name for name, has in zip(cells.emotions, enough[group], strict=True) if not has)
            reasons[group] = f"fewer than {MIN_CLIPS} clips by two speakers of {lacking}"
    ordered = sorted(chosen, key=lambda group: group_order(cells.names[group]))
    return GroupSelection(groups=tuple(ordered), emotions=tuple(common.tolist()), reasons=reasons)


def _enough_clips(cells: GroupCells, clips: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each group has ten clips by two speakers of each emotion, shape (groups, emotions)."""
    if not cells.names:
        return np.empty((0, len(cells.emotions)), dtype=np.bool_)
    # No group is empty, so that there are rows between any two starts.
    first_rows = cells.starts[:-1]
    speakers = np.add.reduceat((clips > 0).astype(np.int64), first_rows, axis=0)
    return np.asarray((np.add.reduceat(clips, first_rows, axis=0) >= MIN_CLIPS) & (speakers > 1), dtype=np.bool_)


def _too_small(cells: GroupCells, enough: NDArray[np.bool_], group: int) -> str | None:
    speakers = cells.speaker[cells.rows(group)]
    if (speakers == UNKNOWN).any():
        return "nobody knows who speaks in all of its clips"
    if len(speakers) < MIN_SPEAKERS:
        return f"{len(speakers)} speaker{'s' if len(speakers) > 1 else ''}, where {MIN_SPEAKERS} are needed"
    needed = min(MIN_EMOTIONS, len(cells.emotions))
    if enough[group].sum() < needed:
        return f"fewer than {needed} emotion{'s' if needed > 1 else ''} with {MIN_CLIPS} clips by two speakers"
    return None


def _fullest(enough: NDArray[np.bool_], able: Sequence[int]) -> list[int]:
    """The groups of the largest full table of groups × emotions."""
    remaining = list(able)
    best, best_size = remaining[:1], (0, 0)
    while len(remaining) > 1:
        common = int(enough[remaining].all(axis=0).sum())
        size = (common * len(remaining), common)
        if common >= min(MIN_EMOTIONS, enough.shape[1]) and size > best_size:
            best, best_size = list(remaining), size
        groups_with = enough[remaining].sum(axis=0)
        # A lacking emotion weighs by how many others have it; of equals, the smallest group, which is last, goes.
        lacks = [(int(groups_with[~enough[group]].sum()), index) for index, group in enumerate(remaining)]
        remaining.pop(max(lacks)[1])
    return best


def corpus_groups(corpus: CorpusEvaluations, columns: Sequence[str]) -> tuple[CorpusGroups, ...]:
    """Score the parts of a corpus; nothing where no clip was scored.

    Args:
        corpus: All evaluations on the corpus; of each candidate the deciding one counts, where it is complete.
        columns: The columns by which the corpus is divided.
    """
    scored = [evaluation.compared for evaluation in corpus.complete]
    if not scored or not scored[0].decisions.truth.size:
        return ()
    clips = [clip for clip, is_scored in zip(corpus.clips.clips, scored[0].answers.scored, strict=True) if is_scored]
    divided = [_divide(corpus.corpus.name, column, clips, scored) for column in columns]
    tested = {
        column.parts.column: column.compared
        for column in divided
        if column.compared is not None and len(column.compared.names) >= _MIN_GROUPS
    }
    gaps = dict(zip(tested, gaps_between(list(tested.values())) if tested else (), strict=True))
    return tuple(_with_candidates(column, scored, gaps.get(column.parts.column)) for column in divided)


@dataclass(frozen=True, eq=False)
class _DividedCorpus:
    """The parts of a corpus by one column, without candidates, and their counts, if any part is scored."""

    parts: CorpusGroups
    compared: GroupedCounts | None = None


def _divide(corpus: str, column: str, clips: Sequence[ClipRecord], scored: Sequence[Evaluation]) -> _DividedCorpus:
    first = scored[0]
    values, emotions = values_of(column, clips), first.decisions.emotions
    cells = group_cells(values, first.speakers, first.decisions.truth, emotions)
    parts = CorpusGroups(corpus=corpus, column=column, unknown_clips=values.count(None))
    if len(cells.names) < _MIN_GROUPS:
        problem = f"all clips are of one kind, {cells.names[0]}" if cells.names else "the corpus does not tell"
        return _DividedCorpus(parts.model_copy(update={"problem": problem}))
    counts = cells.count()
    selection = select_groups(cells, counts)
    left_out = [
        LeftOutGroup(group=cells.names[group], clips=int(counts[cells.rows(group)].sum()), reason=reason)
        for group, reason in sorted(selection.reasons.items())[:MAX_LISTED]
    ]
    update: dict[str, object] = {
        "left_out": tuple(left_out),
        "left_out_more": len(selection.reasons) - len(left_out),
        "problem": None if len(selection.groups) >= _MIN_GROUPS else "only one group is large enough",
    }
    if not selection.groups:
        return _DividedCorpus(parts.model_copy(update=update | {"problem": "every group is too small"}))
    compared = _grouped_counts(cells, counts, scored, selection)
    update |= {
        "emotions": tuple(emotions[index] for index in selection.emotions),
        "omitted": tuple(name for index, name in enumerate(emotions) if index not in selection.emotions),
        "groups": tuple(
            GroupSize(group=name, clips=int(compared.clips[rows].sum()), speakers=int(rows.sum()))
            for name, rows in ((name, compared.group == group) for group, name in enumerate(compared.names))
        ),
    }
    return _DividedCorpus(parts.model_copy(update=update), compared)


def _grouped_counts(
    cells: GroupCells, clips: NDArray[np.int64], scored: Sequence[Evaluation], selection: GroupSelection
) -> GroupedCounts:
    """Hits and clips of the compared groups and emotions, by speaker."""
    columns = list(selection.emotions)
    # Speakers without a clip of the compared emotions have no part in the score.
    rows = [
        (row, position)
        for position, group in enumerate(selection.groups)
        for row in range(cells.rows(group).start, cells.rows(group).stop)
        if clips[row, columns].any()
    ]
    kept, group = (np.array(values, dtype=np.int64) for values in zip(*rows, strict=True))
    hits = [cells.count(evaluation.decisions.correct)[kept][:, columns] for evaluation in scored]
    return GroupedCounts(
        names=tuple(cells.names[group] for group in selection.groups),
        group=group,
        speaker=cells.speaker[kept],
        clips=clips[kept][:, columns],
        hits=np.stack(hits),
    )


def _with_candidates(divided: _DividedCorpus, scored: Sequence[Evaluation], gaps: Sequence[Gap] | None) -> CorpusGroups:
    compared = divided.compared
    if compared is None:
        return divided.parts
    candidates = []
    for number, evaluation in enumerate(scored):
        scores = []
        for group, name in enumerate(compared.names):
            uar, interval = compared.counts(number, group).uar, compared.interval(number, group)
            ends = {"uar_low": interval.low, "uar_high": interval.high, "interval": interval.method.value}
            scores.append(GroupScore(group=name, uar=uar, **ends))
        gap = {} if gaps is None else vars(gaps[number])
        candidates.append(CandidateGroups(candidate=evaluation.candidate, scores=tuple(scores), **gap))
    return divided.parts.model_copy(update={"candidates": tuple(candidates)})
