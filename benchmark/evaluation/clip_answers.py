"""Putting what a model says to the windows of a clip together."""

from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from benchmark.evaluation.sessions import AnsweredWindow
from benchmark.models.speech_model import averaged
from benchmark.results.predictions import Prediction
from benchmark.workers.answers import Returned

# Begins the failure of a clip that could be read when the run began, and not when its turn came: the next run tries
# again.
_NO_LONGER_READABLE = "It was readable when the run began, and was not when its turn came: "


def is_lasting(prediction: Prediction | None) -> TypeGuard[Prediction]:
    """Whether there is an answer, and not just the note that the clip could not be read when its turn came."""
    return prediction is not None and not (prediction.failure or "").startswith(_NO_LONGER_READABLE)


@dataclass
class ClipInProgress:
    """What a model has said so far to the windows of one clip."""

    logits: list[NDArray[np.float32]] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    seconds: float = 0.0
    failure: str | None = None

    def add(self, answered: AnsweredWindow) -> None:
        """Take the answer to the next window; after one that the model could not process, the others do not matter."""
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
        clip_hash, broken = end.window.clip_hash, end.window.failure
        failure = self.failure if broken is None else _NO_LONGER_READABLE + broken
        if failure is not None:
            return Prediction(clip_hash=clip_hash, logits=None, windows=0, failure=failure, seconds=0.0)
        return Prediction(
            clip_hash=clip_hash,
            logits=averaged(np.stack(self.logits), np.array(self.samples)),
            windows=len(self.logits),
            failure=None,
            seconds=self.seconds,
        )
