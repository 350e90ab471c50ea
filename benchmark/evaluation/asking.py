"""Asking one loaded model about many clips, and keeping what it says."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.sources import AudioSource
from benchmark.evaluation.clip_answers import ClipInProgress, is_lasting
from benchmark.evaluation.decoding import decode_windows
from benchmark.evaluation.sessions import ModelSession, Way
from benchmark.evaluation.subjects import Subject
from benchmark.models.reports import LoadReport
from benchmark.progress import Stage
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.store import PredictionStore
from benchmark.settings import Settings
from benchmark.workers.answers import Failure

# Answers are kept every so often, so that a run that is killed loses little.
_FLUSH_CLIPS = 200
_FLUSH_S = 10.0
_INTERRUPTED = "The run was interrupted."


@dataclass(frozen=True, eq=False)
class Job:
    """Clips that one model has to answer in one way.

    Attributes:
        setup: Under which the answers are kept.
        audio: Where the audio comes from, by clip hash.
        perturbation: What is done to it first, if anything.
        keep: Takes answers, and gives on those that are to be kept as they are.
    """

    setup: InferenceSetup
    audio: Mapping[str, AudioSource]
    perturbation: Perturbation | None = None
    keep: Callable[[Iterable[Prediction]], Iterable[Prediction]] = list


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Asks models.

    Attributes:
        store: Where answers are kept.
        settings: Limits and places.
        threads: Threads that one worker may compute with.
        stop: Set when the user interrupts; what is done is kept.
        lost: Added to: clips that were readable when the run began and no more when their turn came, by clip hash, each
            with the reason.
    """

    store: PredictionStore
    settings: Settings
    threads: int
    stop: threading.Event
    lost: dict[str, str] = field(default_factory=dict)

    def ask(
        self, subject: Subject, way: Way, jobs: Sequence[Job], stage: Stage, *, side_by_side: bool
    ) -> dict[str, str]:
        """Load a model once and do all jobs with it.

        Args:
            subject: Whose model.
            way: How it is computed.
            jobs: What is asked; nothing is loaded where there is none.
            stage: Advances by one with every clip.
            side_by_side: Whether windows are computed side by side, a thread each.

        Returns:
            For the setups that did not come to their end, by key, why.

        Raises:
            UnavailableError: The store cannot be written.
            RequestError: A newer version of bench wrote what is kept.
        """
        failures: dict[str, str] = {}
        if not jobs:
            return failures
        if self.stop.is_set():
            return dict.fromkeys((job.setup.key for job in jobs), _INTERRUPTED)
        with ModelSession(
            subject,
            device=way.engine.device,
            threads=self.threads,
            settings=self.settings,
            way=way,
            side_by_side=side_by_side,
        ) as session:
            loaded = session.load()
            failure = _why_not_loaded(loaded)
            for job in jobs:
                if failure is None and isinstance(loaded, LoadReport):
                    failure = self._do(session, loaded, job, stage)
                    self.store.compact(job.setup)
                if failure is not None:
                    failures[job.setup.key] = failure
        return failures

    def _do(self, session: ModelSession, loaded: LoadReport, job: Job, stage: Stage) -> str | None:
        fresh: list[Prediction] = []
        flushed = time.monotonic()
        clip = ClipInProgress()
        windows = decode_windows(
            job.audio.items(),
            sampling_rate=loaded.sampling_rate or 0,
            window_s=loaded.window_s,
            perturbation=job.perturbation,
        )
        try:
            for answered in session.answers(windows):
                if self.stop.is_set():
                    return _INTERRUPTED
                if answered.end is not None:
                    return f"Its worker ended in the middle of the run: {answered.end.reason}."
                if answered.answer is not None:
                    clip.add(answered)
                    continue
                prediction = clip.prediction(answered)
                if not is_lasting(prediction):
                    self.lost[prediction.clip_hash] = prediction.failure or ""
                fresh.append(prediction)
                clip = ClipInProgress()
                stage.advance()
                if len(fresh) >= _FLUSH_CLIPS or time.monotonic() - flushed > _FLUSH_S:
                    self.store.add(job.setup, job.keep(fresh))
                    fresh, flushed = [], time.monotonic()
        finally:
            self.store.add(job.setup, job.keep(fresh))
        return None


def _why_not_loaded(loaded: LoadReport | Failure) -> str | None:
    if not isinstance(loaded, LoadReport):
        return f"It could not be loaded again: {loaded.reason}."
    if loaded.sampling_rate is None:
        return f"It could not be loaded again: {loaded.preprocessor_problem}."
    return None
