"""What stored timings say: percentiles where there are calls enough for them, and speed against real time."""

from dataclasses import dataclass

import numpy as np

from benchmark.results.inference import LatencyMeasurement
from benchmark.results.medians import median_interval

CALLS_FOR_P50 = 10
CALLS_FOR_P90 = 30
CALLS_FOR_P99 = 300
MILLISECONDS = 1000.0


@dataclass(frozen=True, kw_only=True)
class LatencySummary:
    """The percentiles of single calls, in milliseconds; None where there are too few calls.

    Attributes:
        p50_ms: The median; needs 10 calls.
        p90_ms: Needs 30 calls.
        p99_ms: Needs 300 calls.
        rtfx: Seconds of audio processed per second of wall time, at the median.
        p50_low_ms: Lower end of the median's 95 % interval.
        p50_high_ms: Its upper end.
    """

    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    rtfx: float | None
    p50_low_ms: float | None = None
    p50_high_ms: float | None = None


def summarise_latency(measurement: LatencyMeasurement) -> LatencySummary:
    """Summarise the timed calls of one measurement."""
    median = percentile(measurement.calls_ms, 50, fewest=CALLS_FOR_P50)
    interval = median_interval(measurement.calls_ms) if median is not None else None
    return LatencySummary(
        p50_ms=median,
        p90_ms=percentile(measurement.calls_ms, 90, fewest=CALLS_FOR_P90),
        p99_ms=percentile(measurement.calls_ms, 99, fewest=CALLS_FOR_P99),
        rtfx=measurement.segment_s / (median / MILLISECONDS) if median else None,
        p50_low_ms=None if interval is None else interval.low,
        p50_high_ms=None if interval is None else interval.high,
    )


def percentile(calls_ms: tuple[float, ...], percent: float, *, fewest: int) -> float | None:
    """The percentile of the calls, interpolated linearly; None below `fewest` calls.

    Examples:
        >>> percentile((1.0, 2.0, 3.0), 50, fewest=3)
        2.0
        >>> percentile((1.0, 2.0), 50, fewest=3) is None
        True
    """
    return float(np.percentile(calls_ms, percent)) if len(calls_ms) >= fewest else None
