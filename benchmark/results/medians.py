"""The interval of a median of timings, which assumes nothing of their distribution."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import bdtr

_CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class MedianInterval:
    """A median and its 95 % interval, whose ends are samples."""

    median: float
    low: float
    high: float

    @property
    def precision(self) -> float:
        """The distance of the farther end of the interval, as a share of the median."""
        return max(self.high - self.median, self.median - self.low) / self.median if self.median else math.inf


def median_interval(samples: Sequence[float]) -> MedianInterval | None:
    """Find the 95 % interval of the median that the order of the samples gives.

    The number of samples below the true median is binomial(n, 1/2), whatever their distribution. With the largest k
    for which at most k - 1 successes have a probability of 2.5 % or less, the true median lies between the k-th
    smallest and the k-th largest sample with a probability of 95 % or more.

    Args:
        samples: Independent samples of one distribution, in any order.

    Returns:
        None below six samples, which have no interval of 95 %.

    Examples:
        >>> median_interval([float(number) for number in range(1, 11)])
        MedianInterval(median=5.5, low=2.0, high=9.0)
        >>> median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
        True
    """
    order = _order(len(samples))
    if order < 1:
        return None
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    return MedianInterval(
        median=float(np.median(ordered)), low=float(ordered[order - 1]), high=float(ordered[len(samples) - order])
    )


@lru_cache(maxsize=1024)
def _order(samples: int) -> int:
    """The largest k with P(binomial(n, 1/2) ≤ k - 1) ≤ 2.5 %; 0 where there is none."""
    below = bdtr(np.arange(samples), samples, 0.5)
    return int(np.searchsorted(below, (1 - _CONFIDENCE) / 2))
