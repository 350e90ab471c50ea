"""Whether a candidate knows the emotions and names them wrongly: its labels are in another order than it says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from benchmark.scoring.confusion import number_speakers
from benchmark.scoring.decisions import Decisions

LEAST_RISE = 0.25
LEAST_RECALL = 0.5
FEWEST_SPEAKERS = 2
# Of relabellings that are equally good, the one that moves fewest labels.
_STAY = 1e-9


@dataclass(frozen=True)
class Moved:
    """A label that means another emotion than it says."""

    says: str
    means: str


def label_permutation(
    decisions: Decisions, speakers: Sequence[str | None], covered: Sequence[str]
) -> tuple[Moved, ...]:
    """Find a one-to-one relabelling that makes the answers right, on speakers it was not found on.

    The best relabelling (Hungarian, of the mean recall) of one half of the speakers is scored on the other half, both
    ways: both halves must find the same, and the mean recall of the emotions whose label moves must rise by 0.25 to
    at least 0.5 in both.

    Args:
        decisions: The open decisions.
        speakers: Who speaks in each of their clips.
        covered: The emotions that the candidate can express; the others can have no label of its.

    Returns:
        The labels that moved; none where the names are as good as any, and where a speaker is unknown.
    """
    halves = _halves(decisions, speakers)
    if halves is None:
        return ()
    first, second = halves
    known = [
        place
        for place, emotion in enumerate(decisions.emotions)
        if emotion in covered and first[place].sum() and second[place].sum()
    ]
    recalls = [(half / np.maximum(half.sum(axis=1, keepdims=True), 1))[np.ix_(known, known)] for half in halves]
    found = [_best_labels(recall) for recall in recalls]
    moved = np.flatnonzero(found[0] != np.arange(len(known)))
    if not moved.size or (found[0] != found[1]).any():
        return ()
    for recall in recalls:
        after, before = recall[moved, found[0][moved]].mean(), recall[moved, moved].mean()
        if after < LEAST_RECALL or after - before < LEAST_RISE:
            return ()
    names = [decisions.emotions[place] for place in known]
    return tuple(Moved(says=names[found[0][place]], means=names[place]) for place in moved)


def _halves(decisions: Decisions, speakers: Sequence[str | None]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """The confusion of every other speaker and of the rest, shape (emotions, emotions + 1) each."""
    known = number_speakers(speakers)
    if known is None or known.speakers < FEWEST_SPEAKERS:
        return None
    height, width = len(decisions.emotions), len(decisions.emotions) + 1
    cells = ((known.who % 2) * height + decisions.truth) * width + decisions.answers
    counts = np.bincount(cells, minlength=2 * height * width).reshape(2, height, width).astype(np.int64)
    return counts[0], counts[1]


def _best_labels(recall: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each emotion the label that means it, one each."""
    _, labels = linear_sum_assignment(recall + _STAY * np.eye(len(recall)), maximize=True)
    return np.asarray(labels, dtype=np.int64)
