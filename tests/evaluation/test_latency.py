import os
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
import pytest

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.waveform import Waveform
from benchmark.evaluation import latency
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.evaluate import Evaluation
from benchmark.evaluation.latency import (
    BLOCK_CALLS,
    ENOUGH_CALLS,
    FEWEST_CALLS,
    MOST_CALLS,
    cut_segments,
    memory_needed,
    reference_workload,
    stopped_by,
    timing_groups,
)
from benchmark.evaluation.sessions import ModelSession
from benchmark.progress import Silent
from benchmark.registry.schema import Candidate
from benchmark.results.inference_record import Stopped
from benchmark.results.medians import median_interval
from benchmark.workers.answers import Answer, Returned
from tests.support.audio import shared_reader
from tests.support.evaluations import TORCH

SetUp = Callable[..., Evaluation]
REFERENCE = "reference wav2vec2-english"
BRIEF = replace(TORCH, segment_s=0.3, latency_budget_s=0.8)


def record_turns(
    monkeypatch: pytest.MonkeyPatch, *, clock_ms: float | None = None, killed: Collection[tuple[str, int]] = ()
) -> list[str]:
    """Note whose turn it is; let every call take the same time, or kill a candidate's worker in its n-th turns."""
    turns: list[str] = []
    time_calls = ModelSession.time_calls

    def wrapped(self: ModelSession, segments: object, *, warmup: int, calls: int) -> Answer:
        name = self.subject.name
        turns.append(name)
        if (name, turns.count(name)) in killed:
            os.kill(self._worker.pid or 0, signal.SIGKILL)
        if clock_ms is not None:
            return Returned([clock_ms] * calls)
        return time_calls(self, segments, warmup=warmup, calls=calls)  # type: ignore[arg-type]

    monkeypatch.setattr(ModelSession, "time_calls", wrapped)
    return turns


def test_candidates_take_turns_until_their_medians_are_known(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = record_turns(monkeypatch, clock_ms=1.0)
    result = evaluation(options=replace(BRIEF, latency_budget_s=60)).run(Silent())
    assert turns[:4] == [REFERENCE, "wav2vec2", REFERENCE, "hubert"]
    assert turns[::2] == [REFERENCE] * (2 * ENOUGH_CALLS // BLOCK_CALLS)
    assert [measurement.stopped_by for measurement in result.latencies] == [Stopped.PRECISE] * 2
    for measurement in result.latencies:
        assert measurement.reference == "wav2vec2-english"
        assert measurement.reference_ms == (1.0,) * (ENOUGH_CALLS // BLOCK_CALLS)


def test_a_small_budget_ends_after_one_block_of_real_times_with_what_they_depend_on(evaluation: SetUp) -> None:
    result = evaluation(options=replace(BRIEF, latency_budget_s=1e-6)).run(Silent())
    assert [measurement.candidate for measurement in result.latencies] == ["wav2vec2", "hubert"]
    for measurement in result.latencies:
        assert (len(measurement.calls_ms), measurement.block_calls) == (BLOCK_CALLS, BLOCK_CALLS)
        assert min(measurement.calls_ms) > 0
        assert (measurement.device, measurement.dtype, measurement.segment_s) == ("cpu", "float32", 0.3)
        assert (measurement.load_s or 0) > 0
        assert (measurement.peak_memory_mb or 0) > 50
        assert 0 <= (measurement.others_before or 0) <= (measurement.machine_load or 0) <= 1
        assert (measurement.stopped_by, measurement.failure) == (Stopped.TIME, None)


def test_groups_that_do_not_fit_into_memory_together_have_the_reference_workload_beside_them(
    evaluation: SetUp, subjects: dict[str, Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = record_turns(monkeypatch)
    monkeypatch.setattr(latency, "timing_groups", lambda *_, **__: tuple((subject,) for subject in subjects.values()))
    first, second = evaluation(options=BRIEF).run(Silent()).latencies
    assert (first.candidate, second.candidate) == ("wav2vec2", "hubert")
    assert "wav2vec2" not in turns[turns.index("hubert") :]
    assert turns[turns.index("hubert") - 1] == REFERENCE
    assert min(*first.reference_ms, *second.reference_ms) > 0


def test_without_the_reference_workload_candidates_are_timed_all_the_same(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_turns(monkeypatch, killed=[(REFERENCE, 2)])
    for measurement in evaluation(options=BRIEF).run(Silent()).latencies:
        assert len(measurement.calls_ms) > 0
        assert (measurement.failure, measurement.reference, measurement.reference_ms) == (None, None, ())


def test_a_worker_that_dies_under_the_clock_is_timed_again_alone_and_costs_its_candidate_only(
    evaluation: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        turns = record_turns(context, killed=[("wav2vec2", 2)])
        other, again = evaluation(options=BRIEF).run(Silent()).latencies
    assert [(timed.candidate, timed.failure) for timed in (other, again)] == [
        ("hubert", None),
        ("wav2vec2", None),
    ]
    assert len(again.calls_ms) > BLOCK_CALLS
    assert "hubert" not in turns[len(turns) - len(again.calls_ms) // BLOCK_CALLS :]
    record_turns(monkeypatch, killed=[("hubert", 2), ("hubert", 4)])
    healthy, killed = evaluation(options=BRIEF).run(Silent()).latencies
    assert (healthy.candidate, healthy.failure) == ("wav2vec2", None)
    assert (killed.candidate, killed.calls_ms, killed.stopped_by) == ("hubert", (), Stopped.FAILED)
    assert "while it was timed when it was tried once more, alone: the worker was killed" in (killed.failure or "")


def test_without_a_clip_nothing_is_timed(evaluation: SetUp) -> None:
    assert evaluation(clips=(), options=BRIEF).run(Silent()).latencies == []


@pytest.fixture
def five(subjects: dict[str, Subject]) -> list[Subject]:
    """Give five candidates of 100, 20, 300, 90 and 900 million weights."""
    template = subjects["wav2vec2"]
    return [
        replace(
            template,
            candidate=Candidate(id=f"org/m{millions}", name=f"m{millions}"),
            verification=template.verification.model_copy(update={"parameters": millions * 1_000_000}),
        )
        for millions in (100, 20, 300, 90, 900)
    ]


def test_all_are_measured_together_where_memory_holds_them(five: list[Subject]) -> None:
    room = sum(map(memory_needed, [*five, reference_workload()]))
    assert timing_groups(five, room_bytes=room) == (tuple(five),)
    assert len(timing_groups(five, room_bytes=room - 1)) == 2
    assert timing_groups([], room_bytes=1e9) == ()


def test_groups_hold_everybody_once_in_the_order_of_the_registry(five: list[Subject]) -> None:
    room = 6e9
    groups = timing_groups(five, room_bytes=room)
    assert len(groups) > 1
    assert [subject for group in groups for subject in group] == five
    for group in groups:
        assert sum(map(memory_needed, (*group, reference_workload()))) <= room or len(group) == 1
    assert [len(group) for group in timing_groups(five, room_bytes=0)] == [1] * 5


@dataclass
class Tone:
    """Audio of a given length, or none; it counts how often it is read."""

    seconds: float | None
    rate: int = 16_000
    reads: int = 0

    def waveform(self) -> Waveform:
        self.reads += 1
        if self.seconds is None:
            raise UndecodableAudio("gone")
        return Waveform(np.full(round(self.seconds * self.rate), 0.25, dtype=np.float32), self.rate)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [([], 0), ([None], 0), ([0.4], 1), ([1.0], 1), ([2.5], 2), ([0.6, 0.6], 1), ([None, 3.0], 3), ([20.0], 8)],
)
def test_segments_are_exact_and_cut_one_after_another(lengths: list[float | None], expected: int) -> None:
    segments = cut_segments([Tone(seconds) for seconds in lengths], shared_reader(), seconds=1.0)
    assert len(segments) == expected
    assert {segment.samples.size for segment in segments} <= {16_000}


def test_segments_of_other_rates_are_resampled() -> None:
    (segment,) = cut_segments([Tone(1.0, rate=8_000)], shared_reader(), seconds=1.0)
    assert (segment.sampling_rate, segment.samples.size) == (16_000, 16_000)


def test_no_more_clips_are_read_than_are_needed() -> None:
    tones = [Tone(4.0) for _ in range(10)]
    cut_segments(tones, shared_reader(), seconds=1.0)
    assert [tone.reads for tone in tones] == [1, 1, *[0] * 8]


@pytest.mark.parametrize(
    ("calls", "budget_s", "reason"),
    [
        ([1000.0] * FEWEST_CALLS, 100.0, Stopped.PRECISE),  # there is no time for the 99th percentile
        ([10.0] * ENOUGH_CALLS, 20.0, Stopped.PRECISE),
        ([1.0, 2.0] * (MOST_CALLS // 2), 60.0, Stopped.CALLS),
    ],
)
def test_a_measurement_ends_once_its_percentiles_are_known_or_calls_are_used_up(
    calls: list[float], budget_s: float, reason: Stopped
) -> None:
    assert stopped_by([], budget_s=0.0) is None
    assert stopped_by(calls[:-1], budget_s=budget_s) is None
    assert stopped_by(calls, budget_s=budget_s) is reason


def test_a_median_that_is_not_known_goes_on_until_its_time_is_over() -> None:
    calls = list(np.exp(np.random.default_rng(3).normal(0, 0.5, 120)))
    interval = median_interval(calls)
    assert interval is not None
    assert interval.precision > 0.03
    assert stopped_by(calls, budget_s=sum(calls) / 1000 + 1) is None
    assert stopped_by(calls, budget_s=sum(calls) / 1000) is Stopped.TIME


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
