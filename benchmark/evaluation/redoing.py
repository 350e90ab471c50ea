"""Doing close answers again: in a finer number format where that holds, else in the reference, so that none differs.

An engine in bfloat16 is about a thousand times further from the reference than the same engine in float32, which takes
half as long as the reference: what is too close to rely on the one is clear to the other, but for a few.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.sources import AudioSource
from benchmark.evaluation.asking import Asker, Job
from benchmark.evaluation.clip_answers import is_lasting
from benchmark.evaluation.close_answers import CloseAnswers, Known, is_taken_over
from benchmark.evaluation.preparing import Prepared, Preparer
from benchmark.evaluation.sessions import Way
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.protocol import Engine
from benchmark.progress import Silent
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.store import PredictionStore


@dataclass(frozen=True, eq=False)
class Task:
    """The clips of a run, perturbed in one way or not at all, for one model.

    Attributes:
        setup: What decides the answers.
        reference: What would decide those of the reference.
        perturbation: What is done to the clips first, if anything.
        missing: Clips that have no answer yet.
        close: Answers that something more exact has to give.
    """

    setup: InferenceSetup
    reference: InferenceSetup
    perturbation: Perturbation | None
    missing: Mapping[str, AudioSource]
    close: CloseAnswers

    @property
    def open(self) -> set[str]:
        """Clips for which something has to be asked, or had to be."""
        return {*self.missing, *self.close.found}

    def job(self) -> Job:
        """Ask about what is missing; close answers are held back."""
        return Job(self.setup, self.missing, self.perturbation, self.close.without)

    def finer(self, subject: Subject, finer: Prepared) -> "Task":
        """The same for a finer way, which is asked nothing yet."""
        engine = finer.way.engine
        setup = subject.setup(device=engine.device, perturbation=self.setup.perturbation, engine=engine)
        return replace(self, setup=setup, missing={}, close=CloseAnswers(finer.decisions, finer.redo_below))

    def known(self, store: PredictionStore, finer: "Task | None") -> Known:
        """Give what may stand in place of a close answer: what a finer way says clearly, else what the reference says.

        Args:
            store: Where answers are kept.
            finer: The same for the finer way, if there is one.
        """
        exact = store.read(self.reference)
        if finer is None:
            return exact.get
        better, close = store.read(finer.setup), finer.close

        def answer(clip_hash: str) -> Prediction | None:
            found = better.get(clip_hash)
            return exact.get(clip_hash) if not is_lasting(found) or close.is_doubtful(found) else found

        return answer

    def done_again(self, store: PredictionStore, finer: "Task | None", clips: Iterable[str]) -> int:
        """Count the clips whose stored answer is that of something more exact; arguments as for `known`."""
        stored = store.read(self.setup)
        others = [store.read(setup) for setup in (self.reference, *([finer.setup] if finer else []))]
        answers = (stored[name] for name in clips if name in stored)
        return sum(
            any(is_taken_over(answer, other.get(answer.clip_hash)) for other in others)
            for answer in answers
            if answer.logits is not None
        )


@dataclass(frozen=True)
class Redone:
    """What doing close answers again has brought.

    Attributes:
        prepared: How the model is computed, with what is known of that by now.
        failures: For the setups for which it did not come to its end, by key, why.
    """

    prepared: Prepared
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Redoer:
    """Does close answers again.

    Attributes:
        asker: Asks something more exact.
        preparer: Keeps what is found out about the faster way, and knows a finer one.
        audio: Every clip of the run, by clip hash.
        anew: Whether that is asked whatever it has said in a former run.
    """

    asker: Asker
    preparer: Preparer
    audio: Mapping[str, AudioSource]
    anew: bool = False

    def redo(self, subject: Subject, asked: Redone, tasks: Sequence[Task]) -> Redone:
        """Do them again; where they differ more than was seen before, further clips count as close, until none does.

        Args:
            subject: Whose model.
            asked: What asking the faster way has brought.
            tasks: What it was asked.

        Returns:
            The same with what this has brought.

        Raises:
            UnavailableError: The store cannot be written.
            RequestError: A newer version of bench wrote what is kept.
        """
        prepared = asked.prepared
        finer = self.preparer.finer(subject, prepared)
        while not self.asker.stop.is_set():
            self._doubt(subject, finer, tasks)
            finer = self._ask_finer(subject, prepared, finer, tasks)
            failures = self._ask_reference(subject, prepared, finer, tasks)
            self._settle(subject, finer, tasks)
            if failures:
                named = {
                    task.setup.key: failures[task.reference.key] for task in tasks if task.reference.key in failures
                }
                return Redone(prepared, named | asked.failures)
            before = prepared.redo_below
            largest = max(task.close.largest_difference for task in tasks)
            prepared = self.preparer.keep(subject, prepared, largest)
            if prepared.redo_below == before or (prepared.check is not None and not prepared.check.passed):
                break
            for task in tasks:
                task.close.below = prepared.redo_below or 0.0
        return Redone(prepared, asked.failures)

    def _doubt(self, subject: Subject, finer: Prepared | None, tasks: Sequence[Task]) -> None:
        for task in tasks:
            task.close.doubt(self.asker.store.read(task.setup), self._known(subject, finer, task), self.audio)

    def _ask_finer(
        self, subject: Subject, prepared: Prepared, finer: Prepared | None, tasks: Sequence[Task]
    ) -> Prepared | None:
        """Ask a finer way, if there is one, and the reference about what is close even to that.

        Returns:
            The finer way, with what is known of it by now; None where there is none, or it has failed.
        """
        close = {name: self.audio[name] for task in tasks for name in task.close.found}
        if not close:
            return finer
        finer = finer or self.preparer.finer(subject, prepared, close_clips=len(close))
        if finer is None:
            return None
        asked = [self._asked_of_finer(task.finer(subject, finer), task.close.found) for task in tasks]
        failures = self._ask(subject, finer.way, [task.job() for task in asked if task.missing])
        redone = replace(self, audio=close).redo(subject, Redone(finer, failures), asked)
        check = redone.prepared.check
        return redone.prepared if not redone.failures and check is not None and check.passed else None

    def _asked_of_finer(self, finer: Task, wanted: Iterable[str]) -> Task:
        known = self.asker.store.read(finer.setup)
        asked = [name for name in wanted if self.anew or not is_lasting(known.get(name))]
        return replace(finer, missing={name: self.audio[name] for name in asked})

    def _ask_reference(
        self, subject: Subject, prepared: Prepared, finer: Prepared | None, tasks: Sequence[Task]
    ) -> dict[str, str]:
        """Ask the reference, but for what it has said in a former run."""
        jobs = []
        for task in tasks:
            known = self._known(subject, finer, task)
            anew = self.anew and finer is None
            wanted = {name: self.audio[name] for name in task.close.found if anew or not is_lasting(known(name))}
            if wanted:
                jobs.append(Job(task.reference, wanted, task.perturbation))
        return self._ask(subject, Way(Engine(device=prepared.way.engine.device)), jobs)

    def _ask(self, subject: Subject, way: Way, jobs: Sequence[Job]) -> dict[str, str]:
        with Silent().stage("", total=None) as unwatched:
            return self.asker.ask(subject, way, jobs, unwatched, side_by_side=True)

    def _settle(self, subject: Subject, finer: Prepared | None, tasks: Sequence[Task]) -> None:
        for task in tasks:
            if task.close.found:
                self.asker.store.add(task.setup, task.close.settle(self._known(subject, finer, task)))
                self.asker.store.compact(task.setup)

    def _known(self, subject: Subject, finer: Prepared | None, task: Task) -> Known:
        return task.known(self.asker.store, None if finer is None else task.finer(subject, finer))
