import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.results.inference import LatencyMeasurement
from benchmark.results.leaderboard import LeaderboardRow
from benchmark.scoring.latency import noise, summarise_latency
from benchmark.scoring.rows import with_latency


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
    found = [summary.latency_p50_ms, summary.latency_p90_ms, summary.latency_p99_ms]
    assert [value is not None for value in found] == [place < known for place in range(3)]
    for percent, value in zip((50, 90, 99), found, strict=True):
        if value is not None:
            assert value == pytest.approx(np.percentile(np.arange(1, calls + 1), percent))


def test_real_time_factor_is_the_segment_over_the_median() -> None:
    assert summarise_latency(measured(11)).rtfx == pytest.approx(3.0 / 0.006)


def test_without_calls_nothing_is_known() -> None:
    assert set(vars(summarise_latency(measured(0))).values()) == {None}


BLOCK = 10


def timings(calls_ms: NDArray[np.float64], **circumstances: object) -> LatencyMeasurement:
    fields = {
        "candidate": "a",
        "revision": "1",
        "device": "cpu",
        "backend": "torch",
        "dtype": "float32",
        "threads": 1,
        "processor": "a processor",
        "segment_s": 3.0,
        "calls_ms": tuple(calls_ms),
        "warmup_calls": 5,
        "block_calls": BLOCK,
    }
    return LatencyMeasurement.model_validate(fields | circumstances)


def calls(turns: int, *, of_turns: float = 0.0, of_calls: float = 0.02, seed: int = 0) -> NDArray[np.float64]:
    """Make calls whose turns and whose single calls scatter by these shares."""
    random = np.random.default_rng(seed)
    turn = np.exp(random.normal(0, of_turns, turns))[:, None]
    return (100 * turn * np.exp(random.normal(0, of_calls, (turns, BLOCK)))).ravel()


def test_a_quiet_machine_raises_nothing() -> None:
    assert noise(timings(calls(30), others_before=0.02, others_during=0.05)) == ""


@pytest.mark.parametrize(("before", "during", "words"), [(0.3, 0.0, "before it"), (0.0, 0.3, "while it")])
def test_others_on_the_machine_are_told(before: float, during: float, words: str) -> None:
    reason = noise(timings(calls(30), others_before=before, others_during=during))
    assert reason.startswith("Other processes used 30% of the processors")
    assert words in reason


def test_turns_that_scatter_more_than_their_calls_are_told() -> None:
    assert "From turn to turn its median changed by" in noise(timings(calls(30, of_turns=0.2)))


@pytest.mark.slow
def test_calls_that_scatter_alike_in_every_turn_are_no_noise_of_the_machine() -> None:
    false_alarms = sum(noise(timings(calls(30, of_calls=0.5, seed=seed))) != "" for seed in range(60))
    assert false_alarms <= 2


def test_a_reference_that_became_slower_is_told() -> None:
    reason = noise(timings(calls(30), reference="small", reference_drift=1.25))
    assert reason == "Beside its group the reference small took 25% longer than beside the first group."
    assert noise(timings(calls(30), reference="small", reference_drift=0.95)) == ""


def test_an_older_measurement_and_one_without_calls_raise_nothing() -> None:
    assert noise(timings(calls(30, of_turns=0.2), block_calls=0)) == ""
    assert noise(timings(np.zeros(0), others_before=0.9)) == ""


def test_a_row_bears_the_flag_with_its_reason_and_the_interval_of_its_median() -> None:
    measurement = timings(calls(30), others_during=0.3, stopped_by="precise")
    row = with_latency(LeaderboardRow(candidate="a", flags=("limit", "seen")), measurement)
    assert row.flags == ("seen", "noisy", "limit")
    assert "while it was timed" in row.flag_reasons["noisy"]
    assert row.latency_p50_low_ms is not None
    assert row.latency_p50_high_ms is not None
    assert row.latency_p50_low_ms < (row.latency_p50_ms or 0) < row.latency_p50_high_ms
    assert (row.latency_calls, row.latency_stopped_by) == (300, "precise")
