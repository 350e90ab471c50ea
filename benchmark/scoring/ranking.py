"""Who is better than whom beyond chance: paired differences over speakers, Holm's correction, and ranks."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import SpeakerCounts, covered_emotions
from benchmark.scoring.evaluations import StoredEvaluation
from benchmark.scoring.intervals import (
    CONFIDENCE,
    NO_SPREAD,
    equivalent_clips,
    jackknife_error,
    leave_one_out_uar,
    speakers_can_be_left_out,
    wilson_interval,
)
from benchmark.scoring.seen import Seen

SIGNIFICANCE = 0.05


FEWEST_EMOTIONS_TO_RANK = 2


def rank_candidates(candidates: Sequence[SpeakerCounts]) -> tuple[int, ...]:
    """Rank candidates that answered the same clips: 1 + the number of candidates that are significantly better.

    Args:
        candidates: Counts over the same speakers, for which `speakers_can_be_left_out`.

    Returns:
        One rank per candidate. Equal ranks mean that the clips do not tell who is better, not that all are equal.

    Examples:
        >>> clips = np.full((4, 2), 50)
        >>> good, bad = np.array([[45, 46], [44, 45], [46, 45], [45, 44]]), np.array([[9, 9], [8, 9], [9, 9], [9, 8]])
        >>> rank_candidates([SpeakerCounts(hits=bad, clips=clips), SpeakerCounts(hits=good, clips=clips)])
        (2, 1)
        >>> rank_candidates([])
        ()
    """
    if not candidates:
        return ()
    scores = np.array([_uar(counts) for counts in candidates])
    first, second = np.triu_indices(len(candidates), k=1)
    significant = holm(pair_p_values(candidates)) <= SIGNIFICANCE
    better = np.zeros((len(candidates), len(candidates)), dtype=np.bool_)
    better[first, second] = significant & (scores[first] > scores[second])
    better[second, first] = significant & (scores[second] > scores[first])
    return tuple(1 + int(number) for number in better.sum(axis=0))


def pair_p_values(candidates: Sequence[SpeakerCounts]) -> NDArray[np.float64]:
    """Two-sided p of each pair's difference in open UAR, by the jackknife over speakers with Student's t.

    Identical answers give p = 1. Where leaving out a speaker changes nothing in a difference that is there, as
    between a model that is always right and one that always says the same, the jackknife knows nothing: the widths
    of both Wilson intervals stand in for its error, as they do for the intervals themselves.

    Args:
        candidates: Counts over the same speakers.

    Returns:
        Shape (pairs,), in the order of `numpy.triu_indices(len(candidates), k=1)`.
    """
    first, second = np.triu_indices(len(candidates), k=1)
    if not first.size:
        return np.empty(0)
    hits = np.stack([counts.hits for counts in candidates])
    scores = np.array([_uar(counts) for counts in candidates])
    differences = scores[first] - scores[second]
    left_out = leave_one_out_uar(hits, candidates[0].clips)
    errors = jackknife_error(left_out[first] - left_out[second])
    wilson = np.array([_wilson_error(counts, score) for counts, score in zip(candidates, scores, strict=True)])
    errors = np.where(errors < NO_SPREAD, np.hypot(wilson[first], wilson[second]), errors)
    p_values = 2 * t.sf(np.abs(differences) / errors, len(candidates[0].clips) - 1)
    return np.where(np.abs(differences) < NO_SPREAD, 1.0, p_values)


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p values so that, over all of them, one false alarm at most happens as often as each p says.

    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).

    Examples:
        >>> holm(np.array([0.04, 0.01, 0.03])).round(6).tolist()
        [0.06, 0.03, 0.06]
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted


def _uar(counts: SpeakerCounts) -> float:
    return float((counts.hits.sum(axis=0) / counts.clips.sum(axis=0)).mean())


def _wilson_error(counts: SpeakerCounts, score: float) -> float:
    interval = wilson_interval(score, equivalent_clips(counts.clips.sum(axis=0)))
    return (interval.high - interval.low) / (2 * float(norm.ppf((1 + CONFIDENCE) / 2)))


CLOSE = 1e-3


FEWEST_CLIPS = 100


def near_twins(evaluated: Sequence[StoredEvaluation]) -> dict[str, tuple[str, ...]]:
    """Find the candidates that cannot be told apart.

    Args:
        evaluated: One complete evaluation per candidate, all on the same corpus.

    Returns:
        For each candidate that has twins, their names.
    """
    twins: dict[str, tuple[str, ...]] = {}
    for one, other in combinations(evaluated, 2):
        if _same_weights(one, other) or same_probabilities(one.answers, other.answers):
            first, second = one.evaluation.candidate, other.evaluation.candidate
            twins[first] = (*twins.get(first, ()), second)
            twins[second] = (*twins.get(second, ()), first)
    return twins


def same_probabilities(one: Answers, other: Answers) -> bool:
    """Whether on at least 100 clips no probability differs by 0.001, and both failed on the same clips.

    Args:
        one: Answers of a candidate.
        other: Those of another one to the same clips; the order of its classes does not matter.
    """
    if sorted(one.classes) != sorted(other.classes) or int(one.answered.sum()) < FEWEST_CLIPS:
        return False
    if not np.array_equal(one.answered, other.answered):
        return False
    columns = [other.classes.index(name) for name in one.classes]
    heard = np.flatnonzero(one.answered)
    # Nearly all pairs differ on the first few clips already.
    for rows in (heard[:FEWEST_CLIPS], heard):
        if np.abs(one.probabilities[rows] - other.probabilities[rows][:, columns]).max() >= CLOSE:
            return False
    return True


def _same_weights(one: StoredEvaluation, other: StoredEvaluation) -> bool:
    # A commit belongs to one repository; the revision of a local folder is the hash of what lies in it.
    return one.evaluation.setup.revision == other.evaluation.setup.revision


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
