"""Whether two candidates are one: uploads of the same weights, which agree because they are the same."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from benchmark.scoring.answers import Answers
from benchmark.scoring.evaluated import StoredEvaluation

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
