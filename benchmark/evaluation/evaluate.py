"""A whole run: decode the corpora, compute every subject's answers, time every subject, and record what was done."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace

from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.clips import Corpus
from benchmark.evaluation.context import Overwrite, RunContext, RunOptions
from benchmark.evaluation.decoding import ClipSet, DecodedCorpus, decode_corpus, drop_unreadable
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.latency import Stopwatch, cut_segments
from benchmark.evaluation.out_of_fold import SubjectCorpora, divide_corpora
from benchmark.evaluation.plan import InferencePlan
from benchmark.evaluation.runner import CandidateRun, InferenceRunner
from benchmark.evaluation.sessions import Implementation
from benchmark.evaluation.speech_detection import drop_silent, find_speech
from benchmark.models.backends.protocol import Engine
from benchmark.progress import Progress, Stage
from benchmark.results.environment import Environment
from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import CorpusRecord, EvaluationRecord
from benchmark.results.training_record import TRAINED_HERE
from benchmark.settings import Settings
from benchmark.workers.answers import WorkerLostError


@dataclass
class Evaluated:
    """What a run has brought so far; whole unless it was interrupted.

    Attributes:
        evaluations: One per subject and corpus.
        perturbed: One per subject, corpus and perturbation.
        latencies: One per subject and device.
    """

    corpora: list[CorpusRecord] = field(default_factory=list)
    evaluations: list[EvaluationRecord] = field(default_factory=list)
    perturbed: list[EvaluationRecord] = field(default_factory=list)
    latencies: list[LatencyMeasurement] = field(default_factory=list)
    interrupted: bool = False


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Runs subjects on corpora.

    Attributes:
        reader: Reads the audio of the corpora.
        devices: Answers come from the first, latency from each.
    """

    subjects: Sequence[Subject]
    corpora: Sequence[Corpus]
    reader: AudioReader
    devices: Sequence[str]
    options: RunOptions
    settings: Settings
    store: PredictionStore
    environment: Environment

    def run(self, progress: Progress) -> Evaluated:
        """Run everything; Ctrl-C ends it early with what there is.

        Raises:
            UnavailableError: The store cannot be written.
        """
        result = Evaluated()
        try:
            decoded = [self._decode(corpus, progress) for corpus in self.corpora]
            result.corpora = [corpus.record for corpus in decoded]
            _warn_of_unreadable(result.corpora, progress)
            plans = self._compute(decoded, result, progress)
            if self.options.latency_budget_s > 0:
                self._time(decoded, plans, result, progress)
            if self.options.overwrite is not Overwrite.NEVER:
                result.evaluations = [self._note_lost_answers(record, result.corpora) for record in result.evaluations]
                result.perturbed = [self._note_lost_answers(record, result.corpora) for record in result.perturbed]
        except KeyboardInterrupt:
            progress.warn("Interrupted: the reports show what was finished.")
            result.interrupted = True
        return result

    def _decode(self, corpus: Corpus, progress: Progress) -> DecodedCorpus:
        decoded = decode_corpus(corpus, self.reader, progress)
        if self.options.find_speech or self.options.min_speech is not None:
            decoded = find_speech(decoded, self.reader, self.settings, progress)
        return decoded if self.options.min_speech is None else drop_silent(decoded, self.options.min_speech)

    def _compute(
        self, decoded: Sequence[DecodedCorpus], result: Evaluated, progress: Progress
    ) -> dict[str, InferencePlan]:
        """Compute all answers, several candidates at once; the plans of those that came to their end, by candidate."""
        context = RunContext(
            clips=ClipSet.of(decoded),
            reader=self.reader,
            merges=tuple(corpus.record.merge for corpus in decoded),
            options=self.options,
            store=self.store,
            settings=self.settings,
            threads=max(1, self.environment.cores // self.settings.jobs),
        )
        shares = {subject.name: self._divide(subject, decoded, context.clips, progress) for subject in self.subjects}
        runs = _CandidateRuns(self.devices[0], shares, progress)
        computed = sum(len(share.clips.audio) for share in shares.values())
        total = computed * (1 + len(self.options.perturbations))
        try:
            with progress.stage("Listening", total=total, unit="clips") as stage:
                runs.compute(self.subjects, context, stage, jobs=self.settings.jobs)
            if lost := [subject for subject in self.subjects if runs.has_lost(subject)]:
                with progress.stage("Listening again, alone", total=None):
                    runs.compute(lost, replace(context, alone=True), None, jobs=1)
        finally:  # what is finished counts, even where a second Ctrl-C did not wait for the rest
            _collect(runs.finished, shares, result)
        _warn_of_lost(decoded, result.corpora, progress)
        return {run.plan.subject.name: run.plan for run in runs.finished}

    def _divide(
        self, subject: Subject, decoded: Sequence[DecodedCorpus], clips: ClipSet, progress: Progress
    ) -> SubjectCorpora:
        return divide_corpora(subject, decoded, clips, options=self.options, store=self.store, progress=progress)

    def _note_lost_answers(self, record: EvaluationRecord, corpora: Sequence[CorpusRecord]) -> EvaluationRecord:
        """Note that answers which were there when the candidate was done are not in the store any more."""
        setup = record.setup
        if record.failure is not None or (setup.head == TRAINED_HERE and setup.perturbation is not None):
            return record
        (clips,) = [corpus.clips for corpus in corpora if corpus.name == record.corpus]
        readable = {clip.clip_hash for clip in clips if clip.clip_hash is not None}
        lost = len(readable - set(self.store.read(setup)))
        if not lost:
            return record
        failure = f"{lost} of {len(readable)} answers are not in the cache any more: it was deleted during the run."
        return record.model_copy(update={"failure": failure})

    def _time(
        self,
        decoded: Sequence[DecodedCorpus],
        plans: Mapping[str, InferencePlan],
        result: Evaluated,
        progress: Progress,
    ) -> None:
        failed = {record.candidate for record in result.evaluations if record.failure}
        subjects = [subject for subject in self.subjects if subject.name not in failed]
        audio = [source for corpus in decoded for source in corpus.audio.values()]
        segments = cut_segments(audio, self.reader, seconds=self.options.segment_s)
        if not segments:
            return
        stopwatch = Stopwatch(
            segments=segments,
            segment_s=self.options.segment_s,
            budget_s=self.options.latency_budget_s,
            settings=self.settings,
            environment=self.environment,
        )
        implementations = {subject.name: _current_implementation(plans[subject.name]) for subject in subjects}
        for device in self.devices:
            if device != self.devices[0]:
                implementations = dict.fromkeys(implementations, Implementation(Engine(device=device)))
            for measurement in stopwatch.measure(subjects, implementations, device=device, progress=progress):
                result.latencies.append(measurement)
                if measurement.failure:
                    progress.warn(f"{measurement.candidate}: {measurement.failure}")


@dataclass(eq=False)
class _CandidateRuns:
    """The runs of all candidates: several at once, and then, alone, those that have lost a worker or answers."""

    device: str
    shares: Mapping[str, SubjectCorpora]
    progress: Progress
    futures: dict[str, Future[CandidateRun]] = field(default_factory=dict)

    @property
    def finished(self) -> list[CandidateRun]:
        """The runs that came to their end, in the order of the subjects."""
        ended = [future for future in self.futures.values() if future.done() and not future.cancelled()]
        return [future.result() for future in ended if future.exception() is None]

    def has_lost(self, subject: Subject) -> bool:
        """Whether a candidate has lost a worker, or its answers are not in the store any more."""
        future = self.futures[subject.name]
        return isinstance(future.exception(), WorkerLostError) or future.result().lacks_answers

    def compute(self, subjects: Sequence[Subject], context: RunContext, stage: Stage | None, *, jobs: int) -> None:
        """Run candidates; one that loses a worker in its first try costs no other."""
        with ThreadPoolExecutor(jobs, thread_name_prefix="evaluate") as pool:
            self.futures |= {subject.name: pool.submit(self._run, subject, context, stage) for subject in subjects}
            try:
                for future in as_completed([self.futures[subject.name] for subject in subjects]):
                    if not isinstance(future.exception(), WorkerLostError):
                        run = future.result()
                        _warn_of_failures(run, self.shares[run.plan.subject.name].inferred, self.progress)
            except BaseException:  # Ctrl-C, or an error of one candidate: the others store what they have
                context.stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _run(self, subject: Subject, context: RunContext, stage: Stage | None) -> CandidateRun:
        try:
            own = self.shares[subject.name].clips
            # An engine that is timed is chosen as if the model computed all clips.
            is_timed = context.options.latency_budget_s > 0
            plan = InferencePlan.build(subject, self.device, context if is_timed else replace(context, clips=own))
            return InferenceRunner(plan, own).run(stage)
        except WorkerLostError as error:
            reason = f"{error.crash.reason}; it is tried once more, alone, when all others are done"
            self.progress.note(f"{subject.name}: {reason}.")
            raise


def _collect(runs: Sequence[CandidateRun], shares: Mapping[str, SubjectCorpora], result: Evaluated) -> None:
    """Take the records of finished runs."""
    own = [(run, shares[run.plan.subject.name]) for run in runs]
    records = [record for run, share in own for record in share.records(run.records(share.inferred))]
    result.evaluations = [record for record in records if record.setup.perturbation is None]
    result.perturbed = [record for record in records if record.setup.perturbation is not None]
    unreadable = {name: reason for run in runs for name, reason in run.unreadable.items()}
    result.corpora = [drop_unreadable(corpus, unreadable) for corpus in result.corpora]


def _current_implementation(plan: InferencePlan) -> Implementation:
    if plan.current.implementation.is_broken():
        try:
            plan.rebuild(plan.current)
        except WorkerLostError:
            plan.context = replace(plan.context, alone=True)
            plan.rebuild(plan.current)
    return plan.current.implementation


def _warn_of_failures(run: CandidateRun, decoded: Sequence[DecodedCorpus], progress: Progress) -> None:
    """Log failures and rejected engines."""
    failures = {record.failure for record in run.records(decoded) if record.failure}
    for text in (*sorted(failures), *sorted(set(run.plan.fallbacks))):
        progress.warn(f"{run.plan.subject.name}: {text}")


def _warn_of_lost(decoded: Sequence[DecodedCorpus], corpora: Sequence[CorpusRecord], progress: Progress) -> None:
    for before, after in zip(decoded, corpora, strict=True):
        clips = zip(before.record.clips, after.clips, strict=True)
        lost = [old.clip for old, new in clips if old.failure is None and new.failure is not None]
        if lost:
            progress.warn(
                f"{after.name}: {len(lost)} of {len(after.clips)} clips could not be read any more when a model's turn "
                f"came, such as {lost[0]}: they are left out for all candidates, and tried again by the next run"
            )


def _warn_of_unreadable(corpora: Sequence[CorpusRecord], progress: Progress) -> None:
    for corpus in corpora:
        unreadable = [clip for clip in corpus.clips if clip.failure is not None]
        if unreadable:
            first = unreadable[0]
            progress.warn(
                f"{corpus.name}: {len(unreadable)} of {len(corpus.clips)} clips cannot be read, "
                f"such as {first.clip} ({first.failure})"
            )
