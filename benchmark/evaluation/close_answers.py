"""Answers of a faster way whose two best are too close to rely on it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmark.evaluation.parity import Decisions
from benchmark.results.prediction_table import PredictionTable
from benchmark.results.predictions import Prediction

Known = Callable[[str], Prediction | None]
"""What may stand in place of a close answer, by clip hash; None where nothing is known that may."""


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
            if prediction.logits is not None and self._is_close(prediction.logits):
                self.found[prediction.clip_hash] = prediction
            else:
                yield prediction

    def doubt(self, stored: PredictionTable, known: Known, clips: Iterable[str]) -> None:
        """Find the close ones among stored answers, unless they have been replaced already."""
        wanted = set(clips) - self.settled - self.found.keys()
        margins = np.where(stored.processed, self.decisions.margins(np.nan_to_num(stored.logits)), np.inf)
        for row in np.flatnonzero(margins < self.below):
            clip_hash = str(stored.clip_hashes[int(row)].as_py())
            if clip_hash in wanted and not same_answer(stored[clip_hash], known(clip_hash)):
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
        """Whether a prediction decides nothing: the model has failed, or its two best answers are close."""
        return prediction.logits is None or self._is_close(prediction.logits)

    def _is_close(self, logits: NDArray[np.float32]) -> bool:
        return bool(self.decisions.margins(logits[None])[0] < self.below)


def same_answer(stored: Prediction, known: Prediction | None) -> bool:
    """Whether an answer is the known one, to the bit."""
    if known is None or stored.logits is None or known.logits is None:
        return False
    return np.array_equal(stored.logits, known.logits)
