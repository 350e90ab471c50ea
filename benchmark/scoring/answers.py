"""A candidate's stored answers on one corpus, joined with the corpus's labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import compress
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmark.emotions.label_map import LabelMap
from benchmark.results.predictions import ABSENT, PredictionTable
from benchmark.scoring.array_file import ArrayFile, StoredArray
from benchmark.scoring.texts import CorpusTexts

if TYPE_CHECKING:
    from benchmark.scoring.labels import LabelledClips

T = TypeVar("T")
NO_ANSWER = -1
NO_EMOTION = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """The answers of one candidate to all readable clips of a corpus, in the corpus's order.

    Attributes:
        source: The probabilities, or where they lie.
        classes: What the candidate distinguishes, after merges.
        truth: The emotion of each clip, after merges; None where it has no label, or one that maps to nothing.
        speakers: None where unknown.
        missing: Clips without a stored prediction, neither an answer nor a failure.
        failures: Row of a clip that the candidate could not process → the reason.
        votes: Emotion → number of raters who chose it; None where the corpus does not tell.
        texts: The texts of the scored clips; None where none is said by two speakers, or some are unknown.
        compared: The clips with the emotions of those only that intervals, pairs and ranks rest on; None where these
            are all that are scored.
    """

    source: NDArray[np.float64] | StoredArray
    classes: tuple[str, ...]
    truth: tuple[str | None, ...]
    speakers: tuple[str | None, ...]
    missing: int = 0
    failures: Mapping[int, str] = field(default_factory=dict)
    votes: tuple[Mapping[str | None, int] | None, ...] = ()
    texts: CorpusTexts | None = None
    compared: "LabelledClips | None" = None

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Shape (clips, classes); rows of clips that the candidate could not process are NaN."""
        return self.source.read() if isinstance(self.source, StoredArray) else self.source

    @property
    def to_compared(self) -> "Answers":
        """The same answers, scored only on the clips that intervals, pairs and ranks rest on."""
        if self.compared is None:
            return self
        return replace(self, truth=self.compared.truth, texts=self.compared.texts, compared=None)

    def of_clips(self, chosen: NDArray[np.bool_]) -> "Answers":
        """The answers to some of the clips, shape (clips,), without their texts."""

        def among(values: tuple[T, ...]) -> tuple[T, ...]:
            return tuple(compress(values, chosen))

        return replace(
            self,
            source=self.probabilities[chosen],
            truth=among(self.truth),
            failures={},
            speakers=among(self.speakers),
            texts=None,
            compared=None,
            votes=among(self.votes),
        )

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Whether each clip got probabilities, shape (clips,)."""
        return np.asarray(self._chosen != NO_ANSWER, dtype=np.bool_)

    @property
    def chosen(self) -> NDArray[np.int64]:
        """Index into `classes` of the most probable class of each clip, the first of equals; else `NO_ANSWER`."""
        return self._chosen.astype(np.int64)

    @cached_property
    def _chosen(self) -> NDArray[np.int16]:
        # Kept for each of many candidates, so that it is small.
        if not self.classes:
            return np.full(len(self.truth), NO_ANSWER, dtype=np.int16)
        answered: NDArray[np.bool_] = np.asarray(np.isfinite(self.probabilities).all(axis=1))
        best = np.argmax(np.where(answered[:, None], self.probabilities, 0.0), axis=1)
        return np.where(answered, best, NO_ANSWER).astype(np.int16)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Whether each clip has an emotion to compare with, shape (clips,)."""
        return np.asarray(self.truth_index != NO_EMOTION, dtype=np.bool_)

    @cached_property
    def emotions(self) -> tuple[str, ...]:
        """The corpus's emotions with at least one scored clip, sorted: the same for all candidates."""
        return _emotions(self.truth)

    @cached_property
    def truth_index(self) -> NDArray[np.int64]:
        """Index into `emotions` of each clip's emotion; `NO_EMOTION` where it has none. Shape (clips,)."""
        return _truth_index(self.truth)

    def index_among(self, emotions: Sequence[str]) -> NDArray[np.int64]:
        """Index into `emotions` of each clip's emotion; `NO_EMOTION` where it has none of them. Shape (clips,)."""
        index = {emotion: number for number, emotion in enumerate(emotions)}
        # NO_EMOTION is -1 and picks the last entry.
        table = np.array([*(index.get(emotion, NO_EMOTION) for emotion in self.emotions), NO_EMOTION], dtype=np.int64)
        return table[self.truth_index]

    def chosen_among(self, classes: Sequence[str]) -> NDArray[np.int64]:
        """Index into `classes` of each answer; `len(classes)` for any other answer, `NO_ANSWER` without one."""
        index = {name: number for number, name in enumerate(classes)}
        # NO_ANSWER is -1 and picks the last entry.
        table = np.array([*(index.get(name, len(classes)) for name in self.classes), NO_ANSWER], dtype=np.int64)
        return table[self.chosen]

    def probabilities_of(self, classes: Sequence[str]) -> NDArray[np.float64]:
        """Shape (clips, len(classes)); 0 for classes that the candidate lacks, NaN for clips without an answer."""
        columns = np.zeros((len(self.truth), len(classes)), order="F")  # whose rows are summed faster
        probabilities = self.probabilities
        for column, name in enumerate(classes):
            if name in self.classes:
                columns[:, column] = probabilities[:, self.classes.index(name)]
        columns[~self.answered] = np.nan
        return columns


def join_answers(
    clips: "LabelledClips",
    predictions: PredictionTable,
    label_map: LabelMap,
    unasked: NDArray[np.bool_],
    file: ArrayFile | None = None,
) -> Answers:
    """Join a candidate's predictions with the labels of a corpus.

    Args:
        clips: The clips with their labels.
        predictions: Of the candidate.
        label_map: Has the classes of its outputs.
        unasked: The clips whose predictions do not count, shape (clips,).
        file: Where the probabilities are kept; None for memory.
    """
    rows = np.where(unasked, ABSENT, clips.finder.rows(predictions))
    probabilities = np.full((len(rows), len(label_map.classes)), np.nan)
    # ABSENT is -1 and picks the appended entry.
    has_logits = np.append(predictions.processed, False)[rows]
    if has_logits.any():
        probabilities[has_logits] = label_map.probabilities(predictions.logits[rows[has_logits]])
    return Answers(
        source=probabilities if file is None else file.add(probabilities),
        classes=label_map.classes,
        truth=clips.truth,
        speakers=clips.speakers,
        missing=int((rows == ABSENT).sum()),
        failures=_failures(predictions, rows),
        votes=clips.votes,
        texts=clips.texts,
        compared=None if clips.compared is clips else clips.compared,
    )


def _failures(predictions: PredictionTable, rows: NDArray[np.int64]) -> dict[int, str]:
    failed = np.flatnonzero(~np.append(predictions.processed, True)[rows])
    reasons = predictions.failures.take(rows[failed]).to_pylist()
    return {row: reason for row, reason in zip(failed.tolist(), reasons, strict=True) if reason is not None}


# All candidates of a corpus have the same tuple, which is hashed faster than it is counted.
@lru_cache(maxsize=4)
def _emotions(truth: tuple[str | None, ...]) -> tuple[str, ...]:
    return tuple(sorted({emotion for emotion in truth if emotion is not None}))


@lru_cache(maxsize=4)
def _truth_index(truth: tuple[str | None, ...]) -> NDArray[np.int64]:
    index: dict[str | None, int] = {emotion: number for number, emotion in enumerate(_emotions(truth))}
    index[None] = NO_EMOTION
    codes = np.fromiter((index[emotion] for emotion in truth), dtype=np.int64, count=len(truth))
    codes.setflags(write=False)
    return codes
