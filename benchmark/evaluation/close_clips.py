"""The clips of a run on one engine: what is missing, what is close, and how windows become predictions."""

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.sources import AudioSource
from benchmark.evaluation.parity import Decisions
from benchmark.evaluation.plan import PlannedEngine
from benchmark.evaluation.sessions import AnsweredWindow
from benchmark.models.reports import TooShortError
from benchmark.models.speech_model import averaged
from benchmark.results.predictions import InferenceSetup, Prediction, PredictionTable
from benchmark.workers.answers import Returned

# Begins the failure of a clip that was readable when the run began, and not when its turn came: the next run tries it
# again.
_NO_LONGER_READABLE = "It was readable when the run began, and was not when its turn came: "


@dataclass(eq=False)
class ClipPass:
    """The clips of a run, perturbed in one way or not at all, on one engine.

    Attributes:
        engine: The engine.
        setup: Keys the answers in the store.
        perturbation: What is done to the clips first, if anything.
        decisions: How the model's outputs are read.
        missing: Clips that are to be computed.
        close: Answers that cannot be relied on, by clip hash: the two best are too close, or the engine failed. They
            are not stored until the next engine has given a better one.
        settled: Clips whose close answers were replaced.
        computed: Clips that were computed in this run.
    """

    engine: PlannedEngine
    setup: InferenceSetup
    perturbation: Perturbation | None
    decisions: Decisions
    missing: dict[str, AudioSource] = field(default_factory=dict)
    close: dict[str, Prediction] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    computed: set[str] = field(default_factory=set)

    def is_close(self, prediction: Prediction) -> bool:
        """Whether a prediction decides nothing: its two best answers are close, or only this engine may have failed.

        A clip that could not be read is no fault of an engine, and one that is too short is so for each of them.
        """
        if self.engine.margin == 0.0 or not is_lasting(prediction):
            return False
        if prediction.logits is None:
            return not (prediction.failure or "").startswith(TooShortError.__name__)
        margin = self.decisions.margins(prediction.logits[None])[0]
        return not bool(margin >= self.engine.margin)  # NaN is close to everything

    def hold_back(self, predictions: Iterable[Prediction]) -> list[Prediction]:
        """Keep close answers here, and return the others."""
        predictions = list(predictions)
        close = {prediction.clip_hash: prediction for prediction in predictions if self.is_close(prediction)}
        self.close |= close
        return [prediction for prediction in predictions if prediction.clip_hash not in close]

    def mark_close(self, stored: PredictionTable, better: Callable[[str], Prediction | None], clips: Set[str]) -> None:
        """Find close answers among stored ones, unless they come from a better engine already.

        Args:
            stored: The answers stored under this pass's setup.
            better: The answer of a better engine to a clip, if there is one.
            clips: Where to look.
        """
        wanted = clips - self.settled - self.close.keys()
        # Failures have no logits, and so no margin: all zeros are close.
        margins = self.decisions.margins(np.nan_to_num(stored.logits))
        for row in np.flatnonzero(margins < self.engine.margin):
            clip_hash = str(stored.clip_hashes[int(row)].as_py())
            if clip_hash not in wanted or not self.is_close(stored[clip_hash]):
                continue
            if not is_taken_over(stored[clip_hash], better(clip_hash)):
                self.close[clip_hash] = stored[clip_hash]

    def settle(self, better: Callable[[str], Prediction | None]) -> tuple[list[Prediction], float]:
        """Replace close answers by those of a better engine, as far as there are any.

        Returns:
            The better answers, and the largest difference of a probability to the replaced ones.
        """
        answers = [answer for clip_hash in self.close if (answer := better(clip_hash)) is not None]
        largest = 0.0
        for answer in answers:
            replaced = self.close.pop(answer.clip_hash)
            self.settled.add(answer.clip_hash)
            if replaced.logits is not None and answer.logits is not None:
                largest = max(largest, self.decisions.difference(answer.logits[None], replaced.logits[None]))
        return answers, largest


@dataclass
class ClipInProgress:
    """A clip of which some windows have been computed."""

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
        logits = averaged(np.stack(self.logits), np.array(self.samples))
        return Prediction(
            clip_hash=clip_hash, logits=logits, windows=len(self.logits), failure=None, seconds=self.seconds
        )


def is_lasting(prediction: Prediction | None) -> TypeGuard[Prediction]:
    """Whether there is an answer, and not just the note that the clip could not be read when its turn came."""
    return prediction is not None and not (prediction.failure or "").startswith(_NO_LONGER_READABLE)


def is_taken_over(stored: Prediction, better: Prediction | None) -> bool:
    """Whether a stored answer is a better engine's own, or the same failure, and does not merely agree to the bit."""
    if better is None or stored.seconds != better.seconds:
        return False
    if stored.logits is None or better.logits is None:
        return stored.logits is better.logits and stored.failure == better.failure
    return np.array_equal(stored.logits, better.logits, equal_nan=True)
