"""How the windows of a long clip become one answer (PROTOCOL, From audio to a decision)."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp


def averaged(logits: NDArray[np.float32], durations: NDArray[np.int64]) -> NDArray[np.float32]:
    """Average the probabilities of windows by duration.

    Args:
        logits: Finite values, shape (windows, labels).
        durations: Length of each window, in any unit, shape (windows,).

    Returns:
        The logits themselves for one window; else the logarithm of the averaged probabilities, shape (labels,).

    Examples:
        >>> two = averaged(np.log([[0.9, 0.1], [0.3, 0.7]]).astype(np.float32), np.array([1, 2]))
        >>> np.exp(two).round(6).tolist()
        [0.5, 0.5]
    """
    if len(logits) == 1:
        return np.array(logits[0])
    log_weights = np.log(durations / durations.sum())
    log_probabilities = log_softmax(logits.astype(np.float64), axis=1)
    mean: NDArray[np.float32] = logsumexp(log_probabilities + log_weights[:, None], axis=0).astype(np.float32)
    return mean
