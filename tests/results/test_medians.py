import numpy as np
import pytest
from scipy import stats

from benchmark.results.medians import median_interval


@pytest.mark.parametrize("samples", [6, 7, 10, 29, 30, 100, 301, 3000])
def test_the_ends_have_the_order_that_the_binomial_distribution_gives(samples: int) -> None:
    interval = median_interval([float(number) for number in range(1, samples + 1)])
    assert interval is not None
    order = int(interval.low)
    assert stats.binom.cdf(order - 1, samples, 0.5) <= 0.025 < stats.binom.cdf(order, samples, 0.5)
    assert interval.high == samples + 1 - order
    assert interval.median == (samples + 1) / 2


@pytest.mark.parametrize("samples", [0, 1, 5])
def test_five_samples_and_fewer_give_no_interval(samples: int) -> None:
    assert median_interval([1.0] * samples) is None


def test_it_holds_the_median_in_95_of_100_cases_however_skewed_the_samples_are() -> None:
    random = np.random.default_rng(1)
    intervals = [median_interval(list(random.lognormal(0, 1, 50))) for _ in range(2000)]
    held = sum(interval is not None and interval.low <= 1.0 <= interval.high for interval in intervals)
    assert 0.94 <= held / 2000 <= 0.98


def test_precision_is_the_farther_end_as_a_share_of_the_median() -> None:
    interval = median_interval([90.0, 100.0, 100.0, 100.0, 100.0, 130.0])
    assert interval is not None
    assert interval.precision == pytest.approx(0.3)
