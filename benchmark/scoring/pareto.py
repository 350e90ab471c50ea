"""The Pareto front: what nothing else beats in one respect without losing in another."""

import numpy as np
from numpy.typing import NDArray


def pareto_front(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Find the rows that no other row dominates.

    Row a dominates row b where a is nowhere larger and somewhere smaller. Equal rows do not dominate each other.

    Args:
        costs: Shape (candidates, criteria), smaller is better; infinity for what is not known, so that it can only
            win by its other criteria.

    Returns:
        Shape (candidates,): whether each is on the front. It is never empty where there are candidates.

    Examples:
        >>> pareto_front(np.array([[1.0, 5.0], [2.0, 2.0], [3.0, 3.0]])).tolist()
        [True, True, False]
    """
    nowhere_larger = (costs[:, None, :] <= costs[None, :, :]).all(axis=2)
    somewhere_smaller = (costs[:, None, :] < costs[None, :, :]).any(axis=2)
    return np.asarray(~(nowhere_larger & somewhere_smaller).any(axis=0), dtype=np.bool_)
