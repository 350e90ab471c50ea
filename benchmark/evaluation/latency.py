"""How long one segment takes: one call at a time, interleaved over the candidates, on each device.

Candidates are loaded side by side and timed in turn, in blocks, so that a slow minute of a shared machine hits all
alike, until the median of each is known well enough or its time is over. If memory does not hold them all, they are
measured in groups. Before each block a fixed reference workload is timed: how many times as long a candidate takes can
be compared between runs, since what slows the machine slows both.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.waveform import Waveform, resample
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioSource
from benchmark.demo.files import checkpoints_path
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.machine_load import LoadMeter, MachineLoad, sample_load
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.models.backends.protocol import Engine
from benchmark.models.load_reports import LoadReport
from benchmark.progress import Progress, Stage
from benchmark.registry.schema import Candidate
from benchmark.results.environment import Environment
from benchmark.results.inference_record import LatencyMeasurement, Stopped
from benchmark.results.medians import median_interval
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.settings import Settings
from benchmark.workers.answers import Crashed, Failure, Returned

# All segments are cut at one rate, so that candidates of different rates get the same stretch of speech.
SEGMENT_RATE = 16_000
PRECISE_WITHIN = 0.03
"""A median is known well enough once no point of its 95 % interval is farther from it than this share of it."""
FEWEST_CALLS = 30
"""The 90th percentile needs so many."""
ENOUGH_CALLS = 300
"""The 99th percentile needs so many; they are made where the time suffices."""
MOST_CALLS = 3000
WARMUP_CALLS = 5
BLOCK_CALLS = 10
REFERENCE_MODEL = "wav2vec2-english"
_SEGMENTS = 8
_MS_PER_S = 1000.0
# float32 weights, once more while they are read, and what a process with torch holds.
_BYTES_PER_PARAMETER = 8
_BYTES_PER_PROCESS = 700_000_000
_SHARE_OF_MEMORY = 0.6


def cut_segments(audio: Iterable[AudioSource], reader: AudioReader, *, seconds: float) -> tuple[Waveform, ...]:
    """Cut up to eight segments of exactly `seconds` at 16 kHz out of the clips, one after another.

    Short clips are joined, and clips that can no longer be read are passed over. If all audio is shorter than one
    segment, it is repeated until it fills one.
    """
    size = round(seconds * SEGMENT_RATE)
    segments: list[Waveform] = []
    rest = np.zeros(0, dtype=np.float32)
    for block in _blocks(audio, reader):
        rest = np.concatenate([rest, block])
        while rest.size >= size and len(segments) < _SEGMENTS:
            segments.append(Waveform(rest[:size].copy(), SEGMENT_RATE))
            rest = rest[size:]
        if len(segments) == _SEGMENTS:
            break
    if not segments and rest.size:
        segments.append(Waveform(np.resize(rest, size), SEGMENT_RATE))
    return tuple(segments)


def _blocks(audio: Iterable[AudioSource], reader: AudioReader) -> Iterator[NDArray[np.float32]]:
    for source in audio:
        with suppress(UndecodableAudio), reader.open(source, SEGMENT_RATE) as stream:
            yield from stream.blocks


def stopped_by(calls_ms: Sequence[float], *, budget_s: float) -> Stopped | None:
    """Why a measurement with these calls is over; None if it goes on."""
    if not calls_ms:
        return None
    interval = median_interval(calls_ms)
    if interval is not None and interval.precision <= PRECISE_WITHIN:
        fits = ENOUGH_CALLS * float(np.mean(calls_ms)) / _MS_PER_S <= budget_s
        if len(calls_ms) >= (ENOUGH_CALLS if fits else FEWEST_CALLS):
            return Stopped.PRECISE
    if sum(calls_ms) / _MS_PER_S >= budget_s:
        return Stopped.TIME
    return Stopped.CALLS if len(calls_ms) >= MOST_CALLS else None


def timing_groups(subjects: Sequence[Subject], *, room_bytes: float) -> tuple[tuple[Subject, ...], ...]:
    """Put as many candidates together as `room_bytes` hold beside the reference workload, and at least one."""
    groups: list[list[Subject]] = []
    taken = 0
    for subject in subjects:
        needed = memory_needed(subject)
        if not groups or taken + needed > room_bytes:
            groups.append([])
            taken = memory_needed(reference_workload())
        groups[-1].append(subject)
        taken += needed
    return tuple(map(tuple, groups))


def memory_needed(subject: Subject) -> int:
    """Estimate the bytes that a subject's worker holds once its model is loaded."""
    return (subject.verification.parameters or 0) * _BYTES_PER_PARAMETER + _BYTES_PER_PROCESS


def reference_workload() -> Subject:
    """The model whose time others are divided by: the demo's wav2vec2 of 142 thousand weights, in torch and float32.

    It comes with the package, so that it is the same on every machine and in every run.
    """
    name = REFERENCE_MODEL
    verification = Verification(
        candidate=f"reference {name}", id=name, status=Status.USABLE, reason="It is part of bench.", parameters=142_000
    )
    candidate = Candidate(id=name, name=verification.candidate)
    return Subject(candidate, verification, checkpoints_path() / name)


@dataclass(eq=False)
class TimedSubject:
    """A candidate that is being timed, on segments at its own rate; `loaded` stays None if its load fails.

    Attributes:
        reference_ms: The median of the reference workload's block before each of its own blocks.
        again: Whether its first worker has ended, so that it is timed alone.
        crash: How its worker ended, if it did.
    """

    session: ModelSession
    again: bool = False
    is_warm: bool = False
    loaded: LoadReport | None = None
    segments: tuple[NDArray[np.float32], ...] = ()
    calls_ms: list[float] = field(default_factory=list)
    reference_ms: list[float] = field(default_factory=list)
    failure: str | None = None
    crash: Crashed | None = None

    def load(self, segments: Sequence[Waveform]) -> None:
        """Load the model, and resample the segments."""
        loaded = self.session.load()
        if not isinstance(loaded, LoadReport):
            self._fail("It could not be loaded to be timed", loaded)
            return
        rate = loaded.sampling_rate or SEGMENT_RATE
        self.loaded, self.segments = loaded, tuple(resample(segment, rate).samples for segment in segments)

    def stopped_by(self, budget_s: float) -> Stopped | None:
        """Why no more calls are timed; None if it goes on."""
        return Stopped.FAILED if self.failure is not None else stopped_by(self.calls_ms, budget_s=budget_s)

    def time_block(self, reference: "TimedSubject") -> int:
        """Time one block of calls, after one of the reference workload; returns how many were timed."""
        beside = reference.timed_calls()
        calls = self.timed_calls()
        self.calls_ms += calls
        if beside and calls:
            self.reference_ms.append(float(np.median(beside)))
        return len(calls)

    def timed_calls(self) -> list[float]:
        """Milliseconds of one block of calls, after a warm-up if it is the first; none if it has failed."""
        if self.failure is not None:
            return []
        warmup = 0 if self.is_warm else WARMUP_CALLS
        answer = self.session.time_calls(self.segments, warmup=warmup, calls=BLOCK_CALLS)
        if not isinstance(answer, Returned):
            self._fail("Its worker ended while it was timed", answer)
            return []
        self.is_warm = True
        return [float(call) for call in answer.value]

    def _fail(self, problem: str, answer: Failure) -> None:
        """End the measurement; what was timed until then is no result."""
        self.crash = answer if isinstance(answer, Crashed) else None
        again = " when it was tried once more, alone" if self.again and self.crash else ""
        self.failure, self.calls_ms, self.reference_ms = f"{problem}{again}: {answer.reason}.", [], []


@dataclass(frozen=True, kw_only=True)
class Stopwatch:
    """Measures latency on the same stretches of real speech for all candidates.

    Attributes:
        segment_s: Length of a segment in seconds.
        budget_s: How long the timed calls of one candidate may take, in seconds.
    """

    segments: Sequence[Waveform]
    segment_s: float
    budget_s: float
    settings: Settings
    environment: Environment

    def measure(
        self,
        subjects: Sequence[Subject],
        implementations: Mapping[str, Implementation],
        *,
        device: str,
        progress: Progress,
    ) -> Iterator[LatencyMeasurement]:
        """Measure every subject with its implementation on `device`.

        One that loses its worker is measured once more, alone, after all others. One that fails has no calls, and the
        reason.
        """
        before, room = sample_load(), psutil.virtual_memory().available * _SHARE_OF_MEMORY
        lost: set[str] = set()
        groups = deque(timing_groups(subjects, room_bytes=room))
        workload = reference_workload()
        engines = {**implementations, workload.name: Implementation(Engine(device=device))}
        with progress.stage(f"Timing on {device}", total=len(subjects) * ENOUGH_CALLS, unit="calls") as stage:
            while groups:
                with ExitStack() as stack:
                    reference, *timed = (
                        self._load(stack, subject, engines, lost) for subject in (workload, *groups.popleft())
                    )
                    during = self._time(timed, reference, device, stage)
                    shared = {
                        "machine_load": before.busy,
                        "others_before": before.others,
                        "others_during": during.others,
                    }
                    for candidate in timed:
                        subject = candidate.session.subject
                        if candidate.crash is None or subject.name in lost:
                            yield self._measurement(candidate).model_copy(update=shared)
                        else:
                            lost.add(subject.name)
                            groups.append((subject,))

    def _load(
        self, stack: ExitStack, subject: Subject, implementations: Mapping[str, Implementation], lost: Set[str]
    ) -> TimedSubject:
        threads = self.environment.cores
        session = ModelSession(subject, implementations[subject.name], threads=threads, settings=self.settings)
        timed = TimedSubject(stack.enter_context(session), again=subject.name in lost)
        timed.load(self.segments)
        return timed

    def _time(self, timed: Sequence[TimedSubject], reference: TimedSubject, device: str, stage: Stage) -> MachineLoad:
        """Time all candidates in turn, block by block, and measure the machine's load meanwhile."""
        meter = LoadMeter()
        while active := [candidate for candidate in timed if candidate.stopped_by(self.budget_s) is None]:
            for candidate in active:
                stage.describe(f"Timing {candidate.session.subject.name} on {device}")
                known = len(candidate.calls_ms)
                calls = candidate.time_block(reference)
                stage.advance(max(0, min(calls, ENOUGH_CALLS - known)))
                meter.follow()
        for candidate in timed:
            stage.advance(max(0, ENOUGH_CALLS - len(candidate.calls_ms)))
        return meter.read()

    def _measurement(self, timed: TimedSubject) -> LatencyMeasurement:
        has_reference = bool(timed.calls_ms) and len(timed.reference_ms) * BLOCK_CALLS == len(timed.calls_ms)
        subject, engine, loaded = timed.session.subject, timed.session.implementation.engine, timed.loaded
        return LatencyMeasurement(
            candidate=subject.name,
            revision=subject.verification.revision or "",
            device=engine.device,
            backend=engine.backend,
            dtype=engine.dtype,
            attention=loaded.attention if loaded else None,
            threads=self.environment.cores,
            processor=(loaded.gpu if loaded else None) or self.environment.processor,
            segment_s=self.segment_s,
            calls_ms=tuple(timed.calls_ms),
            warmup_calls=WARMUP_CALLS,
            load_s=loaded.seconds if loaded else None,
            peak_memory_mb=timed.session.peak_memory_mb(),
            versions=self.environment.versions,
            failure=timed.failure,
            stopped_by=timed.stopped_by(self.budget_s),
            block_calls=BLOCK_CALLS,
            reference=REFERENCE_MODEL if has_reference else None,
            reference_ms=tuple(timed.reference_ms) if has_reference else (),
        )
