"""Hard decisions compared with the truth, the counts taken from them, and unweighted average recall (UAR)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmark.scoring.answers import NO_ANSWER, NO_EMOTION, Answers
from benchmark.scoring.texts import NOT_SHARED, CorpusTexts, few_texts

MIN_EMOTIONS = 2
"""With fewer emotions there is nothing to distinguish: no ranks, no chance level, no adjusted UAR."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Decisions:
    """One hard decision per clip.

    Attributes:
        emotions: The emotions that are scored.
        truth: Index into `emotions` of each clip's emotion.
        answers: Index into `emotions` of each answer; `len(emotions)` where the answer is none of them, or where the
            candidate could not process the clip.
        confidence: Probability of each answer; NaN where there is none.
    """

    emotions: tuple[str, ...]
    truth: NDArray[np.int64]
    answers: NDArray[np.int64]
    confidence: NDArray[np.float64]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each answer is right, shape (clips,)."""
        return np.asarray(self.truth == self.answers, dtype=np.bool_)


def open_decisions(answers: Answers) -> Decisions:
    """Take the most probable of all the candidate's classes, on all scored clips."""
    chosen = answers.chosen_among(answers.emotions)
    confidence = np.where(answers.answered, answers.probabilities.max(axis=1, initial=0.0), np.nan)
    return Decisions(
        emotions=answers.emotions,
        truth=answers.truth_index[answers.scored],
        answers=np.where(chosen == NO_ANSWER, len(answers.emotions), chosen)[answers.scored],
        confidence=confidence[answers.scored],
    )


def restricted_decisions(answers: Answers, emotions: Sequence[str]) -> Decisions:
    """Decide among `emotions`, all covered by the candidate, on their clips, with renormalised probabilities.

    A clip counts as missed if the candidate could not process it, or gave `emotions` no probability at all.
    """
    truth = answers.index_among(emotions)
    included = truth != NO_EMOTION
    probabilities = np.nan_to_num(answers.probabilities_of(emotions)[included])
    mass = probabilities.sum(axis=1)
    renormalised = probabilities / np.where(mass > 0, mass, 1.0)[:, None]
    return Decisions(
        emotions=tuple(emotions),
        truth=truth[included],
        answers=np.where(mass > 0, renormalised.argmax(axis=1), len(emotions)),
        confidence=np.where(mass > 0, renormalised.max(axis=1), np.nan),
    )


def covered_emotions(answers: Answers) -> tuple[str, ...]:
    """The corpus's emotions that the candidate can express at all."""
    return tuple(emotion for emotion in answers.emotions if emotion in answers.classes)


def confusion_matrix(decisions: Decisions) -> NDArray[np.int64]:
    """Clips of emotion i (row) answered as j (column), shape (emotions, emotions + 1).

    The last column holds clips answered as none of the emotions or not at all.

    Examples:
        >>> confusion_matrix(Decisions(emotions=("anger", "fear"), truth=np.array([0, 0, 1]),
        ...     answers=np.array([0, 2, 0]), confidence=np.ones(3))).tolist()
        [[1, 0, 1], [1, 0, 0]]
    """
    height, width = len(decisions.emotions), len(decisions.emotions) + 1
    cells = decisions.truth * width + decisions.answers
    return np.bincount(cells, minlength=height * width).reshape(height, width).astype(np.int64)


def unweighted_average_recall(hits: NDArray[np.int64], clips: NDArray[np.int64]) -> NDArray[np.float64]:
    """UAR = (1/K) Σₖ hitsₖ / nₖ over the K emotions, shape (...).

    Args:
        hits: Right answers, shape (..., emotions).
        clips: Clips of each emotion, none of them 0, shape (..., emotions).

    Examples:
        >>> float(unweighted_average_recall(np.array([3, 4]), np.array([4, 4])))
        0.875
    """
    return np.asarray((hits / clips).mean(axis=-1), dtype=np.float64)


def uar(decisions: Decisions) -> float | None:
    """Unweighted average recall over the emotions; None without clips.

    An answer that is none of the emotions is a miss for the clip's emotion.
    """
    if not decisions.truth.size:
        return None
    confusion = confusion_matrix(decisions)
    return float(unweighted_average_recall(np.diagonal(confusion), confusion.sum(axis=1)))


@dataclass(frozen=True, eq=False, kw_only=True)
class SpeakerCounts:
    """Right answers and clips of each speaker and emotion, both of shape (speakers, emotions)."""

    hits: NDArray[np.int64]
    clips: NDArray[np.int64]

    @property
    def uar(self) -> float:
        """UAR over the clips of all speakers."""
        return float(unweighted_average_recall(self.hits.sum(axis=0), self.clips.sum(axis=0)))

    @property
    def pooled(self) -> "SpeakerCounts":
        """The same with all emotions as one, whose UAR is the accuracy."""
        return SpeakerCounts(hits=self.hits.sum(axis=1, keepdims=True), clips=self.clips.sum(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False, kw_only=True)
class TextCounts(SpeakerCounts):
    """Right answers and clips of each text that several speakers say, both of shape (texts, emotions).

    Attributes:
        texts: Number of texts, of one speaker or of several.
    """

    texts: int

    @property
    def pooled(self) -> "TextCounts":
        """The same with all emotions as one."""
        hits, clips = self.hits.sum(axis=1, keepdims=True), self.clips.sum(axis=1, keepdims=True)
        return TextCounts(hits=hits, clips=clips, texts=self.texts)


def count_by_speaker(decisions: Decisions, speakers: Sequence[str | None]) -> SpeakerCounts | None:
    """Count hits and clips per speaker and emotion; None where the speaker of any clip is unknown."""
    codes = speaker_codes(speakers)
    if codes is None:
        return None
    shape = (int(codes.max(initial=-1)) + 1, len(decisions.emotions))
    cells = codes * shape[1] + decisions.truth
    hits, clips = (
        np.bincount(chosen, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)
        for chosen in (cells[decisions.correct], cells)
    )
    return SpeakerCounts(hits=hits, clips=clips)


def count_by_text(decisions: Decisions, texts: CorpusTexts | None) -> TextCounts | None:
    """Count hits and clips by text and emotion; None where an emotion has too few texts to stand for others."""
    if texts is None or few_texts(texts) is not None:
        return None
    shared = texts.codes != NOT_SHARED
    shape = (int(texts.codes.max()) + 1, len(decisions.emotions))
    cells = texts.codes * shape[1] + decisions.truth
    hits, clips = (
        np.bincount(cells[chosen], minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)
        for chosen in (shared & decisions.correct, shared)
    )
    return TextCounts(hits=hits, clips=clips, texts=texts.texts)


def speaker_codes(speakers: Sequence[str | None]) -> NDArray[np.int64] | None:
    """Number the speakers in the order of their names; None where the speaker of any clip is unknown."""
    return _speaker_codes(tuple(speakers))


@lru_cache(maxsize=4)  # all candidates of a corpus have the same speakers
def _speaker_codes(speakers: tuple[str | None, ...]) -> NDArray[np.int64] | None:
    names = set(speakers)
    if None in names:
        return None
    code = {name: number for number, name in enumerate(sorted(name for name in names if name is not None))}
    codes = np.array([code[name] for name in speakers if name is not None], dtype=np.int64)
    codes.setflags(write=False)
    return codes
