"""A whole run: hear the corpora, ask every subject, time every subject, and record what was done."""

import logging
import threading
from collections.abc import Container, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.clips import Corpus
from benchmark.evaluation.decoding import DecodedCorpus, decode_corpus, drop_unreadable
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.latency import DEFAULT_SEGMENT_S, Stopwatch, cut_segments
from benchmark.evaluation.predict import Overwrite, Predictor
from benchmark.evaluation.preparing import Preparer
from benchmark.evaluation.sessions import Way
from benchmark.evaluation.speech import drop_silent, find_speech
from benchmark.evaluation.subjects import Subject
from benchmark.progress import Progress
from benchmark.results.environment import Environment
from benchmark.results.inference import LatencyMeasurement
from benchmark.results.runs import CorpusRecord, EvaluationRecord
from benchmark.results.store import PredictionStore
from benchmark.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a user asks of a run, beside its candidates and corpora.

    Attributes:
        min_emotions: How many classes a candidate must distinguish to be run.
        devices: Where to run: `cpu`, `cuda`; empty for the CPU and, where torch sees one, the GPU.
        limit: Clips per corpus at most; None for all.
        segment_s: Length of the segments that latency is measured on, in seconds.
        latency_budget_s: How long the timed calls of one candidate on one device may take, in seconds.
        find_speech: Whether to find out how much of each clip is speech.
        min_speech: Clips with a smaller share of speech, or none at all, are left out; None leaves none out.
        merge: Emotions that are merged into others, on every corpus.
        overwrite: Which answers are computed where some are already in the store.
        engines: What the user wants to be computed with; reference inference unless said otherwise.
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
        corpora: What the subjects heard.
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
        subjects: What is run.
        corpora: On what.
        devices: Where: answers come from the first, latency from each.
        options: What the user asked for.
        settings: Limits and places.
        store: Where answers are kept.
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
            heard = [self._hear(corpus, progress) for corpus in self.corpora]
            result.corpora = [corpus.record for corpus in heard]
            _warn_of_unreadable(result.corpora, progress)
            self._predict(heard, result, progress)
            if self.options.latency_budget_s > 0:
                self._time(heard, result, progress)
        except KeyboardInterrupt:
            progress.warn("Interrupted: the reports show what was finished.")
            result.interrupted = True
        return result

    def _hear(self, corpus: Corpus, progress: Progress) -> DecodedCorpus:
        heard = decode_corpus(corpus, progress)
        if self.options.find_speech or self.options.min_speech is not None:
            heard = find_speech(heard, self.settings, progress)
        return heard if self.options.min_speech is None else drop_silent(heard, self.options.min_speech)

    def _predict(self, heard: Sequence[DecodedCorpus], result: Evaluated, progress: Progress) -> None:
        stop = threading.Event()
        predictor = Predictor(
            corpora=heard,
            store=self.store,
            settings=self.settings,
            overwrite=self.options.overwrite,
            threads=self._threads,
            stop=stop,
            perturbations=self.options.perturbations,
            preparer=self._preparer(heard, stop),
        )
        total = len(self.subjects) * len(predictor.audio) * (1 + len(self.options.perturbations))
        with (
            progress.stage("Listening", total=total, unit="clips") as stage,
            ThreadPoolExecutor(self.settings.jobs, thread_name_prefix="evaluate") as pool,
        ):
            waiting: dict[Future[tuple[EvaluationRecord, ...]], Subject] = {
                pool.submit(predictor.predict, subject, device=self.devices[0], stage=stage): subject
                for subject in self.subjects
            }
            try:
                for future in as_completed(waiting):
                    _warn_of(waiting[future], future.result(), progress)
            finally:
                stop.set()
                try:
                    pool.shutdown(wait=True, cancel_futures=True)
                finally:  # a second Ctrl-C does not wait
                    self._collect(waiting, result)
                    result.corpora = [drop_unreadable(corpus, predictor.lost) for corpus in result.corpora]
        _warn_of_lost([corpus.record for corpus in heard], predictor.lost, progress)

    def _collect(self, futures: Mapping[Future[tuple[EvaluationRecord, ...]], Subject], result: Evaluated) -> None:
        """Take what the subjects that came to their end have brought, in the order of the subjects."""
        found = {
            subject.candidate.name: future.result()
            for future, subject in futures.items()
            if future.done() and not future.cancelled() and future.exception() is None
        }
        ordered = [record for subject in self.subjects for record in found.get(subject.candidate.name, ())]
        result.evaluations = [record for record in ordered if record.setup.perturbation is None]
        result.perturbed = [record for record in ordered if record.setup.perturbation is not None]

    @property
    def _threads(self) -> int:
        return max(1, self.environment.cores // self.settings.jobs)

    def _preparer(self, heard: Sequence[DecodedCorpus], stop: threading.Event) -> Preparer:
        return Preparer(
            choice=self.options.engines,
            audio={clip_hash: source for corpus in heard for clip_hash, source in corpus.audio.items()},
            durations={clip_hash: seconds for corpus in heard for clip_hash, seconds in corpus.durations.items()},
            merges=tuple(corpus.record.merge for corpus in heard),
            store=self.store,
            settings=self.settings,
            threads=self._threads,
            stop=stop,
        )

    def _ways(
        self, heard: Sequence[DecodedCorpus], subjects: Sequence[Subject], evaluations: Sequence[EvaluationRecord]
    ) -> dict[str, Way]:
        """How the models are computed that answered, by candidate; a converted model that is gone is made again."""
        preparer, device = self._preparer(heard, threading.Event()), self.devices[0]
        setups = {record.candidate: record.setup for record in evaluations}
        ways = {}
        for subject in subjects:
            way = preparer.way_of(subject, setups[subject.name])
            ways[subject.name] = preparer.prepare(subject, device=device, again=True).way if way.is_broken() else way
        return ways

    def _time(self, heard: Sequence[DecodedCorpus], result: Evaluated, progress: Progress) -> None:
        failed = {record.candidate for record in result.evaluations if record.failure}
        subjects = [subject for subject in self.subjects if subject.candidate.name not in failed]
        audio = [source for corpus in heard for source in corpus.audio.values()]
        segments = cut_segments(audio, seconds=self.options.segment_s)
        if not segments:
            return
        stopwatch = Stopwatch(
            segments=segments,
            segment_s=self.options.segment_s,
            budget_s=self.options.latency_budget_s,
            threads=self.environment.cores,
            settings=self.settings,
            environment=self.environment,
            ways=self._ways(heard, subjects, result.evaluations),
        )
        for device in self.devices:
            for measurement in stopwatch.measure(subjects, device=device, progress=progress):
                result.latencies.append(measurement)
                if measurement.failure:
                    progress.warn(f"{measurement.candidate}: {measurement.failure}")


def _warn_of(subject: Subject, records: Sequence[EvaluationRecord], progress: Progress) -> None:
    """Tell what failed, and which faster ways were not taken."""
    failures = {record.failure for record in records if record.failure}
    fallbacks = {text for record in records if record.inference for text in record.inference.fallbacks}
    for text in (*sorted(failures), *sorted(fallbacks)):
        progress.warn(f"{subject.name}: {text}")


def _warn_of_lost(corpora: Sequence[CorpusRecord], lost: Container[str | None], progress: Progress) -> None:
    for corpus in corpora:
        names = [clip.clip for clip in corpus.clips if clip.clip_hash in lost]
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
