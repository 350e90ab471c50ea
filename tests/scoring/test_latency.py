import numpy as np
import pytest

from benchmark.results.inference import LatencyMeasurement
from benchmark.scoring.latency import LatencySummary, summarise_latency


def measured(calls: int) -> LatencyMeasurement:
    return LatencyMeasurement(
        candidate="a",
        revision="1",
        device="cpu",
        backend="torch",
        dtype="float32",
        threads=1,
        processor="a processor",
        segment_s=3.0,
        calls_ms=tuple(float(call) for call in range(1, calls + 1)),
        warmup_calls=5,
    )


@pytest.mark.parametrize(("calls", "known"), [(0, 0), (9, 0), (10, 1), (29, 1), (30, 2), (299, 2), (300, 3), (1000, 3)])
def test_percentiles_need_10_and_30_and_300_calls(calls: int, known: int) -> None:
    summary = summarise_latency(measured(calls))
    found = [summary.p50_ms, summary.p90_ms, summary.p99_ms]
    assert [value is not None for value in found] == [place < known for place in range(3)]
    for percent, value in zip((50, 90, 99), found, strict=True):
        if value is not None:
            assert value == pytest.approx(np.percentile(np.arange(1, calls + 1), percent))


def test_real_time_factor_is_the_segment_over_the_median() -> None:
    assert summarise_latency(measured(11)).rtfx == pytest.approx(3.0 / 0.006)


def test_without_calls_nothing_is_known() -> None:
    assert summarise_latency(measured(0)) == LatencySummary(p50_ms=None, p90_ms=None, p99_ms=None, rtfx=None)
