"""Answers of a faster way that cannot be relied on: their two best are too close, or there is none."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmark.evaluation.clip_answers import is_lasting
from benchmark.evaluation.parity import Decisions
from benchmark.models.reports import TooShortError
from benchmark.results.predictions import Prediction, PredictionTable

Known = Callable[[str], Prediction | None]
"""What may stand in place of an answer, by clip hash; None where nothing is known that may."""


@dataclass
class CloseAnswers:
    """The answers of a faster way whose two best are too close to rely on it, or that has failed where others need not.

    Attributes:
        decisions: How the model's outputs are read.
        below: The distance below which they are too close; 0 where the reference itself answers, which is relied on.
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
            if self.is_doubtful(prediction):
                self.found[prediction.clip_hash] = prediction
            else:
                yield prediction

    def doubt(self, stored: PredictionTable, known: Known, clips: Iterable[str]) -> None:
        """Find the close ones among stored answers, unless they have been replaced already."""
        wanted = set(clips) - self.settled - self.found.keys()
        # What was not answered has no number, and so no margin.
        margins = self.decisions.margins(np.nan_to_num(stored.logits))
        for row in np.flatnonzero(margins < self.below):
            clip_hash = str(stored.clip_hashes[int(row)].as_py())
            if clip_hash not in wanted or not self.is_doubtful(stored[clip_hash]):
                continue
            if not is_taken_over(stored[clip_hash], known(clip_hash)):
                self.found[clip_hash] = stored[clip_hash]

    def settle(self, known: Known) -> list[Prediction]:
        """Give what is known in place of the close ones, as far as something is, and compare both."""
        answers = [answer for clip_hash in self.found if (answer := known(clip_hash)) is not None]
        for answer in answers:
            fast = self.found.pop(answer.clip_hash)
            self.settled.add(answer.clip_hash)
            if fast.logits is not None and answer.logits is not None:
                difference = self.decisions.difference(answer.logits[None], fast.logits[None])
                self.largest_difference = max(self.largest_difference, difference)
        return answers

    def is_doubtful(self, prediction: Prediction) -> bool:
        """Whether a prediction decides nothing: the model has failed, or its two best answers are close.

        That a clip could not be read is no fault of a model, and what is too short is so for each way.
        """
        if self.below == 0.0 or not is_lasting(prediction):
            return False
        if prediction.logits is None:
            return not (prediction.failure or "").startswith(TooShortError.__name__)
        return self._is_close(prediction.logits)

    def _is_close(self, logits: NDArray[np.float32]) -> bool:
        return not bool(self.decisions.margins(logits[None])[0] >= self.below)  # NaN is close to everything


def is_taken_over(stored: Prediction, known: Prediction | None) -> bool:
    """Whether a stored answer is the known one, or the same failure, and does not merely agree with it to the bit."""
    if known is None or stored.seconds != known.seconds:
        return False
    if stored.logits is None or known.logits is None:
        return stored.logits is known.logits and stored.failure == known.failure
    return np.array_equal(stored.logits, known.logits, equal_nan=True)
