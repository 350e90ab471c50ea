"""The variety of a candidate's answers: whether it distinguishes emotions, or gives the same answer to everything."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy

from benchmark.results.analyses import AnswerProfile
from benchmark.scoring.answers import NO_ANSWER, Answers
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.flags import COLLAPSED_EXCESS, COLLAPSED_SHARE, MIN_CLIPS_TO_JUDGE, NARROW_SHARE
from benchmark.scoring.metrics import reliability

_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """The distribution of a candidate's answers over its own classes, whether or not the corpus has them.

    Attributes:
        clips: Answered clips.
        entropy: Of the hard answers, in nats.
        effective_emotions: exp(entropy): the number of equally frequent emotions with that entropy.
        informative_emotions: exp(H(mean p) − mean H(p)): how many emotions the model distinguishes.
        top_emotion: The most frequent answer, the first of equals in the order of the classes.
        top_share: Its share of the answers.
        top_share_of_truth: Its share of the emotions of all scored clips; None without labels.
    """

    clips: int
    entropy: float
    effective_emotions: float
    informative_emotions: float
    top_emotion: str
    top_share: float
    top_share_of_truth: float | None

    @property
    def collapsed(self) -> bool | None:
        """Whether nearly all answers are equal though the truth varies; None without labels or below 20 clips."""
        if self.top_share_of_truth is None or self.clips < MIN_CLIPS_TO_JUDGE:
            return None
        excess = self.top_share - self.top_share_of_truth
        return self.top_share >= COLLAPSED_SHARE and excess >= COLLAPSED_EXCESS - _ROUNDING

    @property
    def narrow(self) -> bool:
        """Whether nearly all answers to clips without labels are equal; much real speech is neutral."""
        if self.top_share_of_truth is not None or self.clips < MIN_CLIPS_TO_JUDGE:
            return False
        return self.top_share >= NARROW_SHARE


def diversity(answers: Answers) -> Diversity | None:
    """Measure the variety of the answers to the scored clips, or to all clips where none is scored.

    Returns:
        None where no clip was answered.
    """
    labelled = bool(answers.scored.any())
    counted = answers.answered & answers.scored if labelled else answers.answered
    if not counted.any():
        return None
    counts = np.bincount(answers.chosen[counted], minlength=len(answers.classes))
    top = int(counts.argmax())
    top_emotion = answers.classes[top]
    nats = float(entropy(counts))
    return Diversity(
        clips=int(counted.sum()),
        entropy=nats,
        effective_emotions=float(np.exp(nats)),
        informative_emotions=informative_emotions(answers.probabilities[counted]),
        top_emotion=top_emotion,
        top_share=float(counts[top] / counts.sum()),
        top_share_of_truth=answers.truth.count(top_emotion) / int(answers.scored.sum()) if labelled else None,
    )


def informative_emotions(probabilities: NDArray[np.float64]) -> float:
    """Count the emotions that are distinguished: exp(H(mean p) − mean H(p)), H in nats.

    Args:
        probabilities: Shape (clips, classes); each row is renormalised, since labels without an emotion may hold a
            part of the mass.

    Returns:
        1 for a model that gives every clip the same probabilities, up to the number of classes.

    Examples:
        >>> informative_emotions(np.array([[1.0, 0.0], [0.0, 1.0]]))
        2.0
        >>> informative_emotions(np.array([[0.7, 0.3], [0.7, 0.3]]))
        1.0
    """
    mass = probabilities.sum(axis=1, keepdims=True)
    normalised = probabilities[mass[:, 0] > 0] / mass[mass[:, 0] > 0]
    if not normalised.size:
        return 1.0
    information = float(entropy(normalised.mean(axis=0))) - float(np.mean(entropy(normalised, axis=1)))
    return float(np.exp(max(information, 0.0)))


def answer_profile(evaluation: Evaluation) -> AnswerProfile | None:
    """Count the answers to the scored clips, or to all where none is scored; None where answers are missing."""
    answers = evaluation.answers
    if not evaluation.complete or not answers.truth:
        return None
    chosen = answers.chosen[answers.scored] if answers.scored.any() else answers.chosen
    counts = np.bincount(chosen[chosen != NO_ANSWER], minlength=len(answers.classes)).tolist()
    by_answer = Counter({name: count for name, count in zip(answers.classes, counts, strict=True) if count})
    return AnswerProfile(
        candidate=evaluation.candidate,
        corpus=evaluation.record.corpus,
        answers=dict(by_answer.most_common()),
        truth=dict(Counter(emotion for emotion in answers.truth if emotion is not None).most_common()),
        unanswered=int((chosen == NO_ANSWER).sum()),
        reliability=reliability(evaluation.decisions),
    )
