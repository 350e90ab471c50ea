"""Who takes part in the ranking of one corpus, with which ranks, and which emotions all of them cover."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.scoring.decisions import covered_emotions
from benchmark.scoring.evaluated import StoredEvaluation
from benchmark.scoring.intervals import speakers_can_be_left_out
from benchmark.scoring.ranks import FEWEST_EMOTIONS_TO_RANK, rank_candidates
from benchmark.scoring.seen import Seen
from benchmark.scoring.suspicion.twins import near_twins


@dataclass(frozen=True, kw_only=True)
class Standings:
    """The ranking of one corpus.

    Attributes:
        ranks: By candidate; those that are not ranked are not in it.
        common_emotions: The corpus's emotions that all ranked candidates cover; where none is ranked, those that all
            scored candidates cover.
        twins: For each candidate that cannot be told from others, their names.
    """

    ranks: dict[str, int]
    common_emotions: tuple[str, ...]
    twins: dict[str, tuple[str, ...]]


def rank_corpus(evaluated: Sequence[StoredEvaluation], *, rank_seen: bool = False) -> Standings:
    """Rank the candidates of one corpus.

    Takes part who has an answer or a failure for every clip and has not seen the corpus. There are no ranks where
    the clips have fewer than two emotions, and where speakers cannot be left out in turn.

    Args:
        evaluated: One evaluation per candidate, all on the same corpus.
        rank_seen: Rank candidates that were trained on the corpus, too.
    """
    complete = [one for one in evaluated if one.complete]
    ranked = [one for one in complete if _can_be_ranked(one) and (rank_seen or one.seen != Seen.YES)]
    counts = [one.counts for one in ranked if one.counts is not None]
    names = [one.evaluation.candidate for one in ranked]
    return Standings(
        ranks=dict(zip(names, rank_candidates(counts), strict=True)),
        common_emotions=_common(ranked or complete),
        twins=near_twins(complete),
    )


def _can_be_ranked(evaluated: StoredEvaluation) -> bool:
    if len(evaluated.decisions.emotions) < FEWEST_EMOTIONS_TO_RANK or evaluated.counts is None:
        return False
    return speakers_can_be_left_out(evaluated.counts.clips)


def _common(evaluated: Sequence[StoredEvaluation]) -> tuple[str, ...]:
    if not evaluated:
        return ()
    covered = [set(covered_emotions(one.answers)) for one in evaluated]
    return tuple(sorted(set.intersection(*covered)))
