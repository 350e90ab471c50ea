"""What one subject says to every clip: from the store where it is known, else from a worker."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.clips import AudioSource
from benchmark.evaluation.listening import HeardCorpus
from benchmark.evaluation.sessions import ModelSession, log_path
from benchmark.evaluation.subjects import Subject
from benchmark.evaluation.windows_ahead import HeardWindow, windows_ahead
from benchmark.models.averaging import averaged
from benchmark.models.reports import LoadReport
from benchmark.progress import Stage
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.run import EvaluationRecord
from benchmark.results.store import PredictionStore
from benchmark.settings import Settings
from benchmark.workers.answers import Crashed, Failure, Returned, TimedOut

# Answers are kept every so often, so that a run that is killed loses little.
_FLUSH_CLIPS = 200
_FLUSH_S = 10.0
# Begins the failure of a clip that could be read when the run began, and not when its turn came: the next run tries
# again.
_NO_LONGER_READABLE = "It was readable when the run began, and was not when its turn came: "


class Overwrite(StrEnum):
    """Which answers are computed, where some are already in the store."""

    NEVER = "never"
    MISSING = "missing"
    ALWAYS = "always"


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """Asks subjects about the clips of a run.

    Attributes:
        corpora: What they hear.
        store: Where answers are kept.
        settings: Limits and places.
        overwrite: Which answers are computed.
        threads: Threads that one worker may compute with.
        stop: Set when the user interrupts; the current clip is finished, and what is done is kept.
        perturbations: What is done to the clips, one after the other, once they were heard as they are.
    """

    corpora: Sequence[HeardCorpus]
    store: PredictionStore
    settings: Settings
    overwrite: Overwrite
    threads: int
    stop: threading.Event
    perturbations: Sequence[Perturbation] = ()

    def audio(self) -> dict[str, AudioSource]:
        """Give every clip of all corpora once, by content."""
        return {clip_hash: source for corpus in self.corpora for clip_hash, source in corpus.audio.items()}

    def missing(self, setup: InferenceSetup) -> dict[str, AudioSource]:
        """Give the clips that are to be computed for `setup`."""
        if self.overwrite is Overwrite.NEVER:
            return {}
        known = {} if self.overwrite is Overwrite.ALWAYS else self.store.read(setup)
        return {
            clip_hash: source
            for clip_hash, source in self.audio().items()
            if clip_hash not in known or (known[clip_hash].failure or "").startswith(_NO_LONGER_READABLE)
        }

    def predict(self, subject: Subject, *, device: str, stage: Stage) -> tuple[EvaluationRecord, ...]:
        """Answer all clips with one subject, and say for each corpus where the answers lie.

        The clips come first as they are, then perturbed, by the same loaded model. A worker that crashes or runs past
        its time ends this subject's evaluation, and no one else's.

        Returns:
            One record per corpus for the clips as they are, then one per corpus for each perturbation.

        Raises:
            UnavailableError: The store cannot be written.
        """
        tasks = [self._task(subject, device, perturbation) for perturbation in (None, *self.perturbations)]
        stage.advance(sum(len(self.audio()) - len(task.missing) for task in tasks))
        failures = self._work_off([task for task in tasks if task.missing], subject, device, stage)
        return tuple(
            EvaluationRecord(
                candidate=subject.name,
                corpus=corpus.record.name,
                setup=task.setup,
                failure=failures.get(task.setup.key) if not task.missing.keys().isdisjoint(corpus.audio) else None,
                log=log_path(subject, self.settings).relative_to(self.settings.cache).as_posix()
                if task.missing
                else None,
            )
            for task in tasks
            for corpus in self.corpora
        )

    def _task(self, subject: Subject, device: str, perturbation: Perturbation | None) -> "_Task":
        setup = subject.setup(device=device, perturbation=None if perturbation is None else perturbation.name)
        return _Task(setup, perturbation, self.missing(setup))

    def _work_off(self, tasks: Sequence["_Task"], subject: Subject, device: str, stage: Stage) -> dict[str, str]:
        """Do what is missing with one loaded model; say for the setups that did not come to their end why."""
        failures: dict[str, str] = {}
        if not tasks:
            return failures
        with ModelSession(subject, device=device, threads=self.threads, settings=self.settings) as session:
            loaded = session.load()
            failure = _why_not_loaded(loaded)
            for task in tasks:
                if failure is None and isinstance(loaded, LoadReport):
                    failure = self._compute(session, loaded, task, stage)
                    self.store.compact(task.setup)
                if failure is not None:
                    failures[task.setup.key] = failure
        return failures

    def _compute(self, session: ModelSession, loaded: LoadReport, task: "_Task", stage: Stage) -> str | None:
        fresh: list[Prediction] = []
        flushed = time.monotonic()
        clip = _ClipInProgress()
        try:
            for window in windows_ahead(
                task.missing.items(),
                sampling_rate=loaded.sampling_rate or 0,
                window_s=loaded.window_s,
                perturbation=task.perturbation,
            ):
                if self.stop.is_set():
                    return "The run was interrupted."
                if window.samples is not None:
                    ended = clip.ask(session, window.samples)
                    if ended is not None:
                        return f"Its worker ended in the middle of the run: {ended.reason}."
                    continue
                fresh.append(clip.prediction(window))
                clip = _ClipInProgress()
                stage.advance()
                if len(fresh) >= _FLUSH_CLIPS or time.monotonic() - flushed > _FLUSH_S:
                    self.store.add(task.setup, fresh)
                    fresh, flushed = [], time.monotonic()
        finally:
            self.store.add(task.setup, fresh)
        return None


@dataclass(frozen=True, eq=False)
class _Task:
    """Clips that one model has to answer in one way."""

    setup: InferenceSetup
    perturbation: Perturbation | None
    missing: Mapping[str, AudioSource]


def _why_not_loaded(loaded: LoadReport | Failure) -> str | None:
    if not isinstance(loaded, LoadReport):
        return f"It could not be loaded again: {loaded.reason}."
    if loaded.sampling_rate is None:
        return f"It could not be loaded again: {loaded.preprocessor_problem}."
    return None


@dataclass
class _ClipInProgress:
    """What a model has said so far to the windows of one clip."""

    logits: list[NDArray[np.float32]] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    seconds: float = 0.0
    failure: str | None = None

    def ask(self, session: ModelSession, samples: NDArray[np.float32]) -> Crashed | TimedOut | None:
        """Ask about the next window, unless the model could not process an earlier one; tell if the worker ended."""
        if self.failure is not None:
            return None
        answer = session.predict(samples)
        if isinstance(answer, Crashed | TimedOut):
            return answer
        if isinstance(answer, Returned):
            self.logits.append(answer.value["logits"])
            self.samples.append(samples.size)
            self.seconds += float(answer.value["seconds"])
        else:
            self.failure = answer.reason
        return None

    def prediction(self, end: HeardWindow) -> Prediction:
        """Put the answers to all windows together."""
        failure = self.failure if end.failure is None else _NO_LONGER_READABLE + end.failure
        if failure is not None:
            return Prediction(clip_hash=end.clip_hash, logits=None, windows=0, failure=failure, seconds=0.0)
        return Prediction(
            clip_hash=end.clip_hash,
            logits=averaged(np.stack(self.logits), np.array(self.samples)),
            windows=len(self.logits),
            failure=None,
            seconds=self.seconds,
        )
