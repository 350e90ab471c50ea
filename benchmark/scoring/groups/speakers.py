"""How much it matters who speaks: the unlucky tenth of the speakers, and the spread that chance does not explain."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.scoring.confusion import SpeakerCounts

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
