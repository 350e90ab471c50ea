"""Close answers of a faster way: done again in the reference, so that no decision differs from it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.clips import AudioSource
from benchmark.evaluation.asking import Asker, Job
from benchmark.evaluation.parity import Decisions
from benchmark.evaluation.preparing import Prepared, Preparer
from benchmark.evaluation.sessions import Way
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.protocol import Engine
from benchmark.progress import Silent
from benchmark.results.prediction_table import PredictionTable
from benchmark.results.predictions import InferenceSetup, Prediction


@dataclass
class CloseAnswers:
    """The answers of a faster way whose two best are too close to rely on it.

    Attributes:
        decisions: How the model's outputs are read.
        below: The distance below which they are; 0 where the reference itself answers.
        found: Those, by clip hash.
        settled: Clips that were done again.
        largest_difference: The largest difference of a probability between both ways, on those.
    """

    decisions: Decisions
    below: float
    found: dict[str, Prediction] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    largest_difference: float = 0.0

    def without(self, predictions: Iterable[Prediction]) -> Iterator[Prediction]:
        """Keep the close ones here, and give the others on."""
        for prediction in predictions:
            if self._is_close(prediction):
                self.found[prediction.clip_hash] = prediction
            else:
                yield prediction

    def doubt(self, stored: PredictionTable, reference: Mapping[str, Prediction], clips: Iterable[str]) -> None:
        """Find the close ones among stored answers, unless they are the reference's already."""
        wanted = set(clips) - self.settled - self.found.keys()
        margins = np.where(stored.processed, self.decisions.margins(np.nan_to_num(stored.logits)), np.inf)
        for row in np.flatnonzero(margins < self.below):
            clip_hash = str(stored.clip_hashes[int(row)].as_py())
            if clip_hash in wanted and not same_answer(stored[clip_hash], reference.get(clip_hash)):
                self.found[clip_hash] = stored[clip_hash]

    def settle(self, reference: Mapping[str, Prediction]) -> list[Prediction]:
        """Give the reference's answers in place of the close ones, as far as there are some, and compare both."""
        answers = [reference[clip_hash] for clip_hash in self.found if clip_hash in reference]
        for answer in answers:
            fast = self.found.pop(answer.clip_hash)
            self.settled.add(answer.clip_hash)
            if fast.logits is not None and answer.logits is not None:
                difference = self.decisions.difference(answer.logits[None], fast.logits[None])
                self.largest_difference = max(self.largest_difference, difference)
        return answers

    def _is_close(self, prediction: Prediction) -> bool:
        if prediction.logits is None:
            return False
        return bool(self.decisions.margins(prediction.logits[None])[0] < self.below)


def same_answer(stored: Prediction, reference: Prediction | None) -> bool:
    """Whether an answer is the reference's, to the bit."""
    if reference is None or stored.logits is None or reference.logits is None:
        return False
    return np.array_equal(stored.logits, reference.logits)


@dataclass(frozen=True, eq=False)
class Task:
    """The clips of a run, perturbed in one way or not at all, for one model.

    Attributes:
        setup: What decides the answers.
        reference: What would decide those of the reference.
        perturbation: What is done to the clips first, if anything.
        missing: Clips that have no answer yet.
        close: Answers that the reference has to give.
    """

    setup: InferenceSetup
    reference: InferenceSetup
    perturbation: Perturbation | None
    missing: Mapping[str, AudioSource]
    close: CloseAnswers

    def job(self) -> Job:
        """Ask about what is missing; close answers are held back."""
        return Job(self.setup, self.missing, self.perturbation, self.close.without)


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
    """Does close answers again in the reference.

    Attributes:
        asker: Asks the reference.
        preparer: Keeps what is found out about the faster way.
        audio: Every clip of the run, by clip hash.
        anew: Whether the reference is asked whatever it has said in a former run.
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
        """
        prepared = asked.prepared
        way = Way(Engine(device=prepared.way.engine.device))
        while not self.asker.stop.is_set():
            with Silent().stage("", total=None) as stage:
                jobs = [job for task in tasks if (job := self._job(task)) is not None]
                failures = self.asker.ask(subject, way, jobs, stage, side_by_side=True)
            for task in tasks:
                if task.close.found:
                    self.asker.store.add(task.setup, task.close.settle(self.asker.store.read(task.reference)))
                    self.asker.store.compact(task.setup)
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

    def _job(self, task: Task) -> Job | None:
        """What the reference has to be asked: close answers, but for those that it has given in a former run."""
        known = self.asker.store.read(task.reference)
        task.close.doubt(self.asker.store.read(task.setup), known, self.audio)
        new = {name: self.audio[name] for name in task.close.found if self.anew or name not in known}
        return Job(task.reference, new, task.perturbation) if new else None
