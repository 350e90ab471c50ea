"""The runs of all candidates: what each brought, and how several are computed and timed on this machine."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioSource
from benchmark.evaluation.context import Overwrite, RunContext, RunOptions
from benchmark.evaluation.decoding import ClipSet
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.latency import Stopwatch, cut_segments
from benchmark.evaluation.out_of_fold import SubjectCorpora
from benchmark.evaluation.plan import InferencePlan
from benchmark.evaluation.runner import CandidateRun, InferenceRunner
from benchmark.evaluation.sessions import Implementation
from benchmark.progress import Progress, Stage
from benchmark.results.environment import Environment
from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.predictions import InferenceSetup
from benchmark.results.runs import EvaluationRecord
from benchmark.settings import Settings
from benchmark.workers.answers import WorkerLostError


@dataclass(frozen=True, kw_only=True)
class CandidateOutcome:
    """What running a candidate brought.

    Attributes:
        records: One for each corpus that its model has computed, as it is and with each perturbation.
        unreadable: Why clips that could be read when the run began could not when their turn came, by clip hash.
        fallbacks: Which faster engines were not taken, in sentences.
    """

    candidate: str
    records: Sequence[EvaluationRecord]
    unreadable: Mapping[str, str]
    fallbacks: Sequence[str]

    @classmethod
    def of(cls, run: CandidateRun, corpora: Mapping[str, Iterable[str]]) -> Self:
        """The outcome of a run that came to its end; `corpora` are as of `CandidateRun.records`."""
        return cls(
            candidate=run.plan.subject.name,
            records=run.records(corpora),
            unreadable=run.unreadable,
            fallbacks=run.plan.fallbacks,
        )

    def warn(self, progress: Progress) -> None:
        """Log failures and rejected engines."""
        failures = {record.failure for record in self.records if record.failure}
        for text in (*sorted(failures), *sorted(set(self.fallbacks))):
            progress.warn(f"{self.candidate}: {text}")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How latency is measured.

    Attributes:
        audio: Of all clips; segments are cut out of the first ones.
        devices: The first is the one that has computed the answers.
    """

    audio: Sequence[AudioSource]
    devices: Sequence[str]
    options: RunOptions
    environment: Environment

    def measure(
        self, plans: Mapping[str, InferencePlan], reader: AudioReader, settings: Settings, progress: Progress
    ) -> Iterator[LatencyMeasurement]:
        """Measure candidates with the engines that have answered, on this machine.

        Args:
            plans: By candidate, in the order in which they are measured.
            reader: Reads the audio.
            settings: Of this machine.
            progress: Shows the calls.
        """
        segments = cut_segments(self.audio, reader, seconds=self.options.segment_s)
        if not segments:
            return
        stopwatch = Stopwatch(
            segments=segments,
            segment_s=self.options.segment_s,
            budget_s=self.options.latency_budget_s,
            settings=settings,
            environment=self.environment,
        )
        subjects = [plan.subject for plan in plans.values()]
        implementations = {name: _current_implementation(plan) for name, plan in plans.items()}
        for device in self.devices:
            if device != self.devices[0]:
                subjects = [own for own in subjects if own.reference(device).device == device]
                implementations = {own.name: Implementation(own.reference(device)) for own in subjects}
            yield from stopwatch.measure(subjects, implementations, device=device, progress=progress)


@dataclass(frozen=True, eq=False, kw_only=True)
class FinishedRun:
    """What is kept of a run that came to its end: nothing that grows with the clips, since a run may have many of both.

    Attributes:
        answered: The setups under which every clip has an answer.
    """

    plan: InferencePlan
    outcome: CandidateOutcome
    answered: Sequence[InferenceSetup]


class CandidateRuns(Protocol):
    """Computes and times candidates, wherever that is."""

    @property
    def outcomes(self) -> Sequence[CandidateOutcome]:
        """Those of the candidates that came to their end, also after an interruption."""

    def compute(self, subjects: Sequence[Subject], context: RunContext) -> None:
        """Compute the candidates; Ctrl-C, or an error that concerns all, ends it early with what there is."""

    def time(self, subjects: Sequence[Subject], timing: Timing) -> Iterator[LatencyMeasurement]:
        """Measure the latency of candidates that were computed."""


class OpenRuns(Protocol):
    """Opens the runs of all candidates."""

    def __call__(self, device: str, shares: Mapping[str, SubjectCorpora], progress: Progress, /) -> CandidateRuns:
        """Open them, for a device and the clips of each candidate."""


def plan_candidate(
    subject: Subject, device: str, context: RunContext, clips: ClipSet, computed: Set[str] = frozenset()
) -> InferencePlan:
    """Plan the engines of a candidate.

    An engine that is timed is chosen as if the model computed all clips; so is that of a part of a run.

    Args:
        subject: The candidate.
        device: Where it is computed.
        context: Of the run, with all its clips.
        clips: Those that the candidate's model computes in the whole run.
        computed: Those that it computes with this plan.
    """
    is_timed = context.options.latency_budget_s > 0
    planned = replace(context, clips=context.clips if is_timed else clips)
    return InferencePlan.build(subject, device, planned, computed)


def count_computed(shares: Mapping[str, SubjectCorpora], options: RunOptions) -> int:
    """Count the clips that all candidates compute, once more for each perturbation."""
    return sum(len(share.computed.audio) for share in shares.values()) * (1 + len(options.perturbations))


@dataclass(eq=False)
class LocalRuns:
    """The runs of all candidates on this machine.

    Several are computed at once, and then, alone, those that have lost a worker or answers.
    """

    device: str
    shares: Mapping[str, SubjectCorpora]
    progress: Progress
    futures: dict[str, Future[FinishedRun]] = field(default_factory=dict)

    @property
    def outcomes(self) -> list[CandidateOutcome]:
        """Those of the runs that came to their end, in the order of the subjects."""
        return [run.outcome for run in self._finished]

    @property
    def _finished(self) -> list[FinishedRun]:
        ended = [future for future in self.futures.values() if future.done() and not future.cancelled()]
        return [future.result() for future in ended if future.exception() is None]

    def compute(self, subjects: Sequence[Subject], context: RunContext) -> None:
        """Compute as many candidates at once as the user wants."""
        jobs, total = context.settings.jobs, count_computed(self.shares, context.options)
        with self.progress.stage("Listening", total=total, unit="clips") as stage:
            self._compute(subjects, context, stage, jobs=jobs)
        if lost := [subject for subject in subjects if self._has_lost(subject, context)]:
            with self.progress.stage("Listening again, alone", total=None):
                self._compute(lost, replace(context, alone=True), None, jobs=1)

    def time(self, subjects: Sequence[Subject], timing: Timing) -> Iterator[LatencyMeasurement]:
        """Measure the latency of candidates that were computed."""
        plans = {run.outcome.candidate: run.plan for run in self._finished}
        if subjects:
            context = plans[subjects[0].name].context
            chosen = {subject.name: plans[subject.name] for subject in subjects}
            yield from timing.measure(chosen, context.reader, context.settings, self.progress)

    def _has_lost(self, subject: Subject, context: RunContext) -> bool:
        """Whether a candidate has lost a worker, or its answers are not in the store any more."""
        future = self.futures[subject.name]
        if isinstance(future.exception(), WorkerLostError):
            return True
        if context.options.overwrite is Overwrite.NEVER:
            return False
        clips = self.shares[subject.name].computed.audio.keys()
        return any(clips - set(context.store.read(setup)) for setup in future.result().answered)

    def _compute(self, subjects: Sequence[Subject], context: RunContext, stage: Stage | None, *, jobs: int) -> None:
        """Run candidates; one that loses a worker in its first try costs no other."""
        with ThreadPoolExecutor(jobs, thread_name_prefix="evaluate") as pool:
            self.futures |= {subject.name: pool.submit(self._run, subject, context, stage) for subject in subjects}
            try:
                for future in as_completed([self.futures[subject.name] for subject in subjects]):
                    if not isinstance(future.exception(), WorkerLostError):
                        future.result().outcome.warn(self.progress)
            except BaseException:  # Ctrl-C, or an error of one candidate: the others store what they have
                context.stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _run(self, subject: Subject, context: RunContext, stage: Stage | None) -> FinishedRun:
        try:
            share = self.shares[subject.name]
            plan = plan_candidate(subject, self.device, context, share.clips, share.computed.audio.keys())
            run = InferenceRunner(plan, share.computed).run(stage)
            return FinishedRun(plan=plan, outcome=CandidateOutcome.of(run, share.hashes), answered=run.answered)
        except WorkerLostError as error:
            reason = f"{error.crash.reason}; it is tried once more, alone, when all others are done"
            self.progress.note(f"{subject.name}: {reason}.")
            raise


def _current_implementation(plan: InferencePlan) -> Implementation:
    if plan.current.implementation.is_broken():
        try:
            plan.rebuild(plan.current)
        except WorkerLostError:
            plan.context = replace(plan.context, alone=True)
            plan.rebuild(plan.current)
    return plan.current.implementation
