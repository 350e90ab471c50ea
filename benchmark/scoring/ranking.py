"""The ranking of one corpus: paired differences over speakers, Holm's correction, and ranks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from benchmark.scoring.decisions import MIN_EMOTIONS, SpeakerCounts, covered_emotions
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.intervals import (
    NO_SPREAD,
    jackknife_error,
    leave_one_out_uar,
    speakers_can_be_left_out,
    wilson_error,
)
from benchmark.scoring.trained_on import Seen
from benchmark.scoring.twins import near_twins

SIGNIFICANCE = 0.05


@dataclass(frozen=True, kw_only=True)
class Standings:
    """The ranking of one corpus: ranks and the names of near-twins, by candidate.

    Attributes:
        common_emotions: The corpus's emotions that all ranked candidates cover; where none is ranked, those that all
            scored candidates cover.
    """

    ranks: dict[str, int]
    common_emotions: tuple[str, ...]
    twins: dict[str, tuple[str, ...]]


def rank_corpus(evaluations: Sequence[Evaluation], *, rank_seen: bool = False) -> Standings:
    """Rank the candidates of one corpus.

    Complete evaluations are ranked of candidates that were not trained on the corpus, or of all with `rank_seen`. There
    are no ranks where the clips have fewer than two emotions, and where speakers cannot be left out in turn.
    """
    complete = [evaluation for evaluation in evaluations if evaluation.complete]
    ranked: dict[str, SpeakerCounts] = {}
    covered: list[set[str]] = []
    for evaluation in complete:
        counts = evaluation.counts
        if counts is None or len(evaluation.decisions.emotions) < MIN_EMOTIONS:
            continue
        if speakers_can_be_left_out(counts.clips) and (rank_seen or evaluation.seen != Seen.YES):
            ranked[evaluation.candidate] = counts
            covered.append(set(covered_emotions(evaluation.answers)))
    covered = covered or [set(covered_emotions(evaluation.answers)) for evaluation in complete]
    return Standings(
        ranks=dict(zip(ranked, rank_candidates(list(ranked.values())), strict=True)),
        common_emotions=tuple(sorted(set.intersection(*covered))) if covered else (),
        twins=near_twins(complete),
    )


def rank_candidates(candidates: Sequence[SpeakerCounts]) -> tuple[int, ...]:
    """Rank candidates that answered the same clips: 1 + the number of candidates that are significantly better.

    Equal ranks mean that the clips do not show who is better, not that all are equal.

    Args:
        candidates: Counts over the same speakers, for which `speakers_can_be_left_out`.
    """
    scores = np.array([counts.uar for counts in candidates])
    first, second = np.triu_indices(len(candidates), k=1)
    significant = holm(pair_p_values(candidates)) <= SIGNIFICANCE
    better = np.zeros((len(candidates), len(candidates)), dtype=np.bool_)
    better[first, second] = significant & (scores[first] > scores[second])
    better[second, first] = significant & (scores[second] > scores[first])
    return tuple(1 + int(number) for number in better.sum(axis=0))


def pair_p_values(candidates: Sequence[SpeakerCounts]) -> NDArray[np.float64]:
    """Two-sided p of each pair's difference in open UAR, by the jackknife over speakers with Student's t.

    Identical answers give p = 1. Where leaving out a speaker does not change a difference, as between a model that is
    always right and one that always gives the same answer, the jackknife has no information: its error is taken from
    the widths of both Wilson intervals, as for the intervals themselves.

    Returns:
        Shape (pairs,), in the order of `numpy.triu_indices(len(candidates), k=1)`.
    """
    first, second = np.triu_indices(len(candidates), k=1)
    if not first.size:
        return np.empty(0)
    scores = np.array([counts.uar for counts in candidates])
    differences = scores[first] - scores[second]
    left_out = leave_one_out_uar(np.stack([counts.hits for counts in candidates]), candidates[0].clips)
    errors = jackknife_error(left_out[first] - left_out[second])
    wilson = np.array([wilson_error(counts) for counts in candidates])
    errors = np.where(errors < NO_SPREAD, np.hypot(wilson[first], wilson[second]), errors)
    p_values = 2 * t.sf(np.abs(differences) / errors, len(candidates[0].clips) - 1)
    return np.where(np.abs(differences) < NO_SPREAD, 1.0, p_values)


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p values so that they bound the chance of at least one false alarm among all of them.

    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted
