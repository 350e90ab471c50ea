"""A whole run: decode the corpora, compute every subject's answers, time every subject, and record what was done."""

import threading
from collections.abc import Container, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.clips import Corpus
from benchmark.evaluation.decoding import ClipSet, DecodedCorpus, decode_corpus, drop_unreadable
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.latency import DEFAULT_SEGMENT_S, Stopwatch, cut_segments
from benchmark.evaluation.plan import InferencePlan, Overwrite, RunContext
from benchmark.evaluation.runner import CandidateRun, InferenceRunner
from benchmark.evaluation.speech import drop_silent, find_speech
from benchmark.evaluation.subjects import Subject
from benchmark.progress import Progress, Stage
from benchmark.results.environment import Environment
from benchmark.results.inference import LatencyMeasurement
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import CorpusRecord, EvaluationRecord
from benchmark.settings import Settings


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a user asks of a run, beside its candidates and corpora.

    Attributes:
        min_emotions: How many classes a candidate must distinguish to be run.
        devices: `cpu`, `cuda`; empty for the CPU and, where torch sees one, the GPU.
        limit: Clips per corpus at most; None for all.
        segment_s: Length of the segments that latency is measured on, in seconds.
        latency_budget_s: How long the timed calls of one candidate on one device may take, in seconds; 0 measures none.
        find_speech: Whether to find out how much of each clip is speech.
        min_speech: Clips with a smaller share of speech, or none at all, are left out; None leaves none out.
        merge: Emotions that are merged into others, on every corpus.
        overwrite: Which answers are computed where some are already in the store.
        engines: What the user wants to be computed with; by default reference inference.
        perturbations: What is done to every clip, one after the other, to see which answers survive it.
    """

    min_emotions: int = 2
    devices: tuple[str, ...] = ()
    limit: int | None = None
    segment_s: float = DEFAULT_SEGMENT_S
    latency_budget_s: float = 20.0
    find_speech: bool = True
    min_speech: float | None = None
    merge: dict[str, str] = field(default_factory=dict)
    overwrite: Overwrite = Overwrite.MISSING
    perturbations: tuple[Perturbation, ...] = ()
    engines: EngineChoice = field(default_factory=EngineChoice)


@dataclass
class Evaluated:
    """What a run has brought so far; whole unless it was interrupted.

    Attributes:
        corpora: The decoded corpora.
        evaluations: One per subject and corpus.
        perturbed: One per subject, corpus and perturbation.
        latencies: One per subject and device.
        interrupted: Whether the user stopped it before its end.
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
        subjects: The candidates.
        corpora: The corpora.
        devices: Answers come from the first, latency from each.
        options: What the user asked for.
        settings: Limits and places.
        store: Keeps predictions.
        environment: The machine.
    """

    subjects: Sequence[Subject]
    corpora: Sequence[Corpus]
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
            runs = self._compute(decoded, result, progress)
            if self.options.latency_budget_s > 0:
                self._time(decoded, runs, result, progress)
        except KeyboardInterrupt:
            progress.warn("Interrupted: the reports show what was finished.")
            result.interrupted = True
        return result

    def _decode(self, corpus: Corpus, progress: Progress) -> DecodedCorpus:
        decoded = decode_corpus(corpus, progress)
        if self.options.find_speech or self.options.min_speech is not None:
            decoded = find_speech(decoded, self.settings, progress)
        return decoded if self.options.min_speech is None else drop_silent(decoded, self.options.min_speech)

    def _compute(
        self, decoded: Sequence[DecodedCorpus], result: Evaluated, progress: Progress
    ) -> Mapping[str, CandidateRun]:
        """Compute all answers, several candidates at once; the runs that came to their end, by candidate."""
        context = RunContext(
            clips=ClipSet.of(decoded),
            merges=tuple(corpus.record.merge for corpus in decoded),
            choice=self.options.engines,
            overwrite=self.options.overwrite,
            perturbations=self.options.perturbations,
            store=self.store,
            settings=self.settings,
            threads=max(1, self.environment.cores // self.settings.jobs),
            stop=threading.Event(),
        )
        total = len(self.subjects) * len(context.clips.audio) * (1 + len(context.perturbations))
        runs: dict[str, CandidateRun] = {}
        with (
            progress.stage("Listening", total=total, unit="clips") as stage,
            ThreadPoolExecutor(self.settings.jobs, thread_name_prefix="evaluate") as pool,
        ):
            futures = {pool.submit(self._run, subject, context, stage): subject for subject in self.subjects}
            try:
                for future in as_completed(futures):
                    _warn_of_failures(future.result(), decoded, progress)
            except BaseException:  # Ctrl-C, or an error of one candidate: the others store what they have
                context.stop.set()
                raise
            finally:
                try:
                    pool.shutdown(wait=True, cancel_futures=True)
                finally:  # a second Ctrl-C does not wait
                    runs = _finished(futures)
                    self._collect(runs, decoded, result)
        unreadable = {name for run in runs.values() for name in run.unreadable}
        _warn_of_lost([corpus.record for corpus in decoded], unreadable, progress)
        return runs

    def _run(self, subject: Subject, context: RunContext, stage: Stage) -> CandidateRun:
        plan = InferencePlan.build(subject, self.devices[0], context)
        return InferenceRunner(plan).run(stage)

    def _collect(self, runs: Mapping[str, CandidateRun], decoded: Sequence[DecodedCorpus], result: Evaluated) -> None:
        """Take the records of finished runs, in the order of the subjects."""
        ordered = [runs[subject.name] for subject in self.subjects if subject.name in runs]
        records = [record for run in ordered for record in run.records(decoded)]
        result.evaluations = [record for record in records if record.setup.perturbation is None]
        result.perturbed = [record for record in records if record.setup.perturbation is not None]
        unreadable = {name: reason for run in ordered for name, reason in run.unreadable.items()}
        result.corpora = [drop_unreadable(corpus, unreadable) for corpus in result.corpora]

    def _time(
        self,
        decoded: Sequence[DecodedCorpus],
        runs: Mapping[str, CandidateRun],
        result: Evaluated,
        progress: Progress,
    ) -> None:
        failed = {record.candidate for record in result.evaluations if record.failure}
        subjects = [subject for subject in self.subjects if subject.name not in failed]
        audio = [source for corpus in decoded for source in corpus.audio.values()]
        segments = cut_segments(audio, seconds=self.options.segment_s)
        if not segments:
            return
        plans = {subject.name: runs[subject.name].plan for subject in subjects}
        for plan in plans.values():
            if plan.current.implementation.is_broken():
                plan.rebuild(plan.current)
        stopwatch = Stopwatch(
            segments=segments,
            segment_s=self.options.segment_s,
            budget_s=self.options.latency_budget_s,
            threads=self.environment.cores,
            settings=self.settings,
            environment=self.environment,
            implementations={name: plan.current.implementation for name, plan in plans.items()},
        )
        for device in self.devices:
            for measurement in stopwatch.measure(subjects, device=device, progress=progress):
                result.latencies.append(measurement)
                if measurement.failure:
                    progress.warn(f"{measurement.candidate}: {measurement.failure}")


def _finished(futures: Mapping[Future[CandidateRun], Subject]) -> dict[str, CandidateRun]:
    return {
        subject.name: future.result()
        for future, subject in futures.items()
        if future.done() and not future.cancelled() and future.exception() is None
    }


def _warn_of_failures(run: CandidateRun, decoded: Sequence[DecodedCorpus], progress: Progress) -> None:
    """Log failures and rejected engines."""
    failures = {record.failure for record in run.records(decoded) if record.failure}
    for text in (*sorted(failures), *sorted(set(run.plan.fallbacks))):
        progress.warn(f"{run.plan.subject.name}: {text}")


def _warn_of_lost(corpora: Sequence[CorpusRecord], unreadable: Container[str | None], progress: Progress) -> None:
    for corpus in corpora:
        names = [clip.clip for clip in corpus.clips if clip.clip_hash in unreadable]
        if names:
            progress.warn(
                f"{corpus.name}: {len(names)} of {len(corpus.clips)} clips could not be read any more when a model's "
                f"turn came, such as {names[0]}: they are left out for all candidates, and tried again by the next run"
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
