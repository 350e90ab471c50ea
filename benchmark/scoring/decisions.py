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
