import os
import signal
from collections.abc import Callable

import pytest

from benchmark.evaluation.evaluate import Evaluation
from benchmark.evaluation.latency import BLOCK_CALLS, ENOUGH_CALLS
from benchmark.evaluation.options import RunOptions
from benchmark.evaluation.sessions import ModelSession
from benchmark.progress import Silent
from benchmark.workers.answers import Answer

SetUp = Callable[..., Evaluation]


def record_turns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    turns: list[str] = []
    time_calls = ModelSession.time_calls

    def wrapped(self: ModelSession, segments: object, *, warmup: int, calls: int) -> Answer:
        turns.append(self._subject.name)
        return time_calls(self, segments, warmup=warmup, calls=calls)  # type: ignore[arg-type]

    monkeypatch.setattr(ModelSession, "time_calls", wrapped)
    return turns


def test_candidates_take_turns_until_there_are_calls_enough(evaluation: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = record_turns(monkeypatch)
    result = evaluation(options=RunOptions(segment_s=0.3, latency_budget_s=60)).run(Silent())
    assert turns[:4] == ["wav2vec2", "hubert", "wav2vec2", "hubert"]
    assert len(turns) == 2 * ENOUGH_CALLS / BLOCK_CALLS
    for measurement in result.latencies:
        assert len(measurement.calls_ms) == ENOUGH_CALLS
        assert min(measurement.calls_ms) > 0
        assert (measurement.device, measurement.dtype, measurement.segment_s) == ("cpu", "float32", 0.3)
        assert (measurement.load_s or 0) > 0
        assert (measurement.peak_memory_mb or 0) > 50
        assert measurement.failure is None


def test_a_small_budget_ends_after_one_block(evaluation: SetUp) -> None:
    result = evaluation(options=RunOptions(segment_s=0.3, latency_budget_s=1e-6)).run(Silent())
    assert [len(measurement.calls_ms) for measurement in result.latencies] == [BLOCK_CALLS, BLOCK_CALLS]


def test_a_worker_that_dies_under_the_clock_costs_its_candidate_only(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_calls = ModelSession.time_calls
    turns: list[str] = []

    def wrapped(self: ModelSession, segments: object, *, warmup: int, calls: int) -> Answer:
        turns.append(self._subject.name)
        if turns.count("hubert") == 2 and self._subject.name == "hubert":
            assert self._worker.pid is not None
            os.kill(self._worker.pid, signal.SIGKILL)
        return time_calls(self, segments, warmup=warmup, calls=calls)  # type: ignore[arg-type]

    monkeypatch.setattr(ModelSession, "time_calls", wrapped)
    result = evaluation(options=RunOptions(segment_s=0.3, latency_budget_s=60)).run(Silent())
    healthy, killed = result.latencies
    assert (healthy.candidate, len(healthy.calls_ms), healthy.failure) == ("wav2vec2", ENOUGH_CALLS, None)
    assert (killed.candidate, len(killed.calls_ms)) == ("hubert", BLOCK_CALLS)
    assert "SIGKILL" in (killed.failure or "")


def test_without_a_clip_nothing_is_timed(evaluation: SetUp) -> None:
    result = evaluation(kept=0, options=RunOptions(latency_budget_s=60)).run(Silent())
    assert result.latencies == []
