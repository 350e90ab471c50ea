"""What one subject says to every clip: from the store where it is known, else from a worker."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.sources import AudioSource
from benchmark.evaluation.asking import Asker
from benchmark.evaluation.clip_answers import is_lasting
from benchmark.evaluation.close_answers import CloseAnswers
from benchmark.evaluation.decoding import DecodedCorpus
from benchmark.evaluation.preparing import Prepared, Preparer
from benchmark.evaluation.redoing import Redoer, Redone, Task
from benchmark.evaluation.sessions import log_path
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.protocol import Engine
from benchmark.progress import Silent, Stage
from benchmark.results.inference import InferenceRecord
from benchmark.results.predictions import InferenceSetup
from benchmark.results.runs import EvaluationRecord
from benchmark.results.store import PredictionStore
from benchmark.settings import Settings


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
        preparer: Settles how each subject is computed; None for reference inference.
        lost: Added to; see `Asker`.
    """

    corpora: Sequence[DecodedCorpus]
    store: PredictionStore
    settings: Settings
    overwrite: Overwrite
    threads: int
    stop: threading.Event
    perturbations: Sequence[Perturbation] = ()
    preparer: Preparer | None = None
    lost: dict[str, str] = field(default_factory=dict)

    @cached_property
    def audio(self) -> dict[str, AudioSource]:
        """Every clip of all corpora once, by content; the longest first, and those of one length together.

        A model then takes its memory once, for the longest, and what is prepared for a length serves all clips of it.
        """
        durations = {clip_hash: seconds for corpus in self.corpora for clip_hash, seconds in corpus.durations.items()}
        audio = {clip_hash: source for corpus in self.corpora for clip_hash, source in corpus.audio.items()}
        return dict(sorted(audio.items(), key=lambda item: -durations[item[0]]))

    def missing(self, setup: InferenceSetup) -> dict[str, AudioSource]:
        """Give the clips that are to be computed for `setup`."""
        if self.overwrite is Overwrite.NEVER:
            return {}
        known = {} if self.overwrite is Overwrite.ALWAYS else self.store.read(setup)
        return {clip_hash: source for clip_hash, source in self.audio.items() if not is_lasting(known.get(clip_hash))}

    def predict(self, subject: Subject, *, device: str, stage: Stage) -> tuple[EvaluationRecord, ...]:
        """Answer all clips with one subject, and say for each corpus where the answers lie.

        The clips come first as they are, then perturbed, by the same loaded model. A worker of a faster way that
        crashes or runs past its time ends that way; one of the reference ends this subject's evaluation, and no one
        else's.

        Returns:
            One record per corpus for the clips as they are, then one per corpus for each perturbation.

        Raises:
            UnavailableError: The store cannot be written.
            RequestError: A newer version of bench wrote what is kept.
        """
        return self._answered_by(self._prepare(subject, device), subject, device, stage)

    def _answered_by(
        self, prepared: Prepared, subject: Subject, device: str, stage: Stage
    ) -> tuple[EvaluationRecord, ...]:
        tasks = [self._task(subject, prepared, perturbation) for perturbation in (None, *self.perturbations)]
        stage.advance(sum(len(self.audio) - len(task.missing) for task in tasks))
        jobs = [task.job() for task in tasks if task.missing]
        failures = self._asker.ask(subject, prepared.way, jobs, stage, side_by_side=prepared.check is not None)
        if failures and prepared.check is not None and not self.stop.is_set():
            return self._another_way(prepared, next(iter(failures.values())), subject, device)
        redone = Redone(prepared, failures)
        if self.preparer is not None and prepared.check is not None and self.overwrite is not Overwrite.NEVER:
            redone = self._redoer.redo(subject, redone, tasks)
            if redone.prepared.check is not None and not redone.prepared.check.passed:
                return self._anew(self._prepare(subject, device, given_up=prepared.given_up), subject, device)
        return self._records(subject, redone, tasks)

    def _another_way(
        self, prepared: Prepared, failure: str, subject: Subject, device: str
    ) -> tuple[EvaluationRecord, ...]:
        """Begin again, after the worker of a faster way has ended: with its model made anew, or the next best."""
        if prepared.way.is_broken():
            made_again = self._prepare(subject, device, again=True, given_up=prepared.given_up)
            return self._anew(made_again, subject, device)
        reason = failure[0].lower() + failure[1:].removesuffix(".")  # a sentence, of which the report makes a part
        given_up = {**prepared.given_up, prepared.way.engine: reason}
        return self._anew(self._prepare(subject, device, given_up=given_up), subject, device)

    def _anew(self, prepared: Prepared, subject: Subject, device: str) -> tuple[EvaluationRecord, ...]:
        with Silent().stage("", total=None) as unwatched:
            return self._answered_by(prepared, subject, device, unwatched)

    def _prepare(
        self, subject: Subject, device: str, *, again: bool = False, given_up: Mapping[Engine, str] | None = None
    ) -> Prepared:
        if self.preparer is None:
            return Prepared.reference(subject, device)
        known_only = self.overwrite is Overwrite.NEVER
        return self.preparer.prepare(
            subject, device=device, again=again, known_only=known_only, given_up=given_up or {}
        )

    @property
    def _asker(self) -> Asker:
        return Asker(store=self.store, settings=self.settings, threads=self.threads, stop=self.stop, lost=self.lost)

    @property
    def _redoer(self) -> Redoer:
        if self.preparer is None:
            raise ValueError("reference inference is not done again")
        return Redoer(self._asker, self.preparer, self.audio, anew=self.overwrite is Overwrite.ALWAYS)

    def _task(self, subject: Subject, prepared: Prepared, perturbation: Perturbation | None) -> Task:
        name, engine = None if perturbation is None else perturbation.name, prepared.way.engine
        setup = subject.setup(device=engine.device, perturbation=name, engine=engine)
        return Task(
            setup=setup,
            reference=subject.setup(device=engine.device, perturbation=name),
            perturbation=perturbation,
            missing=self.missing(setup),
            close=CloseAnswers(prepared.decisions, prepared.redo_below),
        )

    def _records(self, subject: Subject, redone: Redone, tasks: Sequence[Task]) -> tuple[EvaluationRecord, ...]:
        log = log_path(subject, self.settings).relative_to(self.settings.cache).as_posix()
        inference = self._inference(subject, redone.prepared, tasks[0])
        return tuple(
            EvaluationRecord(
                candidate=subject.name,
                corpus=corpus.record.name,
                setup=task.setup,
                failure=None if task.open.isdisjoint(corpus.audio) else redone.failures.get(task.setup.key),
                log=log if task.open else None,
                inference=inference,
            )
            for task in tasks
            for corpus in self.corpora
        )

    def _inference(self, subject: Subject, prepared: Prepared, task: Task) -> InferenceRecord:
        asked = "torch" if self.preparer is None else str(self.preparer.choice)
        again = 0
        if self.preparer is not None and prepared.check is not None:
            finer = self.preparer.finer(subject, prepared)
            again = task.done_again(self.store, None if finer is None else task.finer(subject, finer), self.audio)
        return prepared.record(subject, asked=asked, redone_clips=again)
