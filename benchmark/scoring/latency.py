"""Latency from stored timings: percentiles, speed relative to real time, and signs of a disturbed measurement."""

import numpy as np
from numpy.typing import NDArray

from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.medians import median_interval

MIN_CALLS = {50: 10, 90: 30, 99: 300}
"""Calls that a percentile needs."""
MILLISECONDS = 1000.0
OTHERS_FROM = 0.10
"""Share of the processors used by other processes from which a measurement is disturbed."""
SPREAD_FROM = 0.05
"""Standard deviation of the medians of the turns, relative to the median, from which a measurement is disturbed."""
DRIFT_FROM = 0.10
"""Relative change of the reference's time, against the first group, from which a group is disturbed."""
_MIN_TURNS = 3
_SHUFFLES = 199


def latency_columns(measurement: LatencyMeasurement) -> dict[str, float | str | None]:
    """The columns of the leaderboard that a measurement fills; percentiles are None where there are too few calls.

    `rtfx` is the seconds of audio processed per second of wall time, at the median.
    """
    calls, stopped_by = measurement.calls_ms, measurement.stopped_by
    median, p90, p99 = (
        float(np.percentile(calls, percent)) if len(calls) >= least else None for percent, least in MIN_CALLS.items()
    )
    interval = None if median is None else median_interval(calls)
    return {
        "device": measurement.device,
        "backend": measurement.backend,
        "dtype": measurement.dtype,
        "latency_p50_ms": median,
        "latency_p90_ms": p90,
        "latency_p99_ms": p99,
        "latency_p50_low_ms": None if interval is None else interval.low,
        "latency_p50_high_ms": None if interval is None else interval.high,
        "rtfx": measurement.segment_s / (median / MILLISECONDS) if median else None,
        "latency_calls": len(calls),
        "latency_stopped_by": None if stopped_by is None else stopped_by.value,
        "load_s": measurement.load_s,
        "peak_memory_mb": measurement.peak_memory_mb,
    }


def noise(measurement: LatencyMeasurement) -> str:
    """Describe how a measurement was disturbed, in sentences for a person; empty if it was not.

    Disturbed means: other processes used 10 % of the processors or more, before or during the measurement; or the
    medians of the turns scatter by more than 5 % of the median, and by more than after any of 199 shuffles of the
    calls over the turns, so that not single calls varied but minutes; or the reference that all groups share took 10 %
    more or less time beside this group.
    """
    if len(measurement.calls_ms) < MIN_CALLS[50]:
        return ""
    sentences = []
    for share, when in (
        (measurement.others_before, "before it was timed"),
        (measurement.others_during, "while it was timed"),
    ):
        if share is not None and share >= OTHERS_FROM:
            sentences.append(f"Other processes used {share:.0%} of the processors {when}.")
    spread = _spread_of_turns(measurement)
    if spread is not None:
        sentences.append(f"From turn to turn its median changed by {spread:.0%}, which single calls do not explain.")
    drift = measurement.reference_drift
    if drift is not None and abs(drift - 1) >= DRIFT_FROM:
        sentences.append(
            f"Beside its group the reference {measurement.reference} took {abs(drift - 1):.0%} "
            f"{'longer' if drift > 1 else 'less'} than beside the first group."
        )
    return " ".join(sentences)


def _spread_of_turns(measurement: LatencyMeasurement) -> float | None:
    """The relative spread of the turns' medians; None where single calls explain it."""
    turns = len(measurement.calls_ms) // measurement.block_calls if measurement.block_calls else 0
    if turns < _MIN_TURNS:
        return None
    calls = np.array(measurement.calls_ms[: turns * measurement.block_calls]).reshape(turns, -1)
    spread = _relative_spread(calls)
    if spread < SPREAD_FROM:
        return None
    random = np.random.default_rng(0)
    shuffled = (_relative_spread(random.permutation(calls.ravel()).reshape(calls.shape)) for _ in range(_SHUFFLES))
    return spread if spread > max(shuffled) else None


def _relative_spread(calls: NDArray[np.float64]) -> float:
    median = float(np.median(calls))
    return float(np.std(np.median(calls, axis=1), ddof=1)) / median if median else 0.0
