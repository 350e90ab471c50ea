"""Whether a latency was measured on a machine that had other things to do."""

import numpy as np
from numpy.typing import NDArray

from benchmark.results.inference import LatencyMeasurement
from benchmark.scoring.latency import CALLS_FOR_P50

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
