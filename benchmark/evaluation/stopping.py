"""When enough calls of a candidate were timed."""

from collections.abc import Sequence

import numpy as np

from benchmark.results.inference import Stopped
from benchmark.results.medians import median_interval

PRECISE_WITHIN = 0.03
"""A median is known well enough once no point of its 95 % interval is farther from it than this share of it."""
FEWEST_CALLS = 30
"""The 90th percentile needs so many."""
ENOUGH_CALLS = 300
"""The 99th percentile needs so many; they are made where the time suffices."""
MOST_CALLS = 3000
"""Whatever is not known by then is not for want of calls."""
_MS_PER_S = 1000.0


def stopped_by(calls_ms: Sequence[float], *, budget_s: float) -> Stopped | None:
    """Say why a measurement is over; None where it goes on.

    Args:
        calls_ms: The timed calls so far, in milliseconds.
        budget_s: How long all of them may take, in seconds.

    Examples:
        >>> stopped_by([100.0] * 20, budget_s=20.0) is None
        True
        >>> stopped_by([100.0] * 30, budget_s=20.0)
        <Stopped.PRECISE: 'precise'>
        >>> stopped_by([1.0] * 30, budget_s=20.0) is None  # there is time for the 99th percentile
        True
        >>> stopped_by([5000.0] * 10, budget_s=20.0)
        <Stopped.TIME: 'time'>
    """
    if not calls_ms:
        return None
    spent_s = sum(calls_ms) / _MS_PER_S
    interval = median_interval(calls_ms)
    if interval is not None and interval.precision <= PRECISE_WITHIN:
        fits = ENOUGH_CALLS * float(np.mean(calls_ms)) / _MS_PER_S <= budget_s
        if len(calls_ms) >= (ENOUGH_CALLS if fits else FEWEST_CALLS):
            return Stopped.PRECISE
    if spent_s >= budget_s:
        return Stopped.TIME
    return Stopped.CALLS if len(calls_ms) >= MOST_CALLS else None
