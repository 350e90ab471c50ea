"""All the ways in which one corpus is taken apart, with everybody's scores on the parts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmark.results.groups import CandidateGroups, CorpusGroups, GroupScore, GroupSize, LeftOutGroup
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.confusion import SpeakerCounts
from benchmark.scoring.evaluated import StoredEvaluation
from benchmark.scoring.groups.cells import Comparison, GroupCells, compare_what, group_cells
from benchmark.scoring.groups.columns import group_order, values_of
from benchmark.scoring.groups.gaps import GroupCounts, gap_between
from benchmark.scoring.labelled_clips import readable_clips

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
