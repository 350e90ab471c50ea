"""Differences between groups of clips and between speakers, beyond what the chance of few clips makes.

A speaker may be in one group (sex) or in several (language, duration): effects of shared speakers cancel in a
difference of groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.intervals import (
    CONFIDENCE,
    NO_SPREAD,
    Interval,
    leave_one_out_uar,
    uar_interval,
    wilson_error,
)

MIN_SPEAKERS_TO_COMPARE = 5
MIN_CLIPS_PER_EMOTION = 2
MIN_CLIPS_PER_SPEAKER = 10
LOW_TAIL = 0.1


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupCounts:
    """Hits and clips of one group.

    Attributes:
        counts: By speaker and emotion, such that every speaker can be left out.
        speakers: The speaker of each row, as an index into all speakers of the corpus.
    """

    name: str
    counts: SpeakerCounts
    speakers: NDArray[np.int64]

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the UAR over the compared emotions."""
        hits, clips = self.counts.hits.sum(axis=0), self.counts.clips.sum(axis=0)
        interval = uar_interval(np.column_stack([np.diag(hits), clips - hits]), self.counts)
        if interval is None:
            raise ValueError("a group without clips has no UAR")
        return interval


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The difference between two groups, in fields of `CandidateGroups`; gap_low is 0 where chance may explain it."""

    best: str
    worst: str
    gap: float
    gap_low: float
    gap_high: float


def gap_between(groups: Sequence[GroupCounts]) -> Gap:
    """The difference between the largest and the smallest UAR of at least two groups.

    That difference is never negative, so that chance alone makes it large. Its lower end is the largest of all pairs'
    |difference| − reach, with a level corrected for the number of pairs (Šidák), or 0: where all groups are equal, it
    is above 0 in about 5 % of the cases. Its upper end is the largest of all pairs' |difference| + reach; the two
    groups that really differ most are one pair, and no correction is needed.
    """
    scores = np.array([group.counts.uar for group in groups])
    best, worst = int(scores.argmax()), int(scores.argmin())
    corrected = CONFIDENCE ** (1 / (len(groups) * (len(groups) - 1) // 2))
    deviations, present = _deviations(groups)
    unmoved = [_variance_without_spread(group.counts) for group in groups]
    by_clips = [_clip_variance(group.counts) for group in groups]
    low, high = 0.0, 0.0
    for first, second in combinations(range(len(groups)), 2):
        difference = abs(float(scores[first] - scores[second]))
        error, freedom = _error(deviations[first] - deviations[second], present[first], present[second])
        error = float(np.sqrt(error**2 + unmoved[first] + unmoved[second]))
        clip_error = float(np.sqrt(by_clips[first] + by_clips[second]))
        low = max(low, difference - _reach(corrected, error, freedom, clip_error))
        high = max(high, difference + _reach(CONFIDENCE, error, freedom, clip_error))
    gap = float(np.ptp(scores))
    return Gap(
        best=groups[best].name,
        worst=groups[worst].name,
        gap=gap if gap >= NO_SPREAD else 0.0,
        gap_low=low,
        gap_high=min(high, 1.0),
    )


def _reach(confidence: float, error: float, freedom: float, clip_error: float) -> float:
    """Half the width of an interval of a difference.

    Few speakers who happen to differ alike make an error near 0; no interval is narrower than independent clips allow.
    """
    tail = (1 + confidence) / 2
    return max(float(t.ppf(tail, freedom)) * error, float(norm.ppf(tail)) * clip_error)


def _clip_variance(counts: SpeakerCounts) -> float:
    """The variance of a UAR if all clips were independent."""
    clips = counts.clips.sum(axis=0)
    recalls = counts.hits.sum(axis=0) / clips
    return float((recalls * (1 - recalls) / clips).sum()) / len(clips) ** 2


def _variance_without_spread(counts: SpeakerCounts) -> float:
    """A variance from Wilson's width where leaving out a speaker changes nothing, as without errors; else 0."""
    left_out = leave_one_out_uar(counts.hits, counts.clips)
    return wilson_error(counts) ** 2 if float(np.ptp(left_out)) < NO_SPREAD else 0.0


def _deviations(groups: Sequence[GroupCounts]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The effect of each speaker of the corpus on each group, scaled such that its squares add up to the variance.

    Returns:
        That, shape (groups, speakers), 0 where a speaker is not in a group; and whether the speaker is in it.
    """
    speakers = np.unique(np.concatenate([group.speakers for group in groups]))
    deviations = np.zeros((len(groups), len(speakers)))
    present = np.zeros(deviations.shape, dtype=np.bool_)
    for row, group in enumerate(groups):
        left_out = leave_one_out_uar(group.counts.hits, group.counts.clips)
        size, columns = len(left_out), np.searchsorted(speakers, group.speakers)
        deviations[row, columns] = np.sqrt((size - 1) / size) * (left_out - left_out.mean())
        present[row, columns] = True
    return deviations, present


def _error(
    deviations: NDArray[np.float64], in_first: NDArray[np.bool_], in_second: NDArray[np.bool_]
) -> tuple[float, float]:
    """Standard error of a difference, and its degrees of freedom after Welch and Satterthwaite.

    The speakers of the first group only, of the second only and of both are three samples with variances of their own.
    """
    samples = [in_first & ~in_second, in_second & ~in_first, in_first & in_second]
    variances = np.array([float((deviations[sample] ** 2).sum()) for sample in samples])
    freedoms = np.array([max(int(sample.sum()) - 1, 1) for sample in samples])
    total = float(variances.sum())
    if total < NO_SPREAD**2:
        return 0.0, float(max(int((in_first | in_second).sum()) - 1, 1))
    return float(np.sqrt(total)), max(total**2 / float((variances**2 / freedoms).sum()), 1.0)


def speaker_columns(counts: SpeakerCounts | None) -> dict[str, float | str]:
    """The columns that tell how the scores of speakers differ: `speaker_measure`, `speaker_tenth`, `speaker_spread`.

    A speaker's score is the UAR over all emotions (measure `uar`), for speakers with at least two clips of each and ten
    in all. Where fewer than five speakers, or fewer than half of them, have that, it is the share of right answers
    instead (`accuracy`), for speakers with at least ten clips. The tenth is the 10th percentile of the scores. The
    spread is √max(0, S² − V): S² is the variance of the scores, V the mean of the variances that the scores would have
    if every clip of a speaker and emotion were right with one probability: (1/K²) Σₖ rₖ(1 − rₖ)/(nₖ − 1), which is
    unbiased.

    Args:
        counts: By speaker and emotion; None where speakers are unknown.

    Returns:
        Nothing with fewer than five speakers who have enough clips.
    """
    if counts is None or not counts.clips.size:
        return {}
    measure, hits, clips = "uar", counts.hits, counts.clips
    chosen = clips.sum(axis=1) >= MIN_CLIPS_PER_SPEAKER
    with_all = chosen & (clips >= MIN_CLIPS_PER_EMOTION).all(axis=1)
    if with_all.sum() >= MIN_SPEAKERS_TO_COMPARE and 2 * with_all.sum() >= len(with_all):
        chosen = with_all
    elif chosen.sum() >= MIN_SPEAKERS_TO_COMPARE:
        measure, hits, clips = "accuracy", hits.sum(axis=1, keepdims=True), clips.sum(axis=1, keepdims=True)
    else:
        return {}
    recalls, clips = hits[chosen] / clips[chosen], clips[chosen]
    scores = recalls.mean(axis=1)
    by_chance = (recalls * (1 - recalls) / (clips - 1)).sum(axis=1) / clips.shape[1] ** 2
    return {
        "speaker_measure": measure,
        "speaker_tenth": float(np.quantile(scores, LOW_TAIL)),
        "speaker_spread": max(float(scores.var(ddof=1) - by_chance.mean()), 0.0) ** 0.5,
    }
