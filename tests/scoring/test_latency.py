import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.leaderboard import LeaderboardRow
from benchmark.scoring.latency import latency_columns, noise, with_costs
from benchmark.scoring.leaderboard_rows import with_latency
from tests.scoring.conftest import RunBuilder, measured, mostly_right

BLOCK = 10


@pytest.mark.parametrize(("calls", "known"), [(0, 0), (9, 0), (10, 1), (29, 1), (30, 2), (299, 2), (300, 3)])
def test_percentiles_need_10_and_30_and_300_calls(calls: int, known: int) -> None:
    columns = latency_columns(measured(range(1, calls + 1)))
    percentiles = [columns[f"latency_p{percent}_ms"] for percent in (50, 90, 99)]
    expected = [np.percentile(range(1, calls + 1), percent) for percent in (50, 90, 99)[:known]]
    assert percentiles[:known] == pytest.approx(expected)
    assert percentiles[known:] == [None] * (3 - known)
    assert columns["rtfx"] == (pytest.approx(3.0 / expected[0] * 1000) if known else None), "the segment has 3 s"
    assert (columns["latency_p50_low_ms"] is None) == (known == 0)


def calls(turns: int, *, of_turns: float = 0.0, of_calls: float = 0.02, seed: int = 0) -> NDArray[np.float64]:
    """Make calls whose turns and whose single calls scatter by these shares."""
    random = np.random.default_rng(seed)
    turn = np.exp(random.normal(0, of_turns, turns))[:, None]
    return (100 * turn * np.exp(random.normal(0, of_calls, (turns, BLOCK)))).ravel()


def quiet(**circumstances: object) -> LatencyMeasurement:
    return measured(calls(30), **({"block_calls": BLOCK} | circumstances))


def test_a_quiet_machine_raises_nothing_and_neither_does_a_measurement_without_calls() -> None:
    assert noise(quiet(others_before=0.02, others_during=0.05)) == ""
    assert noise(measured([], others_before=0.9)) == ""


@pytest.mark.parametrize(("before", "during", "words"), [(0.3, 0.0, "before it"), (0.0, 0.3, "while it")])
def test_other_processes_are_noise(before: float, during: float, words: str) -> None:
    reason = noise(quiet(others_before=before, others_during=during))
    assert reason.startswith("Other processes used 30% of the processors")
    assert words in reason


def test_turns_that_scatter_more_than_their_calls_are_noise() -> None:
    scattered = calls(30, of_turns=0.2)
    assert "From turn to turn its median changed by" in noise(measured(scattered, block_calls=BLOCK))
    assert noise(measured(scattered)) == "", "an older measurement, without blocks"


@pytest.mark.slow
def test_calls_that_scatter_alike_in_every_turn_are_no_noise_of_the_machine() -> None:
    scattered = (measured(calls(30, of_calls=0.5, seed=seed), block_calls=BLOCK) for seed in range(60))
    assert sum(noise(measurement) != "" for measurement in scattered) <= 2


def turned(turns: int, *, ratio: float = 20.0, machine: float = 0.0, seed: int = 0) -> LatencyMeasurement:
    """A measurement of a candidate whose calls take `ratio` times those of the reference workload.

    Args:
        machine: Standard deviation of the logarithm of its speed, which keeps 0.8 of itself from turn to turn.
    """
    random = np.random.default_rng(seed)
    speed = random.normal(size=turns)
    for turn in range(1, turns):
        speed[turn] = 0.8 * speed[turn - 1] + 0.6 * speed[turn]
    slow = np.exp(machine * speed)[:, None]
    own = np.exp(random.normal(0, 0.03, (turns, BLOCK)))
    beside = np.median(np.exp(random.normal(0, 0.03, (turns, BLOCK))), axis=1)
    reference = 5 * slow[:, 0] * beside
    return measured((5 * ratio * slow * own).ravel(), block_calls=BLOCK, reference="small", reference_ms=reference)


def test_the_ratio_to_the_reference_workload_is_that_of_the_turns_and_the_machine_cancels_out() -> None:
    for machine in (0.0, 0.3):
        columns = latency_columns(turned(30, machine=machine))
        assert columns["latency_ratio"] == pytest.approx(20, rel=0.02)
        assert (columns["latency_ratio_low"] or 0) < 20 < (columns["latency_ratio_high"] or 0)  # type: ignore[operator]
    assert "latency_ratio" not in latency_columns(measured(calls(30), block_calls=BLOCK)), "an older measurement"
    brief = latency_columns(turned(2))
    assert brief["latency_ratio"] == pytest.approx(20, rel=0.05)
    assert (brief["latency_ratio_low"], brief["latency_p50_low_ms"]) == (None, None)


@pytest.mark.parametrize("machine", [0.02, 0.2])
@pytest.mark.parametrize("column", ["latency_ratio", "latency_p50_ms"])
def test_intervals_hold_what_another_run_on_a_machine_of_changing_speed_measures(column: str, machine: float) -> None:
    low, high = (f"{column.removesuffix('_ms')}_{end}{'_ms' * column.endswith('_ms')}" for end in ("low", "high"))
    runs = [latency_columns(turned(30, machine=machine, seed=seed)) for seed in range(100)]
    truth = 20 if column == "latency_ratio" else 100
    held = [float(run[low] or 0) <= truth <= float(run[high] or 0) for run in runs]
    assert np.mean(held) >= 0.95


def test_a_reference_that_became_slower_is_noise() -> None:
    reason = noise(quiet(reference="small", reference_drift=1.25))
    assert reason == "Beside its group the reference small took 25% longer than beside the first group."
    assert noise(quiet(reference="small", reference_drift=0.95)) == ""


def test_a_row_bears_the_flag_with_its_reason_and_the_interval_of_its_median() -> None:
    measurement = quiet(others_during=0.3, stopped_by="precise")
    row = with_latency(LeaderboardRow(candidate="a", flags=("limit", "seen")), measurement)
    assert row.flags == ("seen", "noisy", "limit")
    assert "while it was timed" in row.flag_reasons["noisy"]
    assert (row.latency_p50_low_ms or 0) < (row.latency_p50_ms or 0) < (row.latency_p50_high_ms or 0)
    assert (row.latency_calls, row.latency_stopped_by) == (300, "precise")


def test_an_hour_of_audio_costs_the_price_of_an_hour_by_the_measured_speed(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    for name, ms in (("timed", 150.0), ("untimed", None)):
        candidate = run.candidate(name)
        run.add(candidate, corpus, mostly_right(corpus, 0.2, 1))
        if ms is not None:
            run.timed(candidate, calls_ms=(ms,) * 30)
    board = with_costs(run.score(), 0.5)
    costs = {row.candidate: row.cost_per_hour for row in board.rows}
    assert costs["timed"] == pytest.approx(0.5 / 20), "3 s of audio take 0.15 s"
    assert costs["untimed"] is None
    assert with_costs(run.score(), None).rows == run.score().rows
