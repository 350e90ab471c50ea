"""Who is better than whom beyond chance: paired differences over speakers, Holm's correction, and ranks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from benchmark.scoring.confusion import SpeakerCounts
from benchmark.scoring.intervals import (
    CONFIDENCE,
    NO_SPREAD,
    equivalent_clips,
    jackknife_error,
    leave_one_out_uar,
    wilson_interval,
)

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
