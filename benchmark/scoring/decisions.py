"""Hard answers held against the truth, in the terms of one set of emotions: what every score is counted from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.scoring.answers import NO_ANSWER, NO_EMOTION, Answers


@dataclass(frozen=True, eq=False, kw_only=True)
class Decisions:
    """One hard answer per clip.

    Attributes:
        emotions: The emotions that are scored.
        truth: Index into `emotions` of each clip's emotion.
        answers: Index into `emotions` of each clip's answer; `len(emotions)` where the answer is none of them, or
            where the candidate could not process the clip.
        confidence: Probability of the answer; NaN where there is none.
        correct: Whether each answer is right.
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
    """Let the candidate choose among all it knows, on all scored clips."""
    emotions = answers.emotions
    place = {emotion: index for index, emotion in enumerate(emotions)}
    elsewhere = len(emotions)
    # The entry behind the last class is for clips without an answer: NO_ANSWER, which is -1, finds it.
    columns = np.array([place.get(name, elsewhere) for name in answers.classes] + [elsewhere], dtype=np.int64)
    chosen = answers.chosen[answers.scored]
    answered = chosen != NO_ANSWER
    confidence = np.full(len(chosen), np.nan)
    rows = answers.probabilities[answers.scored][answered]
    confidence[answered] = rows[np.arange(len(rows)), chosen[answered]]
    truth = answers.emotion_places[answers.scored]
    return Decisions(emotions=emotions, truth=truth, answers=columns[chosen], confidence=confidence)


def restricted_decisions(answers: Answers, emotions: Sequence[str]) -> Decisions:
    """Let the candidate choose among `emotions` only, on the clips of these emotions, probabilities renormalised.

    Args:
        answers: The candidate's answers.
        emotions: Emotions that it covers, all of them.

    Returns:
        Decisions in which a clip that the candidate could not process, or to which it gave no probability at all
        within `emotions`, counts as missed.
    """
    wanted = tuple(emotions)
    truth = answers.places_among(wanted)
    included = truth != NO_EMOTION
    columns = [answers.classes.index(emotion) for emotion in wanted]
    chances = answers.probabilities[included][:, columns]
    mass = chances.sum(axis=1)
    usable = answers.answered[included] & (mass > 0)
    hard = np.full(len(chances), len(wanted), dtype=np.int64)
    confidence = np.full(len(chances), np.nan)
    if usable.any():
        renormalised = chances[usable] / mass[usable][:, None]
        hard[usable] = renormalised.argmax(axis=1)
        confidence[usable] = renormalised.max(axis=1)
    return Decisions(emotions=wanted, truth=truth[included], answers=hard, confidence=confidence)


def covered_emotions(answers: Answers) -> tuple[str, ...]:
    """Those of the corpus's emotions that the candidate can express at all."""
    return tuple(emotion for emotion in answers.emotions if emotion in answers.classes)


@dataclass(frozen=True, eq=False, kw_only=True)
class SpeakerCounts:
    """How many clips each speaker has of each emotion, and how many of them were answered right.

    Attributes:
        hits: Right answers, shape (speakers, emotions).
        clips: Clips, shape (speakers, emotions); the same for all candidates.
    """

    hits: NDArray[np.int64]
    clips: NDArray[np.int64]


def confusion_matrix(decisions: Decisions) -> NDArray[np.int64]:
    """Count the answers of each emotion's clips.

    Returns:
        Shape (emotions, emotions + 1): row i, column j holds the clips of emotion i answered as j; the last column
        holds those answered as none of the emotions or not at all.

    Examples:
        >>> confusion_matrix(Decisions(emotions=("anger", "fear"), truth=np.array([0, 0, 1]),
        ...     answers=np.array([0, 2, 0]), confidence=np.ones(3))).tolist()
        [[1, 0, 1], [1, 0, 0]]
    """
    height, width = len(decisions.emotions), len(decisions.emotions) + 1
    cells = decisions.truth * width + decisions.answers
    return np.bincount(cells, minlength=height * width).reshape(height, width).astype(np.int64)


def count_by_speaker(decisions: Decisions, speakers: Sequence[str | None]) -> SpeakerCounts | None:
    """Count hits and clips per speaker and emotion.

    Args:
        decisions: The candidate's decisions.
        speakers: Who speaks in each of their clips.

    Returns:
        The counts; None where the speaker of any clip is unknown, since such a clip may be anybody's.
    """
    known = number_speakers(speakers)
    if known is None:
        return None
    width = len(decisions.emotions)
    cells = known.who * width + decisions.truth
    size = known.speakers * width
    return SpeakerCounts(
        hits=np.bincount(cells[decisions.correct], minlength=size).reshape(known.speakers, width).astype(np.int64),
        clips=np.bincount(cells, minlength=size).reshape(known.speakers, width).astype(np.int64),
    )


@dataclass(frozen=True, eq=False)
class NumberedSpeakers:
    """Who speaks in each clip, as numbers.

    Attributes:
        speakers: How many there are.
        who: The speaker of each clip: the place among all names in their order.
    """

    speakers: int
    who: NDArray[np.int64]


def number_speakers(speakers: Sequence[str | None]) -> NumberedSpeakers | None:
    """Give speakers numbers; None where that of any clip is unknown.

    Examples:
        >>> numbered = number_speakers(["eve", "adam", "eve"])
        >>> numbered.speakers, numbered.who.tolist()
        (2, [1, 0, 1])
        >>> number_speakers(["eve", None]) is None
        True
    """
    names = set(speakers)
    if None in names:
        return None
    place = {name: number for number, name in enumerate(sorted(name for name in names if name is not None))}
    who = np.fromiter((place[name] for name in speakers if name is not None), dtype=np.int64, count=len(speakers))
    return NumberedSpeakers(len(place), who)


def unweighted_average_recall(confusion: NDArray[np.int64]) -> float:
    """Mean recall over the emotions that occur in the truth.

    Args:
        confusion: Counts, shape (emotions, answers); row i, column j holds the clips of emotion i answered as j.

    Returns:
        A fraction in [0, 1]; NaN where no emotion occurs.

    Examples:
        >>> unweighted_average_recall(np.array([[3, 1], [0, 4]]))
        0.875
    """
    clips = confusion.sum(axis=1)
    hits = np.diagonal(confusion)
    occurs = clips > 0
    return float(np.mean(hits[occurs] / clips[occurs])) if occurs.any() else float("nan")
