"""What one candidate answered on one corpus, with the corpus's labels joined to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmark.emotions.label_map import LabelMap, map_labels
from benchmark.emotions.merges import Merges
from benchmark.results.predictions import Prediction
from benchmark.results.run import ClipRecord, CorpusRecord
from benchmark.scoring.raters import majority, votes_by_emotion

NO_ANSWER = -1
_NOBODY_KNOWS = "unknown"


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
        return np.array([emotion is not None for emotion in self.truth], dtype=np.bool_)

    @cached_property
    def emotions(self) -> tuple[str, ...]:
        """The corpus's emotions with at least one scored clip, sorted: the same for all candidates."""
        return tuple(sorted({emotion for emotion in self.truth if emotion is not None}))


def join_answers(
    corpus: CorpusRecord,
    predictions: Mapping[str, Prediction],
    labels: tuple[str, ...],
    overrides: Mapping[str, str],
    merges: Merges,
) -> Answers:
    """Join what a candidate said to the clips of a corpus with what the corpus says of them.

    Args:
        corpus: The corpus as the run met it; its own label overrides apply to its labels.
        predictions: By the hash of the clip's audio.
        labels: The candidate's labels, in the order of its logits.
        overrides: What a label of the candidate means, where the alias table is wrong or silent.
        merges: Emotions that the user merges into others, on both sides.

    Returns:
        One row per clip that could be read.

    Raises:
        RequestError: An override or a merge names an emotion that nobody knows.
    """
    clips = readable_clips(corpus)
    emotions = emotion_by_label(corpus, merges)
    label_map = map_labels(labels, overrides=overrides, merges=merges)
    found = [predictions.get(clip.clip_hash or "") for clip in clips]
    return Answers(
        probabilities=_probabilities(found, label_map),
        classes=label_map.classes,
        truth=tuple(emotion_of_clip(clip, emotions) for clip in clips),
        speakers=tuple(clip.speaker for clip in clips),
        labelled=any(clip.label is not None or clip.votes for clip in clips),
        missing=sum(prediction is None for prediction in found),
        votes=tuple(None if clip.votes is None else votes_by_emotion(clip.votes, emotions) for clip in clips),
    )


def readable_clips(corpus: CorpusRecord) -> tuple[ClipRecord, ...]:
    """Those clips of the corpus that have audio."""
    return tuple(clip for clip in corpus.clips if clip.clip_hash is not None)


def emotion_by_label(corpus: CorpusRecord, merges: Merges) -> dict[str, str | None]:
    """What each label that occurs in the corpus means, after its overrides and the merges; None for nothing.

    Overrides of labels that do not occur are passed over: a part of a corpus need not hold all its labels. A label that
    says that nobody knows, such as IEMOCAP's `xxx`, means nothing: there is no being right about it.

    Raises:
        RequestError: An override or a merge names an emotion that nobody knows.
    """
    given = (clip.label for clip in corpus.clips if clip.label is not None)
    labels = tuple(dict.fromkeys([*given, *(label for clip in corpus.clips for label in clip.votes or ())]))
    overrides = {label: emotion for label, emotion in corpus.labels.items() if label in labels}
    emotions = map_labels(labels, overrides=overrides, merges=merges).emotions
    return {
        label: None if emotion == _NOBODY_KNOWS else emotion for label, emotion in zip(labels, emotions, strict=True)
    }


def emotion_of_clip(clip: ClipRecord, emotions: Mapping[str, str | None]) -> str | None:
    """What a clip is held against: the emotion of its label, or else what more than half of its raters say.

    Args:
        clip: The clip.
        emotions: Label → emotion, as `emotion_by_label` gives it.
    """
    if clip.label is not None:
        return emotions[clip.label]
    return majority(votes_by_emotion(clip.votes, emotions)).emotion if clip.votes else None


def _probabilities(found: list[Prediction | None], label_map: LabelMap) -> NDArray[np.float64]:
    probabilities = np.full((len(found), len(label_map.classes)), np.nan)
    logits = {
        row: prediction.logits
        for row, prediction in enumerate(found)
        if prediction is not None and prediction.logits is not None
    }
    if logits and label_map.classes:
        probabilities[list(logits)] = label_map.probabilities(np.stack(list(logits.values())))
    return probabilities
