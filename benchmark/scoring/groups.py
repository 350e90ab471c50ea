"""Clips by group, speaker and emotion, and which groups and emotions can be compared."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmark.results.analyses import CandidateGroups, CorpusGroups, GroupScore, GroupSize, LeftOutGroup
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.evaluations import StoredEvaluation
from benchmark.scoring.gaps import GroupCounts, gap_between
from benchmark.scoring.group_columns import group_order, values_of
from benchmark.scoring.intervals import FEWEST_SPEAKERS
from benchmark.scoring.labels import readable_clips

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


MOST_LISTED = 50
"""More groups that are too small are counted and not listed."""


_FEWEST_TO_COMPARE = 2


def run_groups(
    corpora: Sequence[CorpusRecord], columns: Sequence[str], deciding: Sequence[StoredEvaluation]
) -> tuple[CorpusGroups, ...]:
    """Score the parts of all corpora of a run; arguments and result as for `corpus_groups`."""
    return tuple(
        groups
        for corpus in corpora
        for groups in corpus_groups(
            corpus.name,
            columns,
            readable_clips(corpus),
            [one for one in deciding if one.evaluation.corpus == corpus.name],
        )
    )


def corpus_groups(
    corpus: str, columns: Sequence[str], clips: Sequence[ClipRecord], deciding: Sequence[StoredEvaluation]
) -> tuple[CorpusGroups, ...]:
    """Score the parts of a corpus.

    Args:
        corpus: What tables call it.
        columns: What it is taken apart by.
        clips: Its clips that could be read, in the order of the answers.
        deciding: One evaluation per candidate; those that are not complete are passed over.

    Returns:
        One for each column; none where nothing was scored.
    """
    scored = [one for one in deciding if one.complete]
    if not scored or not scored[0].decisions.truth.size:
        return ()
    kept = [clip for clip, is_scored in zip(clips, scored[0].answers.scored, strict=True) if is_scored]
    return tuple(_by_column(corpus, column, kept, scored) for column in columns)


def _by_column(
    corpus: str, column: str, clips: Sequence[ClipRecord], scored: Sequence[StoredEvaluation]
) -> CorpusGroups:
    first = scored[0]
    values, emotions = values_of(column, clips), first.decisions.emotions
    cells = group_cells(values, first.speakers, first.decisions.truth, len(emotions))
    sizes = cells.count()
    unknown = sum(value is None for value in values)
    if len(cells.names) < _FEWEST_TO_COMPARE:
        problem = f"all clips are of one kind, {cells.names[0]}" if cells.names else "the corpus does not tell"
        return CorpusGroups(corpus=corpus, column=column, unknown_clips=unknown, problem=problem)
    chosen = compare_what(cells, sizes, emotions)
    chosen = replace(chosen, groups=tuple(sorted(chosen.groups, key=lambda group: group_order(cells.names[group]))))
    left_out = sorted(chosen.reasons)
    return CorpusGroups(
        corpus=corpus,
        column=column,
        emotions=tuple(emotions[place] for place in chosen.emotions),
        omitted=tuple(name for place, name in enumerate(emotions) if place not in chosen.emotions and chosen.groups),
        groups=tuple(_size(cells, sizes, group, chosen) for group in chosen.groups),
        left_out=tuple(
            LeftOutGroup(
                group=cells.names[group], clips=int(sizes[cells.rows(group)].sum()), reason=chosen.reasons[group]
            )
            for group in left_out[:MOST_LISTED]
        ),
        left_out_more=max(len(left_out) - MOST_LISTED, 0),
        unknown_clips=unknown,
        problem=_problem(chosen),
        candidates=tuple(_candidate(one, cells, sizes, chosen) for one in scored) if chosen.groups else (),
    )


def _problem(chosen: Comparison) -> str | None:
    if not chosen.groups:
        return "every group is too small"
    return "only one group is large enough" if len(chosen.groups) < _FEWEST_TO_COMPARE else None


def _size(cells: GroupCells, sizes: NDArray[np.int64], group: int, chosen: Comparison) -> GroupSize:
    own = sizes[cells.rows(group)][:, list(chosen.emotions)]
    return GroupSize(group=cells.names[group], clips=int(own.sum()), speakers=int((own.sum(axis=1) > 0).sum()))


def _candidate(
    one: StoredEvaluation, cells: GroupCells, sizes: NDArray[np.int64], chosen: Comparison
) -> CandidateGroups:
    counted = counts_by_group(cells, sizes, cells.count(one.decisions.correct), chosen)
    names = [cells.names[group] for group in chosen.groups]
    scores = []
    for name, group in zip(names, counted, strict=True):
        interval = group.interval
        scores.append(
            GroupScore(
                group=name, uar=group.uar, uar_low=interval.low, uar_high=interval.high, interval=interval.method.value
            )
        )
    candidate = CandidateGroups(candidate=one.evaluation.candidate, scores=tuple(scores))
    if len(counted) < _FEWEST_TO_COMPARE:
        return candidate
    gap = gap_between(counted)
    return candidate.model_copy(
        update={
            "best": names[gap.best],
            "worst": names[gap.worst],
            "gap": gap.size,
            "gap_low": gap.low,
            "gap_high": gap.high,
        }
    )


def counts_by_group(
    cells: GroupCells, clips: NDArray[np.int64], hits: NDArray[np.int64], chosen: Comparison
) -> list[GroupCounts]:
    """Hits and clips of the compared emotions, for each compared group by its speakers.

    Args:
        cells: The clips by group, speaker and emotion.
        clips: How many there are by row and emotion.
        hits: How many of them were answered right.
        chosen: What is compared.
    """
    columns = list(chosen.emotions)
    counted = []
    for group in chosen.groups:
        rows = cells.rows(group)
        own = clips[rows][:, columns]
        # Who has no clip of the compared emotions has no part in the score.
        there = own.sum(axis=1) > 0
        counted.append(
            GroupCounts(
                counts=SpeakerCounts(hits=hits[rows][:, columns][there], clips=own[there]),
                speakers=cells.speaker[rows][there],
            )
        )
    return counted
