"""How long one segment takes: one call at a time, interleaved over the candidates, on each device.

Many candidates are held loaded side by side and asked in turn, in blocks, so that a slow minute of a shared machine
hits all alike, until the median of each is known well enough or its time is over. Where memory does not hold them all,
they are measured in groups that share a reference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.waveform import Waveform, resample, resampled_blocks
from benchmark.corpora.sources import AudioSource, open_source
from benchmark.evaluation.machine_load import LoadMeter, MachineLoad, sample_load
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.protocol import Engine
from benchmark.models.reports import LoadReport
from benchmark.progress import Progress, Stage
from benchmark.results.environment import Environment
from benchmark.results.inference import LatencyMeasurement, Stopped
from benchmark.results.medians import median_interval
from benchmark.settings import Settings
from benchmark.workers.answers import Returned

DEFAULT_SEGMENT_S = 3.0


_SEGMENTS = 8


# All segments are cut at one rate, so that candidates of different rates hear the same stretch of speech.
SEGMENT_RATE = 16_000


def cut_segments(audio: Iterable[AudioSource], *, seconds: float, count: int = _SEGMENTS) -> tuple[Waveform, ...]:
    """Cut pieces of exactly `seconds` out of the clips, one after another; short clips are put end to end.

    Args:
        audio: Clips, in the order they are to be used; a clip that can no longer be read is passed over.
        seconds: Length of a segment.
        count: How many segments are wanted.

    Returns:
        Up to `count` segments at 16 kHz. At least one where there is any audio: what is shorter than one segment
        in all is repeated until it fills it.
    """
    wanted = round(seconds * SEGMENT_RATE)
    segments: list[Waveform] = []
    rest = np.zeros(0, dtype=np.float32)
    for block in _speech(audio):
        rest = np.concatenate([rest, block])
        while rest.size >= wanted and len(segments) < count:
            segments.append(Waveform(rest[:wanted].copy(), SEGMENT_RATE))
            rest = rest[wanted:]
        if len(segments) == count:
            break
    if not segments and rest.size:
        segments.append(Waveform(np.resize(rest, wanted), SEGMENT_RATE))
    return tuple(segments)


def _speech(audio: Iterable[AudioSource]) -> Iterator[NDArray[np.float32]]:
    for source in audio:
        try:
            with open_source(source) as stream:
                yield from resampled_blocks(stream.blocks, stream.sampling_rate, SEGMENT_RATE)
        except UndecodableAudio:
            continue


PRECISE_WITHIN = 0.03
"""A median is known well enough once no point of its 95 % interval is farther from it than this share of it."""


FEWEST_CALLS = 30
"""The 90th percentile needs so many."""


ENOUGH_CALLS = 300
"""The 99th percentile needs so many; they are made where the time suffices."""


MOST_CALLS = 3000
"""Whatever is not known by then is not for want of calls."""


_MS_PER_S = 1000.0


def stopped_by(calls_ms: Sequence[float], *, budget_s: float) -> Stopped | None:
    """Say why a measurement is over; None where it goes on.

    Args:
        calls_ms: The timed calls so far, in milliseconds.
        budget_s: How long all of them may take, in seconds.

    Examples:
        >>> stopped_by([100.0] * 20, budget_s=20.0) is None
        True
        >>> stopped_by([100.0] * 30, budget_s=20.0)
        <Stopped.PRECISE: 'precise'>
        >>> stopped_by([1.0] * 30, budget_s=20.0) is None  # there is time for the 99th percentile
        True
        >>> stopped_by([5000.0] * 10, budget_s=20.0)
        <Stopped.TIME: 'time'>
    """
    if not calls_ms:
        return None
    spent_s = sum(calls_ms) / _MS_PER_S
    interval = median_interval(calls_ms)
    if interval is not None and interval.precision <= PRECISE_WITHIN:
        fits = ENOUGH_CALLS * float(np.mean(calls_ms)) / _MS_PER_S <= budget_s
        if len(calls_ms) >= (ENOUGH_CALLS if fits else FEWEST_CALLS):
            return Stopped.PRECISE
    if spent_s >= budget_s:
        return Stopped.TIME
    return Stopped.CALLS if len(calls_ms) >= MOST_CALLS else None


WARMUP_CALLS = 5


BLOCK_CALLS = 10


@dataclass
class TimedSubject:
    """A candidate under the clock.

    Attributes:
        subject: The candidate.
        session: Its model.
        loaded: What the load found out; None where it failed.
        segments: What is timed, at the model's rate.
        calls_ms: The timed calls so far.
        failure: Why there will be no more; None where nothing failed.
    """

    subject: Subject
    session: ModelSession
    loaded: LoadReport | None
    segments: tuple[NDArray[np.float32], ...]
    calls_ms: list[float] = field(default_factory=list)
    failure: str | None = None

    @classmethod
    def load(
        cls, stack: ExitStack, subject: Subject, session: ModelSession, segments: Sequence[Waveform]
    ) -> "TimedSubject":
        """Load a candidate to be timed; where that fails, say so in its `failure`.

        Args:
            stack: Ends the session.
            subject: The candidate.
            session: Its model, not loaded yet.
            segments: The stretches of speech that all candidates are timed on.
        """
        loaded = stack.enter_context(session).load()
        if not isinstance(loaded, LoadReport):
            failure = f"It could not be loaded to be timed: {loaded.reason}."
            return cls(subject, session, None, (), failure=failure)
        rate = loaded.sampling_rate or SEGMENT_RATE
        return cls(subject, session, loaded, tuple(resample(segment, rate).samples for segment in segments))

    def stopped_by(self, budget_s: float) -> Stopped | None:
        """Say why no more calls are timed; None where it goes on."""
        return Stopped.FAILED if self.failure is not None else stopped_by(self.calls_ms, budget_s=budget_s)

    def take_turn(self) -> int:
        """Time one block of calls, after a warm-up where it is the first.

        Returns:
            How many calls were timed.
        """
        warmup = 0 if self.calls_ms else WARMUP_CALLS
        answer = self.session.time_calls(self.segments, warmup=warmup, calls=BLOCK_CALLS)
        if not isinstance(answer, Returned):
            self.failure = f"Its worker ended while it was timed: {answer.reason}."
            return 0
        self.calls_ms += [float(call) for call in answer.value]
        return len(answer.value)

    def median_ms(self) -> float | None:
        """The median of the calls so far; None without any."""
        return float(np.median(self.calls_ms)) if self.calls_ms else None


# float32 weights, once more while they are read, and what a process with torch holds.
_BYTES_PER_PARAMETER = 8


_BYTES_PER_PROCESS = 700_000_000


_SHARE_OF_MEMORY = 0.6


@dataclass(frozen=True)
class TimingGroup:
    """Candidates that are loaded at the same time.

    Attributes:
        subjects: Those whose latency this group measures.
        reference: The candidate of the first group that is measured again beside them, so that a slower hour shows;
            None in the first group.
    """

    subjects: tuple[Subject, ...]
    reference: Subject | None = None


def timing_groups(subjects: Sequence[Subject], *, room_bytes: float | None = None) -> tuple[TimingGroup, ...]:
    """Put as many candidates together as memory holds.

    Args:
        subjects: Who is measured.
        room_bytes: Memory that they may take in all; by default a part of what is free.

    Returns:
        One group where all fit. Else groups of which the first begins with the smallest candidate, the reference,
        which takes its place in the memory of the others as well; a group has one subject of its own at least.
    """
    room = psutil.virtual_memory().available * _SHARE_OF_MEMORY if room_bytes is None else room_bytes
    if sum(map(memory_needed, subjects)) <= room:
        return (TimingGroup(tuple(subjects)),) if subjects else ()
    reference = min(subjects, key=memory_needed)
    groups: list[list[Subject]] = [[reference]]
    taken = memory_needed(reference)
    for subject in subjects:
        if subject is reference:
            continue
        has_others = any(other is not reference for other in groups[-1])
        if has_others and taken + memory_needed(subject) > room:
            groups.append([])
            taken = memory_needed(reference)
        groups[-1].append(subject)
        taken += memory_needed(subject)
    first, *others = (tuple(group) for group in groups)
    return (TimingGroup(first), *(TimingGroup(group, reference) for group in others))


def memory_needed(subject: Subject) -> int:
    """Estimate the bytes that a subject's worker holds once its model is loaded."""
    return (subject.verification.parameters or 0) * _BYTES_PER_PARAMETER + _BYTES_PER_PROCESS


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
        implementations: How the models of subjects are computed, by name, on the device that it is for; without one,
            by reference inference.
    """

    segments: Sequence[Waveform]
    segment_s: float
    budget_s: float
    threads: int
    settings: Settings
    environment: Environment
    implementations: Mapping[str, Implementation] = field(default_factory=dict)

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
        chosen = self._implementation(subject, device)
        return ModelSession(subject, chosen, threads=self.threads, settings=self.settings)

    def _implementation(self, subject: Subject, device: str) -> Implementation:
        chosen = self.implementations.get(subject.name)
        is_for_device = chosen is not None and chosen.engine.device == device
        return chosen if chosen is not None and is_for_device else Implementation(Engine(device=device))

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
        loaded, engine = one.loaded, self._implementation(one.subject, device).engine
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
