"""The variety of a candidate's answers: whether it distinguishes emotions, or gives the same answer to everything."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from benchmark.results.analyses import AnswerProfile
from benchmark.scoring.answers import NO_ANSWER, Answers
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.metrics import reliability

COLLAPSED_SHARE = 0.90
"""Collapsed: this share of the answers is one emotion, …"""
COLLAPSED_OF_OTHERS = 0.70
"""… and so is, net, this share of the answers to clips of other emotions: (share − s)/(1 − s), s their own share."""
NARROW_SHARE = 0.95
MIN_CLIPS_TO_JUDGE = 20
"""Below so many answered clips nothing is called collapsed or narrow."""
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """The distribution of a candidate's answers over its own classes.

    Attributes:
        entropy: Of the hard answers, in nats.
        effective_emotions: exp(entropy): the number of equally frequent emotions with that entropy.
        confident_emotions: As of `confident_emotions`.
        top_emotion: The most frequent answer, the first of equals in the order of the classes.
        collapsed: Whether nearly all answers are equal though the truth varies; None without labels or below 20 clips.
        narrow: Whether nearly all answers to clips without labels are equal; much real speech is neutral.
    """

    entropy: float
    effective_emotions: float
    confident_emotions: float
    top_emotion: str
    top_share: float
    collapsed: bool | None
    narrow: bool

    @property
    def columns(self) -> dict[str, float | str | bool | None]:
        """The columns of the leaderboard: all but `narrow`."""
        return {name: value for name, value in vars(self).items() if name != "narrow"}


def diversity(answers: Answers) -> Diversity | None:
    """Measure the variety of the answers to the scored clips, or to all where none is scored; None without answers."""
    labelled = bool(answers.scored.any())
    counted = answers.answered & answers.scored if labelled else answers.answered
    if not counted.any():
        return None
    counts = np.bincount(answers.chosen[counted], minlength=len(answers.classes))
    top, nats = int(counts.argmax()), float(entr(counts / counts.sum()).sum())
    top_emotion, share = answers.classes[top], float(counts[top] / counts.sum())
    others = 1 - answers.truth.count(top_emotion) / max(int(answers.scored.sum()), 1)
    of_others = others > 0 and 1 - (1 - share) / others >= COLLAPSED_OF_OTHERS - _ROUNDING
    collapsed = share >= COLLAPSED_SHARE and of_others
    enough = counts.sum() >= MIN_CLIPS_TO_JUDGE
    return Diversity(
        entropy=nats,
        effective_emotions=float(np.exp(nats)),
        confident_emotions=confident_emotions(answers.probabilities[counted]),
        top_emotion=top_emotion,
        top_share=share,
        collapsed=collapsed if labelled and enough else None,
        narrow=bool(enough and not labelled and share >= NARROW_SHARE),
    )


def confident_emotions(probabilities: NDArray[np.float64]) -> float:
    """exp(H(mean p) − mean H(p)), H in nats: 1 for equal probabilities everywhere, up to the number of classes.

    H(mean p) − mean H(p) is the mutual information of clip and answer if each answer is drawn from its probabilities
    (BALD; Houlsby et al., Bayesian Active Learning for Classification and Preference Learning, 2011). It measures how
    surely the candidate gives different answers, not whether they are right: always sure random answers among 8 have 8.

    Args:
        probabilities: Shape (clips, classes); each row is renormalised, since labels without an emotion may hold a
            part of the mass.

    Examples:
        >>> confident_emotions(np.array([[1.0, 0.0], [0.0, 1.0]]))
        2.0
        >>> confident_emotions(np.array([[0.7, 0.3], [0.7, 0.3]]))
        1.0
    """
    mass = probabilities.sum(axis=1, keepdims=True)
    normalised = probabilities[mass[:, 0] > 0] / mass[mass[:, 0] > 0]
    if not normalised.size:
        return 1.0
    information = float(entr(normalised.mean(axis=0)).sum()) - float(entr(normalised).sum(axis=1).mean())
    return float(np.exp(max(information, 0.0)))


def answer_profile(evaluation: Evaluation) -> AnswerProfile | None:
    """Count the answers to the scored clips, or to all where none is scored; None where answers are missing."""
    answers = evaluation.answers
    if not evaluation.complete or not answers.truth:
        return None
    chosen = answers.chosen[answers.scored] if answers.scored.any() else answers.chosen
    counts = np.bincount(chosen[chosen != NO_ANSWER], minlength=len(answers.classes)).tolist()
    clips = np.bincount(answers.truth_index[answers.scored], minlength=len(answers.emotions))
    by_answer = Counter({name: count for name, count in zip(answers.classes, counts, strict=True) if count})
    return AnswerProfile(
        candidate=evaluation.candidate,
        corpus=evaluation.record.corpus,
        answers=dict(by_answer.most_common()),
        truth=dict(Counter(dict(zip(answers.emotions, clips.tolist(), strict=True))).most_common()),
        unanswered=int((chosen == NO_ANSWER).sum()),
        reliability=reliability(evaluation.decisions),
    )
