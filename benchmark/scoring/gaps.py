"""UAR of each group, and how far the best and the worst group lie apart, with intervals that know the speakers.

A speaker may be in one group (sex) or in several (language, duration): what groups share cancels in their difference.
"""

from collections.abc import Iterator, Sequence
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
    equivalent_clips,
    leave_one_out_uar,
    uar_interval,
    wilson_interval,
)


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupCounts:
    """Hits and clips of one group.

    Attributes:
        counts: By speaker and emotion, such that every speaker can be left out.
        speakers: Who each row is, as an index into all speakers of the corpus.
    """

    counts: SpeakerCounts
    speakers: NDArray[np.int64]

    @property
    def uar(self) -> float:
        """UAR over the compared emotions."""
        return float((self.counts.hits.sum(axis=0) / self.counts.clips.sum(axis=0)).mean())

    @property
    def interval(self) -> Interval:
        """Its 95 % interval."""
        hits, clips = self.counts.hits.sum(axis=0), self.counts.clips.sum(axis=0)
        interval = uar_interval(np.column_stack([np.diag(hits), clips - hits]), self.counts)
        if interval is None:
            raise ValueError("a group without clips has no UAR")
        return interval


@dataclass(frozen=True)
class Gap:
    """How far two groups lie apart.

    Attributes:
        best: Index of the group with the highest UAR.
        worst: Index of the one with the lowest.
        size: The difference.
        low: Lower end of its 95 % interval; 0 says that chance may have made it.
        high: Upper end.
    """

    best: int
    worst: int
    size: float
    low: float
    high: float


def gap_between(groups: Sequence[GroupCounts]) -> Gap:
    """The difference between the largest and the smallest UAR of groups.

    That difference is never negative, so that chance alone makes it large. Its lower end is the largest of all pairs'
    |difference| − reach, with a level corrected for the number of pairs (Šidák), or 0: where all groups are equal, it
    is above 0 in 5 % of the cases or so. Its upper end is the largest of all pairs' |difference| + reach; the two
    groups that really lie furthest apart are one pair, and no correction is needed.

    Args:
        groups: At least two.
    """
    scores = np.array([group.uar for group in groups])
    best, worst = int(scores.argmax()), int(scores.argmin())
    corrected = CONFIDENCE ** (1 / (len(groups) * (len(groups) - 1) // 2))
    low, high = 0.0, 0.0
    for pair in _pairs(groups):
        difference = abs(float(scores[pair.first] - scores[pair.second]))
        low = max(low, difference - pair.reach(corrected))
        high = max(high, difference + pair.reach(CONFIDENCE))
    difference = float(scores[best] - scores[worst])
    return Gap(best, worst, difference if difference >= NO_SPREAD else 0.0, low, min(high, 1.0))


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """The errors of a difference: by the jackknife over speakers, and as if all clips were independent."""

    first: int
    second: int
    error: float
    freedom: float
    clip_error: float

    def reach(self, confidence: float) -> float:
        """How far an interval reaches to each side.

        Few speakers who happen to differ alike make an error near 0; no interval is narrower than clips allow.
        """
        tail = (1 + confidence) / 2
        return max(float(t.ppf(tail, self.freedom)) * self.error, float(norm.ppf(tail)) * self.clip_error)


def _pairs(groups: Sequence[GroupCounts]) -> Iterator[_Pair]:
    deviations, present = _deviations(groups)
    unmoved, by_clips = _unmoved_variances(groups), np.array([_clip_variance(group) for group in groups])
    for first, second in combinations(range(len(groups)), 2):
        error, freedom = _error(deviations[first] - deviations[second], present[first], present[second])
        yield _Pair(
            first=first,
            second=second,
            error=float(np.sqrt(error**2 + unmoved[first] + unmoved[second])),
            freedom=freedom,
            clip_error=float(np.sqrt(by_clips[first] + by_clips[second])),
        )


def _clip_variance(group: GroupCounts) -> float:
    clips = group.counts.clips.sum(axis=0)
    recalls = group.counts.hits.sum(axis=0) / clips
    return float((recalls * (1 - recalls) / clips).sum()) / len(clips) ** 2


def _deviations(groups: Sequence[GroupCounts]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What each speaker of the corpus moves in each group, scaled such that its squares add up to the variance.

    Returns:
        That, shape (groups, speakers), 0 where a speaker is not in a group; and whether the speaker is in it.
    """
    people = np.unique(np.concatenate([group.speakers for group in groups]))
    moved = np.zeros((len(groups), len(people)))
    present = np.zeros(moved.shape, dtype=np.bool_)
    for place, group in enumerate(groups):
        left_out = leave_one_out_uar(group.counts.hits, group.counts.clips)
        size, columns = len(left_out), np.searchsorted(people, group.speakers)
        moved[place, columns] = np.sqrt((size - 1) / size) * (left_out - left_out.mean())
        present[place, columns] = True
    return moved, present


def _error(moved: NDArray[np.float64], one: NDArray[np.bool_], other: NDArray[np.bool_]) -> tuple[float, float]:
    """Standard error of a difference, and its degrees of freedom after Welch and Satterthwaite.

    The speakers of one group only, of the other only and of both are three samples, each with its own variance.
    """
    parts = [one & ~other, other & ~one, one & other]
    variances = np.array([float((moved[part] ** 2).sum()) for part in parts])
    freedoms = np.array([max(int(part.sum()) - 1, 1) for part in parts])
    total = float(variances.sum())
    if total < NO_SPREAD**2:
        return 0.0, float(max(int((one | other).sum()) - 1, 1))
    return float(np.sqrt(total)), max(total**2 / float((variances**2 / freedoms).sum()), 1.0)


def _unmoved_variances(groups: Sequence[GroupCounts]) -> NDArray[np.float64]:
    """For a group in which leaving out a speaker changes nothing, such as one without errors: from Wilson's width."""
    variances = []
    for group in groups:
        left_out = leave_one_out_uar(group.counts.hits, group.counts.clips)
        if float(np.ptp(left_out)) >= NO_SPREAD:
            variances.append(0.0)
            continue
        wilson = wilson_interval(group.uar, equivalent_clips(group.counts.clips.sum(axis=0)))
        variances.append(((wilson.high - wilson.low) / (2 * float(norm.ppf((1 + CONFIDENCE) / 2)))) ** 2)
    return np.array(variances)


FEWEST_COMPARED = 5


FEWEST_CLIPS_OF_EACH = 2


FEWEST_CLIPS_OF_A_SPEAKER = 10


LOW_TAIL = 0.1


@dataclass(frozen=True)
class SpeakerSpread:
    """How scores differ between speakers.

    Attributes:
        measure: What is scored for each speaker: `uar`, or `accuracy` where too few speakers have all emotions.
        speakers: How many have clips enough.
        tenth: The 10th percentile of their scores.
        spread: Standard deviation of their scores beyond what the chance of few clips makes; 0 where that explains all.
    """

    measure: str
    speakers: int
    tenth: float
    spread: float


def speaker_spread(counts: SpeakerCounts | None) -> SpeakerSpread | None:
    """Score every speaker and describe how the scores differ.

    A speaker's score is the UAR over all emotions, for speakers with at least two clips of each and ten in all. Where
    fewer than five speakers, or fewer than half of them, have that, it is the share of right answers instead, for
    speakers with at least ten clips. The spread is √max(0, S² − V): S² is the variance of the scores, V the mean of the
    variances that the scores would have if every clip of a speaker and emotion were right with one probability:
    (1/K²) Σₖ rₖ(1 − rₖ)/(nₖ − 1), which is free of bias.

    Args:
        counts: By speaker and emotion; None where speakers are unknown.

    Returns:
        None with fewer than five speakers who have clips enough.
    """
    if counts is None or not counts.clips.size:
        return None
    many = counts.clips.sum(axis=1) >= FEWEST_CLIPS_OF_A_SPEAKER
    whole = many & (counts.clips >= FEWEST_CLIPS_OF_EACH).all(axis=1)
    if whole.sum() >= FEWEST_COMPARED and 2 * whole.sum() >= len(whole):
        return _described("uar", counts.hits[whole], counts.clips[whole])
    if many.sum() < FEWEST_COMPARED:
        return None
    return _described(
        "accuracy", counts.hits[many].sum(axis=1, keepdims=True), counts.clips[many].sum(axis=1, keepdims=True)
    )


def _described(measure: str, hits: NDArray[np.int64], clips: NDArray[np.int64]) -> SpeakerSpread:
    recalls = hits / clips
    scores = recalls.mean(axis=1)
    by_chance = (recalls * (1 - recalls) / (clips - 1)).sum(axis=1) / clips.shape[1] ** 2
    beyond = float(scores.var(ddof=1) - by_chance.mean())
    return SpeakerSpread(
        measure=measure,
        speakers=len(scores),
        tenth=float(np.quantile(scores, LOW_TAIL)),
        spread=max(beyond, 0.0) ** 0.5,
    )
