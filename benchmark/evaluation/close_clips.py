"""The clips of a run on one engine: what is missing, what is close, and how windows become predictions."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.audio_sources import AudioSource
from benchmark.evaluation.context import Overwrite
from benchmark.evaluation.plan import InferencePlan, PlannedEngine
from benchmark.evaluation.sessions import AnsweredWindow
from benchmark.models.load_reports import TooShortError
from benchmark.models.speech_model import averaged, averaged_ratings
from benchmark.results.predictions import InferenceSetup, Prediction, PredictionTable
from benchmark.workers.answers import Returned

# Begins the failure of a clip that the next run tries again.
_NO_LONGER_READABLE = "It was readable when the run began, and was not when its turn came: "


@dataclass(eq=False)
class ClipPass:
    """The clips of a run, perturbed in one way or not at all, on one engine.

    Attributes:
        perturbation: What is done to the clips first, if anything.
        missing: Clips that are to be computed.
        close: Answers that cannot be relied on, by clip hash: the two best are too close, or the engine failed. They
            are not stored until the next engine has given a better one.
        settled: Clips whose close answers were replaced.
    """

    plan: InferencePlan
    engine: PlannedEngine
    perturbation: Perturbation | None
    missing: dict[str, AudioSource] = field(default_factory=dict)
    close: dict[str, Prediction] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)

    @cached_property
    def setup(self) -> InferenceSetup:
        """The setup under which answers are stored."""
        name = None if self.perturbation is None else self.perturbation.name
        return self.plan.subject.setup(self.engine.engine, perturbation=name)

    @property
    def computed(self) -> set[str]:
        """Clips that were computed in this run, perhaps before the candidate lost a worker."""
        return self.plan.context.computed[self.setup.key]

    def stored(self) -> PredictionTable:
        """The stored answers."""
        return self.plan.context.store.read(self.setup)

    def unanswered(self, clips: Iterable[str]) -> list[str]:
        """The clips without a stored answer, or without one of this run if the user wants all computed again."""
        stored = self.stored()
        if self.plan.context.options.overwrite is Overwrite.ALWAYS:
            known = self.computed & set(stored)
            return [clip_hash for clip_hash in clips if clip_hash not in known]
        return [clip_hash for clip_hash in clips if not is_lasting(stored.get(clip_hash))]

    def is_close(self, prediction: Prediction) -> bool:
        """Whether the two best answers are close, or there is none because this engine may have failed.

        That is not so for a clip that could not be read, or is too short for every engine.
        """
        if self.engine.margin == 0.0 or not is_lasting(prediction):
            return False
        if prediction.logits is None:
            return not (prediction.failure or "").startswith(TooShortError.__name__)
        margin = self.plan.decisions.margins(prediction.logits[None])[0]
        return not bool(margin >= self.engine.margin)  # NaN is close to everything

    def store(self, predictions: Sequence[Prediction]) -> None:
        """Store new predictions, but hold close ones back."""
        close = {prediction.clip_hash: prediction for prediction in predictions if self.is_close(prediction)}
        self.close |= close
        clear = [prediction for prediction in predictions if prediction.clip_hash not in close]
        self.plan.context.store.add(self.setup, clear)

    def mark_close(self, finer: Sequence["ClipPass"], clips: Set[str]) -> None:
        """Find close answers to `clips` among stored ones, unless they come from a finer engine already."""
        unsettled = clips - self.settled - self.close.keys()
        stored, better = self.stored(), _better_answers(finer)
        # Failures have no logits, and so no margin: all zeros are close.
        margins = self.plan.decisions.margins(np.nan_to_num(stored.logits))
        for row in np.flatnonzero(margins < self.engine.margin):
            clip_hash = str(stored.clip_hashes[int(row)].as_py())
            if clip_hash not in unsettled or not self.is_close(stored[clip_hash]):
                continue
            if not is_taken_over(stored[clip_hash], better(clip_hash)):
                self.close[clip_hash] = stored[clip_hash]

    def settle(self, finer: Sequence["ClipPass"]) -> float:
        """Replace close answers by those of finer engines; returns the largest difference of a probability."""
        better, store = _better_answers(finer), self.plan.context.store
        answers = [answer for clip_hash in self.close if (answer := better(clip_hash)) is not None]
        largest = 0.0
        for answer in answers:
            replaced = self.close.pop(answer.clip_hash)
            self.settled.add(answer.clip_hash)
            if replaced.logits is not None and answer.logits is not None:
                difference = self.plan.decisions.difference(answer.logits[None], replaced.logits[None])
                largest = max(largest, difference)
        if answers:
            store.add(self.setup, answers)
            store.compact(self.setup)
        return largest


def _better_answers(finer: Sequence[ClipPass]) -> Callable[[str], Prediction | None]:
    """A function that finds the answer of a finer engine: the first that is clear, else the reference's."""
    *engines, (_, of_reference) = [(clip_pass, clip_pass.stored()) for clip_pass in finer]

    def better(clip_hash: str) -> Prediction | None:
        for clip_pass, stored in engines:
            answer = stored.get(clip_hash)
            if is_lasting(answer) and not clip_pass.is_close(answer):
                return answer
        return of_reference.get(clip_hash)

    return better


@dataclass
class ClipInProgress:
    """A clip of which some windows have been computed; `rates` where they are answered by ratings, and not logits."""

    rates: bool = False
    logits: list[NDArray[np.float32]] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    seconds: float = 0.0
    failure: str | None = None

    def add(self, answered: AnsweredWindow) -> None:
        """Take the answer to the next window; after one that failed, the others do not matter."""
        samples, answer = answered.window.samples, answered.answer
        if self.failure is not None or samples is None or answer is None:
            return
        if isinstance(answer, Returned):
            self.logits.append(answer.value["logits"])
            self.samples.append(samples.size)
            self.seconds += float(answer.value["seconds"])
        else:
            self.failure = answer.reason

    def prediction(self, end: AnsweredWindow) -> Prediction:
        """Put the answers to all windows together."""
        clip_hash, unreadable = end.window.clip_hash, end.window.failure
        failure = self.failure if unreadable is None else _NO_LONGER_READABLE + unreadable
        if failure is not None:
            return Prediction(clip_hash=clip_hash, logits=None, windows=0, failure=failure, seconds=0.0)
        average = averaged_ratings if self.rates else averaged
        logits = average(np.stack(self.logits), np.array(self.samples))
        return Prediction(
            clip_hash=clip_hash, logits=logits, windows=len(self.logits), failure=None, seconds=self.seconds
        )


def is_lasting(prediction: Prediction | None) -> TypeGuard[Prediction]:
    """Whether there is an answer, not only the note that the clip could not be read when its turn came."""
    return prediction is not None and not (prediction.failure or "").startswith(_NO_LONGER_READABLE)


def is_taken_over(stored: Prediction, better: Prediction | None) -> bool:
    """Whether a stored answer is a better engine's own, or the same failure, and does not merely agree to the bit."""
    if better is None or stored.seconds != better.seconds:
        return False
    if stored.logits is None or better.logits is None:
        return stored.logits is better.logits and stored.failure == better.failure
    return np.array_equal(stored.logits, better.logits, equal_nan=True)
