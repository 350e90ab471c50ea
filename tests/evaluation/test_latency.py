import os
import signal
from collections.abc import Callable

import pytest

from benchmark.evaluation import latency
from benchmark.evaluation.evaluate import Evaluation
from benchmark.evaluation.latency_groups import TimingGroup
from benchmark.evaluation.options import RunOptions
from benchmark.evaluation.sessions import ModelSession
from benchmark.evaluation.stopping import ENOUGH_CALLS
from benchmark.evaluation.subjects import Subject
from benchmark.evaluation.timed_subject import BLOCK_CALLS
from benchmark.progress import Silent
from benchmark.results.inference import Stopped
from benchmark.workers.answers import Answer, Returned

SetUp = Callable[..., Evaluation]
BRIEF = RunOptions(segment_s=0.3, latency_budget_s=0.8)


def record_turns(monkeypatch: pytest.MonkeyPatch, *, clock_ms: float | None = None) -> list[str]:
    """Note whose turn it is; with a clock, let every call take the same time."""
    turns: list[str] = []
    time_calls = ModelSession.time_calls

    def wrapped(self: ModelSession, segments: object, *, warmup: int, calls: int) -> Answer:
        turns.append(self._subject.name)
        answer = time_calls(self, segments, warmup=warmup, calls=calls)  # type: ignore[arg-type]
        return answer if clock_ms is None else Returned([clock_ms] * len(answer.value))  # type: ignore[union-attr]

    monkeypatch.setattr(ModelSession, "time_calls", wrapped)
    return turns


def test_candidates_take_turns_until_their_medians_are_known(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = record_turns(monkeypatch, clock_ms=1.0)
    result = evaluation(options=RunOptions(segment_s=0.3, latency_budget_s=60)).run(Silent())
    assert turns[:4] == ["wav2vec2", "hubert", "wav2vec2", "hubert"]
    assert len(turns) == 2 * ENOUGH_CALLS / BLOCK_CALLS
    assert [measurement.stopped_by for measurement in result.latencies] == [Stopped.PRECISE] * 2


def test_a_measurement_holds_real_times_and_what_they_depend_on(evaluation: SetUp) -> None:
    for measurement in evaluation(options=BRIEF).run(Silent()).latencies:
        assert len(measurement.calls_ms) >= BLOCK_CALLS
        assert min(measurement.calls_ms) > 0
        assert (measurement.device, measurement.dtype, measurement.segment_s) == ("cpu", "float32", 0.3)
        assert (measurement.load_s or 0) > 0
        assert (measurement.peak_memory_mb or 0) > 50
        assert measurement.block_calls == BLOCK_CALLS
        assert measurement.stopped_by is not None
        assert 0 <= (measurement.others_before or 0) <= (measurement.machine_load or 0) <= 1
        assert measurement.failure is None


def test_a_small_budget_ends_after_one_block(evaluation: SetUp) -> None:
    result = evaluation(options=RunOptions(segment_s=0.3, latency_budget_s=1e-6)).run(Silent())
    assert [len(measurement.calls_ms) for measurement in result.latencies] == [BLOCK_CALLS, BLOCK_CALLS]
    assert [measurement.stopped_by for measurement in result.latencies] == [Stopped.TIME] * 2


def test_groups_that_do_not_fit_into_memory_together_share_a_reference(
    evaluation: SetUp, subjects: dict[str, Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = record_turns(monkeypatch)
    first, second = subjects.values()
    groups = (TimingGroup((first,)), TimingGroup((second,), first))
    monkeypatch.setattr(latency, "timing_groups", lambda subjects: groups)
    result = evaluation(options=BRIEF).run(Silent())
    assert [measurement.candidate for measurement in result.latencies] == ["wav2vec2", "hubert"]
    assert "hubert" not in turns[: turns.index("hubert") - 1]
    assert turns[turns.index("hubert") - 1] == "wav2vec2"  # again, beside the second
    alone, beside = result.latencies
    assert (alone.reference, alone.reference_drift) == (None, None)
    assert beside.reference == "wav2vec2"
    assert 0.01 < (beside.reference_drift or 0) < 100


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
    result = evaluation(options=BRIEF).run(Silent())
    healthy, killed = result.latencies
    assert (healthy.candidate, healthy.failure) == ("wav2vec2", None)
    assert len(healthy.calls_ms) > BLOCK_CALLS
    assert (killed.candidate, len(killed.calls_ms), killed.stopped_by) == ("hubert", BLOCK_CALLS, Stopped.FAILED)
    assert "SIGKILL" in (killed.failure or "")


def test_without_a_clip_nothing_is_timed(evaluation: SetUp) -> None:
    result = evaluation(kept=0, options=RunOptions(latency_budget_s=60)).run(Silent())
    assert result.latencies == []
