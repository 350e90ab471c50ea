"""How far the median of many timings is known: an interval that assumes nothing of how they are distributed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

_CONFIDENCE_PERCENT = 95


@dataclass(frozen=True, kw_only=True)
class MedianInterval:
    """A median, and between which two of the sorted samples the true one lies.

    Attributes:
        median: Of the samples.
        low: The sample at the interval's lower end.
        high: The sample at its upper end.
    """

    median: float
    low: float
    high: float

    @property
    def precision(self) -> float:
        """How far the farther end of the interval is from the median, as a share of the median."""
        return max(self.high - self.median, self.median - self.low) / self.median if self.median else math.inf


def median_interval(samples: Sequence[float]) -> MedianInterval | None:
    """Find the 95 % interval of the median that the order of the samples gives.

    The number of samples below the true median is binomial(n, 1/2), whatever their distribution. With the largest k
    for which at most k - 1 successes have a probability of 2.5 % or less, the true median lies between the k-th
    smallest and the k-th largest sample with a probability of 95 % or more.

    Args:
        samples: Independent samples of one distribution, in any order.

    Returns:
        The interval; None below six samples, which no interval of 95 % can be made of.

    Examples:
        >>> median_interval([float(number) for number in range(1, 11)])
        MedianInterval(median=5.5, low=2.0, high=9.0)
        >>> median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
        True
    """
    place = _place(len(samples))
    if place < 1:
        return None
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    return MedianInterval(
        median=float(np.median(ordered)), low=float(ordered[place - 1]), high=float(ordered[len(samples) - place])
    )


@lru_cache(maxsize=1024)
def _place(samples: int) -> int:
    """The largest k with P(binomial(n, 1/2) ≤ k - 1) ≤ 2.5 %, in whole numbers; 0 where there is none."""
    most = (100 - _CONFIDENCE_PERCENT) * 2**samples
    below, place, term = 0, 0, 1
    while 200 * (below := below + term) <= most:
        place += 1
        term = term * (samples - place + 1) // place
    return place
