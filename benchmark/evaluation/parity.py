"""When a faster answer may stand for the reference's (PROTOCOL, Latency, Parity of a faster path).

Two models whose probabilities differ by d at most decide alike wherever the two best answers are more than 2·d apart.
What is observed on some clips is no bound for all others: clips are done again from twice that distance on.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from benchmark.emotions.label_map import LabelMap
from benchmark.emotions.merges import Merges
from benchmark.results.verification import Verification

CLIPS_COMPARED = 32
ALLOWED = {"float32": 1e-3, "bfloat16": 2e-2, "float16": 2e-2}
# Twice the observed difference is PROTOCOL's; as much again is for clips that differ more than the compared ones.
_MARGIN = 4.0
# Where hardly a difference is seen, rounding alone still decides between two equal answers.
_SMALLEST_DIFFERENCE = 1e-6


@dataclass(frozen=True)
class Decisions:
    """In which ways the outputs of a model are read as one answer: as labels, and as emotions under every merge.

    Attributes:
        label_maps: What the outputs mean, one for each way beside the labels themselves.
    """

    label_maps: tuple[LabelMap, ...]

    @classmethod
    def of(cls, verification: Verification, merges: Sequence[Mapping[str, str]]) -> "Decisions":
        """Collect the ways in which a run reads a candidate.

        Args:
            verification: The candidate's labels and what they mean.
            merges: Those of the run's corpora.
        """
        meant = [
            LabelMap(verification.labels, tuple(Merges(merge).apply(emotion) for emotion in verification.emotions))
            for merge in ({}, *merges)
        ]
        return cls(tuple(dict.fromkeys(meant)))

    @property
    def key(self) -> str:
        """What tells these ways of reading from others."""
        meant = json.dumps([[label_map.labels, label_map.emotions] for label_map in self.label_maps])
        return hashlib.sha256(meant.encode()).hexdigest()[:16]

    def probabilities(self, logits: NDArray[np.floating]) -> list[NDArray[np.float64]]:
        """The probabilities of the answers in each way, each of shape (clips, answers).

        Args:
            logits: Shape (clips, labels).
        """
        apart = softmax(logits.astype(np.float64), axis=1)
        return [apart, *(label_map.probabilities(logits) for label_map in self.label_maps)]

    def difference(self, logits: NDArray[np.floating], others: NDArray[np.floating]) -> float:
        """The largest difference of a probability, in any way of reading; NaN where one of them is not finite.

        Examples:
            >>> sums = Decisions((LabelMap(("a", "b", "c"), ("joy", "joy", "anger")),))
            >>> probabilities, others = np.array([[0.3, 0.3, 0.4]]), np.array([[0.35, 0.35, 0.3]])
            >>> round(sums.difference(np.log(probabilities), np.log(others)), 3)
            0.1
        """
        pairs = zip(self.probabilities(logits), self.probabilities(others), strict=True)
        return float(np.max([np.abs(one - other).max() for one, other in pairs if one.size], initial=0.0))

    def margins(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """How far the two best answers of each clip are apart, in the way of reading in which that is least.

        Args:
            logits: Shape (clips, labels).

        Returns:
            Shape (clips,); 1 where there is but one answer.
        """
        least = np.ones(len(logits))
        for shares in self.probabilities(logits):
            if shares.shape[1] > 1:
                best = np.partition(shares, -2, axis=1)[:, -2:]
                least = np.minimum(least, best[:, 1] - best[:, 0])
        return least


def redo_below(largest_difference: float) -> float:
    """The distance of the two best answers below which a clip is done again in the reference.

    Examples:
        >>> redo_below(0.001)
        0.004
        >>> redo_below(0.0)
        4e-06
    """
    return _MARGIN * max(largest_difference, _SMALLEST_DIFFERENCE)


def stratified(durations: Mapping[str, float], count: int) -> tuple[str, ...]:
    """Choose clips of all lengths: the shortest, the longest, and evenly many between.

    Args:
        durations: Seconds by clip hash.
        count: How many are wanted.

    Returns:
        Their hashes, shortest first; all where there are no more than that.

    Examples:
        >>> stratified({"a": 3.0, "b": 1.0, "c": 2.0, "d": 9.0, "e": 4.0}, 3)
        ('b', 'a', 'd')
    """
    ordered = sorted(durations, key=lambda clip_hash: (durations[clip_hash], clip_hash))
    if len(ordered) <= count:
        return tuple(ordered)
    places = np.linspace(0, len(ordered) - 1, count).round().astype(int)
    return tuple(ordered[place] for place in places)
