"""How right a candidate is by how sure it is: what the reliability diagram shows."""

import numpy as np
from numpy.typing import NDArray

from benchmark.results.answer_profiles import ReliabilityBin
from benchmark.scoring.decisions import Decisions

MOST_BINS = 15
CLIPS_PER_BIN = 20
_FEWEST_BINS = 2


def bins_of_equal_mass(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Sort clips into bins by the share of clips that are less confident.

    Equal confidences share a bin, and the order of the clips does not matter; a bin can be empty therefore.

    Args:
        confidence: Shape (clips,), at least one.
        bins: How many.

    Returns:
        The bin of each clip, from 0 to `bins` − 1, shape (clips,).

    Examples:
        >>> bins_of_equal_mass(np.array([0.9, 0.5, 0.6, 0.8]), 2).tolist()
        [1, 0, 0, 1]
        >>> bins_of_equal_mass(np.array([0.7, 0.7, 0.7]), 3).tolist()
        [0, 0, 0]
    """
    less_confident: NDArray[np.int64] = np.searchsorted(np.sort(confidence), confidence, side="left")
    return less_confident * bins // confidence.size


def reliability(decisions: Decisions) -> tuple[ReliabilityBin, ...]:
    """Hold confidence against accuracy, in up to 15 bins of at least 20 clips each where confidences differ.

    Args:
        decisions: The open decisions.

    Returns:
        The bins that are not empty, the least sure first; none below 40 answered clips.
    """
    answered = np.isfinite(decisions.confidence)
    confidence, correct = decisions.confidence[answered], decisions.correct[answered]
    wanted = min(MOST_BINS, confidence.size // CLIPS_PER_BIN)
    if wanted < _FEWEST_BINS:
        return ()
    bins = bins_of_equal_mass(confidence, wanted)
    clips = np.bincount(bins, minlength=wanted)
    sure = np.bincount(bins, weights=confidence, minlength=wanted)
    right = np.bincount(bins, weights=correct, minlength=wanted)
    return tuple(
        ReliabilityBin(clips=int(number), confidence=float(mass / number), accuracy=float(hits / number))
        for number, mass, hits in zip(clips, sure, right, strict=True)
        if number
    )
