"""What one subject says to every clip: from the store where it is known, else from a worker."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.clips import AudioSource
from benchmark.evaluation.listening import HeardCorpus, waveforms_ahead
from benchmark.evaluation.sessions import ModelSession, log_path
from benchmark.evaluation.subjects import Subject
from benchmark.models.reports import LoadReport
from benchmark.progress import Stage
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.run import EvaluationRecord
from benchmark.results.store import PredictionStore
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Crashed, Returned, TimedOut

# Answers are kept every so often, so that a run that is killed loses little.
_FLUSH_CLIPS = 200
_FLUSH_S = 10.0


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
    """

    corpora: Sequence[HeardCorpus]
    store: PredictionStore
    settings: Settings
    overwrite: Overwrite
    threads: int
    stop: threading.Event

    def audio(self) -> dict[str, AudioSource]:
        """Give every clip of all corpora once, by content."""
        return {clip_hash: source for corpus in self.corpora for clip_hash, source in corpus.audio.items()}

    def missing(self, setup: InferenceSetup) -> dict[str, AudioSource]:
        """Give the clips that are to be computed for `setup`."""
        if self.overwrite is Overwrite.NEVER:
            return {}
        known = {} if self.overwrite is Overwrite.ALWAYS else self.store.read(setup)
        return {clip_hash: source for clip_hash, source in self.audio().items() if clip_hash not in known}

    def predict(self, subject: Subject, *, device: str, stage: Stage) -> tuple[EvaluationRecord, ...]:
        """Answer all clips with one subject, and say for each corpus where the answers lie.

        A worker that crashes or runs past its time ends this subject's evaluation, and no one else's.

        Raises:
            UnavailableError: The store cannot be written.
        """
        setup = subject.setup(device=device)
        missing = self.missing(setup)
        stage.advance(len(self.audio()) - len(missing))
        failure = None
        if missing:
            with ModelSession(subject, device=device, threads=self.threads, settings=self.settings) as session:
                failure = self._compute(session, setup, missing, stage)
            self.store.compact(setup)
        return tuple(
            EvaluationRecord(
                candidate=subject.name,
                corpus=corpus.record.name,
                setup=setup,
                failure=failure if not missing.keys().isdisjoint(corpus.audio) else None,
                log=str(log_path(subject, self.settings)) if missing else None,
            )
            for corpus in self.corpora
        )

    def _compute(
        self, session: ModelSession, setup: InferenceSetup, missing: Mapping[str, AudioSource], stage: Stage
    ) -> str | None:
        loaded = session.load()
        if not isinstance(loaded, LoadReport):
            return f"It could not be loaded again: {loaded.reason}."
        if loaded.sampling_rate is None:
            return f"It could not be loaded again: {loaded.preprocessor_problem}."
        fresh: list[Prediction] = []
        flushed = time.monotonic()
        try:
            for clip_hash, audio in waveforms_ahead(missing.items(), loaded.sampling_rate):
                if self.stop.is_set():
                    return "The run was interrupted."
                if isinstance(audio, UndecodableAudio):
                    continue
                answer = session.predict(audio.samples)
                if isinstance(answer, Crashed | TimedOut):
                    return f"Its worker ended in the middle of the run: {answer.reason}."
                fresh.append(_prediction(clip_hash, answer))
                stage.advance()
                if len(fresh) >= _FLUSH_CLIPS or time.monotonic() - flushed > _FLUSH_S:
                    self.store.add(setup, fresh)
                    fresh, flushed = [], time.monotonic()
        finally:
            self.store.add(setup, fresh)
        return None


def _prediction(clip_hash: str, answer: Answer) -> Prediction:
    if not isinstance(answer, Returned):
        return Prediction(clip_hash=clip_hash, logits=None, windows=0, failure=answer.reason, seconds=0.0)
    value = answer.value
    return Prediction(
        clip_hash=clip_hash,
        logits=value["logits"],
        windows=int(value["windows"]),
        failure=None,
        seconds=float(value["seconds"]),
    )
