"""Latency from stored timings: percentiles, the ratio to the reference workload, and signs of disturbance.

Intervals contain what changes between runs. Turns are joined to ten batches in their order, so that slow changes of the
machine count; what one run cannot see is added: for milliseconds the spread of the reference workload, which shows how
far the machine's speed moves, and for ratios the spread that was measured between repeated runs.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.medians import median_interval
from benchmark.results.predictions import IMPORTED

MIN_CALLS = {50: 10, 90: 30, 99: 300}
"""Calls that a percentile needs."""
MILLISECONDS = 1000.0
OTHERS_FROM = 0.10
"""Share of the processors used by other processes from which a measurement is disturbed."""
SPREAD_FROM = 0.05
"""Standard deviation of the medians of the turns, relative to the median, from which a measurement is disturbed."""
DRIFT_FROM = 0.10
"""Relative change of the reference's time, against the first group, from which a group is disturbed."""
BETWEEN_RUNS = 0.03
"""Standard deviation of the logarithm of a ratio between runs, beyond what scatters within them; see
`scripts/repeat_latency.py`."""
_MIN_TURNS = 3
_BATCHES = 10
_TAIL = 0.975
_SHUFFLES = 199


def median_ms(measurement: LatencyMeasurement) -> float | None:
    """The median time of one call; None where there are too few calls, or the measurement failed."""
    enough = measurement.failure is None and len(measurement.calls_ms) >= MIN_CALLS[50]
    return float(np.median(measurement.calls_ms)) if enough else None


def latency_columns(measurement: LatencyMeasurement) -> dict[str, float | str | None]:
    """The columns of the leaderboard that a measurement fills; percentiles are None where there are too few calls.

    `rtfx` is the seconds of audio processed per second of wall time, at the median.
    """
    calls, stopped_by = measurement.calls_ms, measurement.stopped_by
    median, p90, p99 = (
        float(np.percentile(calls, percent)) if len(calls) >= least else None for percent, least in MIN_CALLS.items()
    )
    interval = None if median is None else _median_reach(measurement)
    low, high = (None, None) if median is None or interval is None else (median / interval, median * interval)
    return {
        "device": measurement.device,
        "backend": measurement.backend,
        "dtype": measurement.dtype,
        "latency_p50_ms": median,
        "latency_p90_ms": p90,
        "latency_p99_ms": p99,
        "latency_p50_low_ms": low,
        "latency_p50_high_ms": high,
        **_ratio_columns(measurement),
        "rtfx": measurement.segment_s / (median / MILLISECONDS) if median else None,
        "latency_calls": len(calls),
        "latency_stopped_by": None if stopped_by is None else stopped_by.value,
        "load_s": measurement.load_s,
        "peak_memory_mb": measurement.peak_memory_mb,
    }


def cost_per_hour(price: float | None, latency_ms: float | None, segment_s: float | None) -> float | None:
    """What an hour of audio costs, computed segment by segment; None where something is unknown.

    Args:
        price: Of an hour of the machine.
        latency_ms: The median time of a segment.
        segment_s: Its length.

    Examples:
        >>> round(cost_per_hour(0.5, latency_ms=150, segment_s=3), 6)  # 20 hours of audio in an hour
        0.025
    """
    if price is None or latency_ms is None or not segment_s:
        return None
    return price * latency_ms / MILLISECONDS / segment_s


def with_costs(leaderboard: Leaderboard, price: float | None) -> Leaderboard:
    """Give each timed row what an hour of audio costs at the price of an hour of the machine, if that is known."""
    if price is None:
        return leaderboard
    rows = tuple(
        row
        if row.head == IMPORTED  # it costs what its vendor asks for
        else row.model_copy(update={"cost_per_hour": cost_per_hour(price, row.latency_p50_ms, leaderboard.segment_s)})
        for row in leaderboard.rows
    )
    return leaderboard.model_copy(update={"rows": rows, "price_per_hour": price})


def _ratio_columns(measurement: LatencyMeasurement) -> dict[str, float | None]:
    """The median over the turns of the block's median by that of the reference workload, with its interval."""
    if not measurement.reference_ms:
        return {}
    logs = np.log(_turn_medians(measurement)) - np.log(measurement.reference_ms)
    ratio, reach = float(np.exp(np.median(logs))), _reach(logs, BETWEEN_RUNS)
    return {
        "latency_ratio": ratio,
        "latency_ratio_low": None if reach is None else ratio / reach,
        "latency_ratio_high": None if reach is None else ratio * reach,
    }


def _median_reach(measurement: LatencyMeasurement) -> float | None:
    """The factor by which the interval of the median reaches up and down; of older records, that of the calls alone."""
    if measurement.reference_ms:
        spread = float(np.std(np.log(measurement.reference_ms), ddof=1)) if len(measurement.reference_ms) > 1 else 0.0
        return _reach(np.log(_turn_medians(measurement)), max(spread, BETWEEN_RUNS))
    interval = median_interval(measurement.calls_ms)
    if interval is None or not interval.low:
        return None
    return max(interval.high / interval.median, interval.median / interval.low)


def _reach(logs: NDArray[np.float64], between_runs: float) -> float | None:
    """The factor of a 95 % interval from the logarithms of turns in their order; None below three turns."""
    if logs.size < _MIN_TURNS:
        return None
    means = np.array([batch.mean() for batch in np.array_split(logs, min(_BATCHES, logs.size))])
    within = float(stdtrit(means.size - 1, _TAIL)) * float(np.std(means, ddof=1)) / math.sqrt(means.size)
    return math.exp(math.hypot(within, float(ndtri(_TAIL)) * between_runs))


def _turn_medians(measurement: LatencyMeasurement) -> NDArray[np.float64]:
    calls = np.array(measurement.calls_ms, dtype=np.float64)
    return np.asarray(np.median(calls.reshape(-1, measurement.block_calls), axis=1))


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
