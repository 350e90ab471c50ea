"""How long one segment takes: one call at a time, interleaved over the candidates, on each device.

Many candidates are held loaded side by side and asked in turn, in blocks, so that a slow minute of a shared machine
hits all alike, until the median of each is known well enough or its time is over. Where memory does not hold them all,
they are measured in groups that share a reference.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmark.audio.waveform import Waveform
from benchmark.evaluation.latency_groups import TimingGroup, timing_groups
from benchmark.evaluation.others_load import LoadMeter, MachineLoad, sample_load
from benchmark.evaluation.sessions import ModelSession, Way
from benchmark.evaluation.stopping import ENOUGH_CALLS
from benchmark.evaluation.subjects import Subject
from benchmark.evaluation.timed_subject import BLOCK_CALLS, WARMUP_CALLS, TimedSubject
from benchmark.models.backends.protocol import Engine
from benchmark.progress import Progress, Stage
from benchmark.results.environment import Environment
from benchmark.results.inference import LatencyMeasurement
from benchmark.settings import Settings


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
        ways: How the models of subjects are computed, by name, on the device that that is for; without one, by
            reference inference.
    """

    segments: Sequence[Waveform]
    segment_s: float
    budget_s: float
    threads: int
    settings: Settings
    environment: Environment
    ways: Mapping[str, Way] = field(default_factory=dict)

    def measure(self, subjects: Sequence[Subject], *, device: str, progress: Progress) -> Iterator[LatencyMeasurement]:
        """Measure every subject on `device`; one whose worker fails is measured as far as it came, with the reason."""
        before = sample_load()
        first_ms: float | None = None
        with progress.stage(f"Timing on {device}", total=len(subjects) * ENOUGH_CALLS, unit="calls") as stage:
            for group in timing_groups(subjects):
                with ExitStack() as stack:
                    timed = self._load(stack, group, device)
                    during = self._time(timed, group, device, stage)
                    drift = None
                    if group.reference is not None:
                        drift = _ratio(timed[0].median_ms(), first_ms)
                    elif first_ms is None:
                        first_ms = timed[0].median_ms()
                    circumstances = _Circumstances(before, during, group.reference, drift)
                    for one in timed:
                        if one.subject is not group.reference:
                            yield self._measurement(one, device, circumstances)

    def _load(self, stack: ExitStack, group: TimingGroup, device: str) -> list[TimedSubject]:
        subjects = group.subjects if group.reference is None else (group.reference, *group.subjects)
        return [
            TimedSubject.load(stack, subject, self._session(subject, device), self.segments) for subject in subjects
        ]

    def _session(self, subject: Subject, device: str) -> ModelSession:
        way = self._way(subject, device)
        return ModelSession(subject, device=device, threads=self.threads, settings=self.settings, way=way)

    def _way(self, subject: Subject, device: str) -> Way:
        way = self.ways.get(subject.name)
        return way if way is not None and way.engine.device == device else Way(Engine(device=device))

    def _time(self, timed: Sequence[TimedSubject], group: TimingGroup, device: str, stage: Stage) -> MachineLoad:
        """Give every candidate its turn until all are done; say how busy the machine was meanwhile."""
        meter = LoadMeter()
        while active := [one for one in timed if one.stopped_by(self.budget_s) is None]:
            for one in active:
                stage.describe(f"Timing {one.subject.name} on {device}")
                known = len(one.calls_ms)
                calls = one.take_turn()
                if one.subject is not group.reference:
                    stage.advance(max(0, min(calls, ENOUGH_CALLS - known)))
                meter.follow()
        for one in timed:
            if one.subject is not group.reference:
                stage.advance(max(0, ENOUGH_CALLS - len(one.calls_ms)))
        return meter.read()

    def _measurement(self, one: TimedSubject, device: str, circumstances: "_Circumstances") -> LatencyMeasurement:
        loaded, engine = one.loaded, self._way(one.subject, device).engine
        return LatencyMeasurement(
            candidate=one.subject.name,
            revision=one.subject.verification.revision or "",
            device=device,
            backend=engine.backend,
            dtype=engine.dtype,
            attention=loaded.attention if loaded else None,
            threads=self.threads,
            processor=(loaded.gpu if loaded else None) or self.environment.processor,
            segment_s=self.segment_s,
            calls_ms=tuple(one.calls_ms),
            warmup_calls=WARMUP_CALLS,
            load_s=loaded.seconds if loaded else None,
            peak_memory_mb=one.session.peak_memory_mb(),
            machine_load=circumstances.before.busy,
            versions=self.environment.versions,
            failure=one.failure,
            stopped_by=one.stopped_by(self.budget_s),
            block_calls=BLOCK_CALLS,
            others_before=circumstances.before.others,
            others_during=circumstances.during.others,
            reference=circumstances.reference.name if circumstances.reference else None,
            reference_drift=circumstances.reference_drift,
        )


@dataclass(frozen=True)
class _Circumstances:
    """Under which a group was measured."""

    before: MachineLoad
    during: MachineLoad
    reference: Subject | None
    reference_drift: float | None


def _ratio(now: float | None, first: float | None) -> float | None:
    return now / first if now is not None and first else None
