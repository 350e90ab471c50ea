"""How long one segment takes: one call at a time, interleaved over the candidates, on each device.

Many candidates are held loaded side by side and asked in turn, in blocks, so that a slow minute of a shared machine
hits all alike. Where memory does not hold them all, they are measured in groups.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmark.audio.resampling import resample
from benchmark.audio.waveform import Waveform
from benchmark.evaluation.segments import SEGMENT_RATE
from benchmark.evaluation.sessions import ModelSession
from benchmark.evaluation.subjects import Subject
from benchmark.models.reports import LoadReport
from benchmark.progress import Progress
from benchmark.results.environment import Environment
from benchmark.results.latency import LatencyMeasurement
from benchmark.settings import Settings
from benchmark.workers.answers import Returned

WARMUP_CALLS = 5
BLOCK_CALLS = 10
# The 99th percentile needs 300 calls; more would not show anything that the report tells.
ENOUGH_CALLS = 300
# float32 weights, once more while they are read, and what a process with torch holds.
_BYTES_PER_PARAMETER = 8
_BYTES_PER_PROCESS = 700_000_000
_SHARE_OF_MEMORY = 0.6
_LOAD_SAMPLE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Stopwatch:
    """Measures latency under one set of conditions.

    Attributes:
        segments: The same stretches of real speech for all candidates.
        segment_s: Their length in seconds.
        budget_s: How long the timed calls of one candidate may take, in seconds.
        threads: Threads that one call may use.
        settings: Limits and places.
        environment: The machine.
    """

    segments: Sequence[Waveform]
    segment_s: float
    budget_s: float
    threads: int
    settings: Settings
    environment: Environment

    def measure(self, subjects: Sequence[Subject], *, device: str, progress: Progress) -> Iterator[LatencyMeasurement]:
        """Measure every subject on `device`; one whose worker fails is measured as far as it came, with the reason."""
        busy = psutil.cpu_percent(interval=_LOAD_SAMPLE_S) / 100
        with progress.stage(f"Timing on {device}", total=len(subjects) * ENOUGH_CALLS, unit="calls") as stage:
            for group in _groups(subjects):
                with ExitStack() as stack:
                    runners = [self._runner(stack, subject, device) for subject in group]
                    while active := [runner for runner in runners if not self._done(runner)]:
                        for runner in active:
                            stage.describe(f"Timing {runner.subject.candidate.name} on {device}")
                            stage.advance(self._turn(runner))
                    for runner in runners:
                        stage.advance(max(0, ENOUGH_CALLS - len(runner.calls_ms)))
                        yield self._measurement(runner, device, busy)

    def _runner(self, stack: ExitStack, subject: Subject, device: str) -> "_Runner":
        session = stack.enter_context(
            ModelSession(subject, device=device, threads=self.threads, settings=self.settings)
        )
        loaded = session.load()
        if not isinstance(loaded, LoadReport):
            return _Runner(subject, session, None, (), failure=f"It could not be loaded to be timed: {loaded.reason}.")
        rate = loaded.sampling_rate or SEGMENT_RATE
        arrays = tuple(resample(segment, rate).samples for segment in self.segments)
        return _Runner(subject, session, loaded, arrays)

    def _done(self, runner: "_Runner") -> bool:
        if runner.failure is not None or len(runner.calls_ms) >= ENOUGH_CALLS:
            return True
        return bool(runner.calls_ms) and sum(runner.calls_ms) / 1000 >= self.budget_s

    def _turn(self, runner: "_Runner") -> int:
        warmup = 0 if runner.calls_ms else WARMUP_CALLS
        answer = runner.session.time_calls(runner.arrays, warmup=warmup, calls=BLOCK_CALLS)
        if not isinstance(answer, Returned):
            runner.failure = f"Its worker ended while it was timed: {answer.reason}."
            return 0
        runner.calls_ms += [float(call) for call in answer.value]
        return len(answer.value)

    def _measurement(self, runner: "_Runner", device: str, busy: float) -> LatencyMeasurement:
        verification = runner.subject.verification
        loaded = runner.loaded
        return LatencyMeasurement(
            candidate=runner.subject.candidate.name,
            revision=verification.revision or "",
            device=device,
            backend="torch",
            dtype="float32",
            attention=loaded.attention if loaded else None,
            threads=self.threads,
            processor=(loaded.gpu if loaded else None) or self.environment.processor,
            segment_s=self.segment_s,
            calls_ms=tuple(runner.calls_ms),
            warmup_calls=WARMUP_CALLS,
            load_s=loaded.seconds if loaded else None,
            peak_memory_mb=runner.session.peak_memory_mb(),
            machine_load=busy,
            versions=self.environment.versions,
            failure=runner.failure,
        )


@dataclass
class _Runner:
    """A subject under the clock."""

    subject: Subject
    session: ModelSession
    loaded: LoadReport | None
    arrays: tuple[NDArray[np.float32], ...]
    calls_ms: list[float] = field(default_factory=list)
    failure: str | None = None


def _groups(subjects: Iterable[Subject]) -> Iterator[list[Subject]]:
    """Put as many candidates together as memory allows to hold loaded at once."""
    room = psutil.virtual_memory().available * _SHARE_OF_MEMORY
    group: list[Subject] = []
    taken = 0
    for subject in subjects:
        need = (subject.verification.parameters or 0) * _BYTES_PER_PARAMETER + _BYTES_PER_PROCESS
        if group and taken + need > room:
            yield group
            group, taken = [], 0
        group.append(subject)
        taken += need
    if group:
        yield group
