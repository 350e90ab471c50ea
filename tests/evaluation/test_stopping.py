import numpy as np
import pytest

from benchmark.evaluation.stopping import ENOUGH_CALLS, FEWEST_CALLS, MOST_CALLS, stopped_by
from benchmark.results.inference import Stopped
from benchmark.results.medians import median_interval


def scattered(calls: int, *, middle_ms: float = 100.0, spread: float = 0.5) -> list[float]:
    return list(middle_ms * np.exp(np.random.default_rng(3).normal(0, spread, calls)))


def test_nothing_is_over_before_it_began() -> None:
    assert stopped_by([], budget_s=0.0) is None


def test_a_median_that_is_known_within_3_percent_ends_it_once_the_90th_percentile_is_known() -> None:
    steady = [1000.0] * FEWEST_CALLS
    assert stopped_by(steady[:-1], budget_s=100.0) is None
    assert stopped_by(steady, budget_s=100.0) is Stopped.PRECISE


def test_where_there_is_time_it_goes_on_to_the_99th_percentile() -> None:
    steady = [10.0] * ENOUGH_CALLS
    assert stopped_by(steady[:-1], budget_s=20.0) is None
    assert stopped_by(steady, budget_s=20.0) is Stopped.PRECISE


def test_a_median_that_is_not_known_goes_on_until_its_time_is_over() -> None:
    calls = scattered(120)
    interval = median_interval(calls)
    assert interval is not None
    assert interval.precision > 0.03
    assert stopped_by(calls, budget_s=sum(calls) / 1000 + 1) is None
    assert stopped_by(calls, budget_s=sum(calls) / 1000) is Stopped.TIME


def test_very_fast_models_end_by_their_number_of_calls() -> None:
    two_speeds = [1.0, 2.0] * (MOST_CALLS // 2)
    assert stopped_by(two_speeds[:-10], budget_s=60.0) is None
    assert stopped_by(two_speeds, budget_s=60.0) is Stopped.CALLS


@pytest.mark.parametrize("spread", [0.02, 0.1])
def test_stopping_as_soon_as_it_looks_precise_leaves_the_interval_its_coverage(spread: float) -> None:
    random = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        calls: list[float] = []
        while stopped_by(calls, budget_s=0.28) is None:
            calls += list(np.exp(random.normal(0, spread, 10)))
        interval = median_interval(calls)
        held += interval is not None and interval.low <= 1.0 <= interval.high
    assert held / 300 >= 0.92
