"""What one candidate answered on one corpus, with the corpus's labels joined to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmark.emotions.label_map import LabelMap, map_labels
from benchmark.emotions.merges import Merges
from benchmark.results.predictions import ABSENT, PredictionTable
from benchmark.scoring.labels import LabelledClips

NO_ANSWER = -1
NO_EMOTION = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """One candidate on one corpus: all clips of the corpus that have audio, in the corpus's order.

    Attributes:
        probabilities: Shape (clips, classes); the rows of clips that the candidate could not process are NaN.
        classes: What the candidate distinguishes, after merges.
        truth: The emotion of each clip, after merges; None where it has no label, or one that maps to nothing.
        speakers: Who speaks in each clip; None where nobody knows.
        labelled: Whether the corpus has labels at all.
        missing: How many of the clips have no prediction stored, neither an answer nor a failure.
        votes: What the raters of each clip said, emotion → votes after merges; None where the corpus does not tell.
    """

    probabilities: NDArray[np.float64]
    classes: tuple[str, ...]
    truth: tuple[str | None, ...]
    speakers: tuple[str | None, ...]
    labelled: bool
    missing: int = 0
    votes: tuple[Mapping[str | None, int] | None, ...] = ()

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """Whether each clip got probabilities, shape (clips,)."""
        if not self.classes:
            return np.zeros(len(self.truth), dtype=np.bool_)
        return np.asarray(np.isfinite(self.probabilities).all(axis=1), dtype=np.bool_)

    @cached_property
    def chosen(self) -> NDArray[np.int64]:
        """Index into `classes` of the most probable class of each clip, the first of equals; else `NO_ANSWER`."""
        if not self.classes:
            return np.full(len(self.truth), NO_ANSWER, dtype=np.int64)
        best = np.argmax(np.where(self.answered[:, None], self.probabilities, 0.0), axis=1)
        return np.where(self.answered, best, NO_ANSWER).astype(np.int64)

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """Whether each clip has an emotion to be held against, shape (clips,)."""
        return np.asarray(self.emotion_places != NO_EMOTION, dtype=np.bool_)

    @cached_property
    def emotions(self) -> tuple[str, ...]:
        """The corpus's emotions with at least one scored clip, sorted: the same for all candidates."""
        return tuple(sorted({emotion for emotion in self.truth if emotion is not None}))

    @cached_property
    def emotion_places(self) -> NDArray[np.int64]:
        """Index into `emotions` of each clip's emotion; `NO_EMOTION` where it has none. Shape (clips,)."""
        place: dict[str | None, int] = {emotion: index for index, emotion in enumerate(self.emotions)}
        place[None] = NO_EMOTION
        return np.fromiter((place[emotion] for emotion in self.truth), dtype=np.int64, count=len(self.truth))

    def places_among(self, emotions: Sequence[str]) -> NDArray[np.int64]:
        """Index into `emotions` of each clip's emotion; `NO_EMOTION` where it has none of them. Shape (clips,)."""
        place = {emotion: index for index, emotion in enumerate(emotions)}
        # The entry behind the last emotion is for clips without one: NO_EMOTION, which is -1, finds it.
        places = np.array([*(place.get(emotion, NO_EMOTION) for emotion in self.emotions), NO_EMOTION], dtype=np.int64)
        return places[self.emotion_places]


def join_answers(
    heard: LabelledClips,
    predictions: PredictionTable,
    labels: tuple[str, ...],
    overrides: Mapping[str, str],
    merges: Merges,
) -> Answers:
    """Join what a candidate said to the clips of a corpus with what the corpus says of them.

    Args:
        heard: The clips of the corpus, with their labels.
        predictions: What is stored of the candidate.
        labels: The candidate's labels, in the order of its logits.
        overrides: What a label of the candidate means, where the alias table is wrong or silent.
        merges: Emotions that the user merges into others, on both sides.

    Returns:
        One row per clip that could be read.

    Raises:
        RequestError: An override or a merge names an emotion that nobody knows.
    """
    label_map = map_labels(labels, overrides=overrides, merges=merges)
    rows = predictions.rows(heard.clip_hashes)
    return Answers(
        probabilities=_probabilities(rows, predictions, label_map),
        classes=label_map.classes,
        truth=heard.truth,
        speakers=heard.speakers,
        labelled=heard.labelled,
        missing=int((rows == ABSENT).sum()),
        votes=heard.votes,
    )


def _probabilities(rows: NDArray[np.int64], predictions: PredictionTable, label_map: LabelMap) -> NDArray[np.float64]:
    probabilities = np.full((len(rows), len(label_map.classes)), np.nan)
    # The entry behind the last row is for clips that nothing is stored of: ABSENT, which is -1, finds it.
    has_logits = np.append(predictions.processed, False)[rows]
    if has_logits.any():
        probabilities[has_logits] = label_map.probabilities(predictions.logits[rows[has_logits]])
    return probabilities
