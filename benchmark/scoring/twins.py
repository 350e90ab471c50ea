"""Near-twins: candidates that are one model, such as two uploads of one checkpoint, or one in another number format."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmark.scoring.answers import Answers
from benchmark.scoring.evaluations import Evaluation

TWIN_CLIPS = 100
TWIN_NOISE = 0.04
"""Root mean square of the differences between the logits of twins: number formats make up to 0.03."""
TWIN_SHARE = 0.1
"""The same as a share of what the logits vary between clips, for models whose logits hardly vary."""
_LEAST = np.finfo(np.float64).tiny
"""A probability of 0, which tables of others may hold, counts as this."""


def near_twins(evaluations: Sequence[Evaluation]) -> dict[str, tuple[str, ...]]:
    """Candidates with equal weights or equal answers but for rounding: names by name."""
    twins: dict[str, tuple[str, ...]] = {}
    samples = [_Sample.of(evaluation.answers) for evaluation in evaluations]
    for (first, of_first), (second, of_second) in combinations(zip(evaluations, samples, strict=True), 2):
        # A commit belongs to one repository; the revision of a local folder is the hash of its content.
        same_weights = first.record.setup.revision == second.record.setup.revision
        if same_weights or (of_first.is_like(of_second) and same_logits(first.answers, second.answers)):
            twins[first.candidate] = (*twins.get(first.candidate, ()), second.candidate)
            twins[second.candidate] = (*twins.get(second.candidate, ()), first.candidate)
    return twins


def same_logits(first: Answers, second: Answers) -> bool:
    """Whether on at least 100 clips the logits differ by rounding only, and both failed on the same clips.

    Logits are compared, not probabilities: those of two models that are sure of the same answers are all nearly 0 or 1.
    """
    if sorted(first.classes) != sorted(second.classes) or int(first.answered.sum()) < TWIN_CLIPS:
        return False
    answered = first.answered
    if not np.array_equal(answered, second.answered):
        return False
    columns = [second.classes.index(name) for name in first.classes]
    return _differ_by_noise(_logits(first.probabilities[answered]), _logits(second.probabilities[answered][:, columns]))


@dataclass(frozen=True, eq=False)
class _Sample:
    """The logits of the first clips that a candidate has answered, a column per class in alphabetical order."""

    classes: tuple[str, ...]
    logits: NDArray[np.float64]

    @classmethod
    def of(cls, answers: Answers) -> Self:
        classes = sorted(answers.classes)
        columns = [answers.classes.index(name) for name in classes]
        rows = np.flatnonzero(answers.answered)[:TWIN_CLIPS]
        return cls(tuple(classes), _logits(answers.probabilities[rows][:, columns]))

    def is_like(self, other: "_Sample") -> bool:
        """Whether the two may be twins; nearly all pairs differ on the first clips already."""
        if self.classes != other.classes or not TWIN_CLIPS == len(self.logits) == len(other.logits):
            return False
        return _differ_by_noise(self.logits, other.logits)


def _logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits up to a constant per clip, which is chosen such that they add up to 0."""
    logits = np.log(np.maximum(probabilities, _LEAST))
    return np.asarray(logits - logits.mean(axis=1, keepdims=True), dtype=np.float64)


def _differ_by_noise(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    noise, variation = np.sqrt(((first - second) ** 2).mean()), np.sqrt(first.var(axis=0).mean())
    return bool(noise <= min(TWIN_NOISE, TWIN_SHARE * variation))
