"""How varied a candidate's answers are: whether it tells emotions apart, or says the same whatever it hears."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy

from benchmark.results.analyses import AnswerProfile
from benchmark.scoring.answers import NO_ANSWER, Answers
from benchmark.scoring.evaluations import StoredEvaluation
from benchmark.scoring.metrics import reliability

FEWEST_CLIPS_TO_JUDGE = 20


COLLAPSED_SHARE = 0.90


COLLAPSED_EXCESS = 0.25


NARROW_SHARE = 0.95


ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """The spread of a candidate's answers over its own classes, whether or not the corpus has them.

    Attributes:
        clips: Clips that were answered.
        entropy: Of the hard answers, in nats.
        effective_emotions: exp(entropy): as many emotions, equally frequent, would be as varied.
        informative_emotions: exp(H(mean p) − mean H(p)): how many emotions the model really tells apart.
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
        """Whether it answers the same almost always, though the truth varies; None without labels or below 20 clips."""
        if self.top_share_of_truth is None or self.clips < FEWEST_CLIPS_TO_JUDGE:
            return None
        excess = self.top_share - self.top_share_of_truth
        return self.top_share >= COLLAPSED_SHARE and excess >= COLLAPSED_EXCESS - ROUNDING

    @property
    def narrow(self) -> bool:
        """Whether, on clips without labels, it answers the same almost always; much real speech is neutral."""
        if self.top_share_of_truth is not None or self.clips < FEWEST_CLIPS_TO_JUDGE:
            return False
        return self.top_share >= NARROW_SHARE


def diversity(answers: Answers) -> Diversity | None:
    """Measure the spread of the answers over the scored clips; over all clips where none is scored.

    Returns:
        None where no clip was answered.
    """
    judged = answers.scored if answers.scored.any() else np.ones(len(answers.truth), dtype=np.bool_)
    counted = judged & answers.answered
    if not counted.any():
        return None
    counts = np.bincount(answers.chosen[counted], minlength=len(answers.classes))
    top = int(counts.argmax())
    nats = float(entropy(counts))
    return Diversity(
        clips=int(counted.sum()),
        entropy=nats,
        effective_emotions=float(np.exp(nats)),
        informative_emotions=informative_emotions(answers.probabilities[counted]),
        top_emotion=answers.classes[top],
        top_share=float(counts[top] / counts.sum()),
        top_share_of_truth=_share_of_truth(answers, answers.classes[top]),
    )


def informative_emotions(probabilities: NDArray[np.float64]) -> float:
    """Count the emotions that are told apart: exp(H(mean p) − mean H(p)), H in nats.

    Args:
        probabilities: Shape (clips, classes); each row is renormalised, since labels that mean no emotion may hold
            a part of the mass.

    Returns:
        1 for a model that gives every clip the same probabilities, up to the number of classes.

    Examples:
        >>> informative_emotions(np.array([[1.0, 0.0], [0.0, 1.0]]))
        2.0
        >>> informative_emotions(np.array([[0.7, 0.3], [0.7, 0.3]]))
        1.0
    """
    mass = probabilities.sum(axis=1, keepdims=True)
    known = probabilities[mass[:, 0] > 0] / mass[mass[:, 0] > 0]
    if known.size == 0:
        return 1.0
    information = float(entropy(known.mean(axis=0))) - float(np.mean(entropy(known, axis=1)))
    return float(np.exp(max(information, 0.0)))


def _share_of_truth(answers: Answers, emotion: str) -> float | None:
    scored = int(answers.scored.sum())
    return int((answers.places_among([emotion]) == 0).sum()) / scored if scored else None


def answer_profile(evaluated: StoredEvaluation) -> AnswerProfile | None:
    """Count the answers on the scored clips, or on all where nothing can be scored; None where answers are missing."""
    answers = evaluated.answers
    if not evaluated.complete or not len(answers.truth):
        return None
    chosen = answers.chosen[answers.scored] if answers.scored.any() else answers.chosen
    counts = np.bincount(chosen[chosen != NO_ANSWER], minlength=len(answers.classes)).tolist()
    said = Counter({name: count for name, count in zip(answers.classes, counts, strict=True) if count})
    return AnswerProfile(
        candidate=evaluated.evaluation.candidate,
        corpus=evaluated.evaluation.corpus,
        answers=dict(said.most_common()),
        truth=dict(Counter(emotion for emotion in answers.truth if emotion is not None).most_common()),
        unanswered=int((chosen == NO_ANSWER).sum()),
        reliability=reliability(evaluated.decisions),
    )
