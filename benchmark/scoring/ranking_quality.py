"""Average precision and area under the ROC curve, for many weights of the same clips: sorted once, then counted."""

import numpy as np
from numpy.typing import NDArray


class SortedClips:
    """Clips by how probable a candidate finds an emotion; equal probabilities are one threshold.

    Args:
        wanted: Whether each clip has the emotion.
        chances: How probable the candidate finds it.

    Examples:
        >>> clips = SortedClips(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]))
        >>> clips.measures(np.ones(4)).round(4).tolist()
        [0.8333, 0.75]
        >>> clips.measures(np.array([1, 0, 1, 1])).tolist()
        [1.0, 1.0]
    """

    def __init__(self, wanted: NDArray[np.bool_], chances: NDArray[np.float64]) -> None:
        self._order = np.argsort(-chances, kind="stable")
        self._wanted = wanted[self._order]
        ranked = chances[self._order]
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))

    def measures(self, weights: NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[np.float64]:
        """Give average precision and AUROC where each clip counts as often as its weight says.

        Args:
            weights: How often each clip counts, in the order in which the clips were given; some clip with the emotion
                and some without it count.

        Returns:
            Shape (2,). Σ (Rₙ − Rₙ₋₁) Pₙ over the thresholds; and the area under the curve through all thresholds.
        """
        counted = weights[self._order].astype(np.float64)
        found = np.cumsum(np.where(self._wanted, counted, 0.0))[self._ends]
        named = np.cumsum(counted)[self._ends]
        others = named - found
        gained = np.diff(found, prepend=0.0)
        precision = np.divide(found, named, out=np.zeros_like(found), where=named > 0)
        above = found - gained / 2  # of equal probabilities, half stands above
        area = float((np.diff(others, prepend=0.0) * above).sum()) / (found[-1] * others[-1])
        return np.array([float((gained * precision).sum()) / found[-1], area])
