"""What every loaded model does, whatever computes its logits: windows, clips, probabilities. torch is not needed."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from benchmark.audio.windows import window_blocks
from benchmark.models.load_reports import LoadReport, NotFiniteError, TooShortError


class SpeechModel(ABC):
    """A loaded model that computes logits, window by window or clip by clip."""

    report: LoadReport

    @property
    @abstractmethod
    def shortest(self) -> int:
        """Samples below which the model cannot answer, or would answer without having read any audio."""

    @abstractmethod
    def logits(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one window of mono samples at the model's rate.

        Returns:
            One value per label; whatever the model gives, NaN too.

        Raises:
            TooShortError: The model cannot make a single frame of so little.
            CheckpointError: There is no feature extractor, or it makes what the model doesn't read.
        """

    def close(self) -> None:
        """Release what lies outside of this process; most models have nothing there."""
        return

    def peak_memory_elsewhere_mb(self) -> float | None:
        """The most memory used by other processes that compute the model, in MB (10⁶ bytes); None where none does."""
        return None

    def require_enough(self, samples: int) -> None:
        """Refuse a number of samples that is too small for the model; raises as `logits`."""
        if samples < self.shortest:
            raise TooShortError(f"the clip has {samples} samples, and this model needs at least {self.shortest}")

    def clip_logits(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute a clip of any length, in windows (docs/protocol.md), which are `averaged`.

        Raises:
            NotFiniteError: The model gives NaN or infinity.
            CheckpointError: As for `logits`.
        """
        self.require_enough(samples.size)
        windows = list(window_blocks([samples], self.report.sampling_rate or 1, self.report.window_s))
        logits = np.stack([require_finite(self.logits(window)) for window in windows])
        return averaged(logits, np.array([window.size for window in windows]))

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """The softmax of `clip_logits`: what latency is measured up to."""
        probabilities: NDArray[np.float64] = np.exp(log_softmax(self.clip_logits(samples).astype(np.float64)))
        return probabilities


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


def averaged_ratings(ratings: NDArray[np.float32], durations: NDArray[np.int64]) -> NDArray[np.float32]:
    """Average ratings of windows by duration; arguments and result as for `averaged`.

    Examples:
        >>> averaged_ratings(np.array([[0.9], [0.3]], np.float32), np.array([1, 2])).round(6).tolist()
        [0.5]
    """
    return np.asarray(np.average(ratings.astype(np.float64), axis=0, weights=durations), dtype=np.float32)


def require_finite(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return logits as they are; raise NotFiniteError where there is NaN or infinity among them."""
    if not np.isfinite(logits).all():
        raise NotFiniteError("the model answered with NaN or infinity")
    return logits
