"""What stored timings say: percentiles where there are calls enough for them, and speed against real time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.results.inference import LatencyMeasurement, median_interval

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


OTHERS_FROM = 0.10
"""Other processes kept this share of the processors busy: two cores lose a fifth of one."""


SPREAD_FROM = 0.05
"""The medians of the turns scatter by this share of the median, as a standard deviation."""


DRIFT_FROM = 0.10
"""The reference took so much longer or shorter beside one group than beside the first."""


_FEWEST_TURNS = 3


_SHUFFLES = 199


def noise(measurement: LatencyMeasurement) -> str:
    """Say in what way a measurement was disturbed.

    Disturbed means: other processes used 10 % of the processors or more, before or during the measurement; or the
    medians of the turns scatter by more than 5 % of the median, and by more than after any of 199 shuffles of the
    calls over the turns, so that it was not the single calls that varied but the minutes; or the reference that all
    groups share took 10 % more or less time beside this group.

    Args:
        measurement: The timed calls, with what was noted beside them.

    Returns:
        Sentences for a person; empty where nothing speaks against the measurement.
    """
    if len(measurement.calls_ms) < CALLS_FOR_P50:
        return ""
    found = [
        _others(measurement.others_before, "before it was timed"),
        _others(measurement.others_during, "while it was timed"),
        _spread(measurement),
        _drift(measurement),
    ]
    return " ".join(sentence for sentence in found if sentence)


def _others(share: float | None, when: str) -> str:
    if share is None or share < OTHERS_FROM:
        return ""
    return f"Other processes used {share:.0%} of the processors {when}."


def _spread(measurement: LatencyMeasurement) -> str:
    turns = len(measurement.calls_ms) // measurement.block_calls if measurement.block_calls else 0
    if turns < _FEWEST_TURNS:
        return ""
    calls = np.array(measurement.calls_ms[: turns * measurement.block_calls]).reshape(turns, -1)
    spread = _scatter(calls)
    if spread < SPREAD_FROM:
        return ""
    random = np.random.default_rng(0)
    if spread <= max(_scatter(random.permutation(calls.ravel()).reshape(calls.shape)) for _ in range(_SHUFFLES)):
        return ""
    return f"From turn to turn its median changed by {spread:.0%}, which single calls do not explain."


def _scatter(calls: NDArray[np.float64]) -> float:
    middle = float(np.median(calls))
    return float(np.std(np.median(calls, axis=1), ddof=1)) / middle if middle else 0.0


def _drift(measurement: LatencyMeasurement) -> str:
    drift = measurement.reference_drift
    if drift is None or abs(drift - 1) < DRIFT_FROM:
        return ""
    return (
        f"Beside its group the reference {measurement.reference} took {abs(drift - 1):.0%} "
        f"{'longer' if drift > 1 else 'less'} than beside the first group."
    )
