"""How right a candidate is: one number each, with None where there is nothing to count.

The arithmetic is scikit-learn's, always with the emotions named: its averages otherwise run over whatever occurs in
truth or answers, which differs from candidate to candidate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score

from benchmark.scoring.answers import NO_EMOTION, Answers
from benchmark.scoring.confusion import confusion_matrix
from benchmark.scoring.decisions import Decisions, covered_emotions, restricted_decisions
from benchmark.scoring.reliability import bins_of_equal_mass

ECE_BINS = 15
ECE_MINIMUM_CLIPS = 200
FEWEST_CLASSES_TO_COMPARE = 2


def accuracy(decisions: Decisions) -> float | None:
    """Share of the clips that were answered right; None without clips.

    Examples:
        >>> accuracy(Decisions(emotions=("anger", "fear"), truth=np.array([0, 0, 1, 1]),
        ...     answers=np.array([0, 0, 0, 2]), confidence=np.ones(4)))
        0.5
    """
    if decisions.truth.size == 0:
        return None
    cells = _cells(decisions)
    return float(accuracy_score(cells.truth, cells.answers, sample_weight=cells.clips))


def uar(decisions: Decisions) -> float | None:
    """Unweighted average recall over the emotions; None without clips.

    UAR = (1/K) Σₖ hitsₖ / nₖ. An answer that is none of the K emotions is a miss for the clip's emotion.

    Examples:
        >>> uar(Decisions(emotions=("anger", "fear"), truth=np.array([0, 0, 0, 1]),
        ...     answers=np.array([0, 0, 0, 2]), confidence=np.ones(4)))
        0.5
    """
    if decisions.truth.size == 0:
        return None
    places = range(len(decisions.emotions))
    cells = _cells(decisions)
    return float(
        recall_score(
            cells.truth, cells.answers, labels=places, average="macro", zero_division=0, sample_weight=cells.clips
        )
    )


def above_guessing(recall: float | None, emotions: int) -> float | None:
    """(UAR − 1/K) / (1 − 1/K): 0 for guessing among K emotions, 1 for perfection, whatever K is; None below two.

    Examples:
        >>> above_guessing(0.625, 4), above_guessing(0.25, 4), above_guessing(1.0, 1)
        (0.5, 0.0, None)
    """
    if recall is None or emotions < FEWEST_CLASSES_TO_COMPARE:
        return None
    return (recall - 1 / emotions) / (1 - 1 / emotions)


def macro_f1(decisions: Decisions) -> float | None:
    """Mean F1 over the emotions; None without clips.

    An answer that is none of the emotions is a miss for the clip's emotion and no false positive of any.
    """
    if decisions.truth.size == 0:
        return None
    return _f1(decisions, "macro")


def weighted_f1(decisions: Decisions) -> float | None:
    """F1 averaged by the emotions' numbers of clips; None without clips."""
    if decisions.truth.size == 0:
        return None
    return _f1(decisions, "weighted")


def _f1(decisions: Decisions, average: str) -> float:
    cells, places = _cells(decisions), range(len(decisions.emotions))
    return float(
        f1_score(cells.truth, cells.answers, labels=places, average=average, zero_division=0, sample_weight=cells.clips)
    )


@dataclass(frozen=True, eq=False)
class _Cells:
    """The cells of the confusion that hold clips: what scikit-learn counts with weights as it would clip by clip."""

    truth: NDArray[np.int64]
    answers: NDArray[np.int64]
    clips: NDArray[np.int64]


def _cells(decisions: Decisions) -> _Cells:
    confusion = confusion_matrix(decisions)
    truth, answers = np.nonzero(confusion)
    return _Cells(truth, answers, confusion[truth, answers])


def brier(answers: Answers) -> float | None:
    """Mean over the scored clips of Σₖ (pₖ − yₖ)² over the corpus's emotions K; None without scored clips.

    Probabilities are the open ones: what lies outside K, or was not given since the candidate could not process the
    clip, is missing where the truth is, and wrong nowhere else. From 0 to 2.
    """
    emotions = answers.emotions
    if not emotions:
        return None
    known = [(place, answers.classes.index(name)) for place, name in enumerate(emotions) if name in answers.classes]
    chances = np.zeros((int(answers.scored.sum()), len(emotions)))
    for place, column in known:
        chances[:, place] = np.where(answers.answered, answers.probabilities[:, column], 0.0)[answers.scored]
    truth = answers.emotion_places[answers.scored]
    return float(np.mean(((chances - np.eye(len(emotions))[truth]) ** 2).sum(axis=1)))


def majority_accuracy(decisions: Decisions) -> float | None:
    """Accuracy of always answering the most frequent emotion; None without clips."""
    if decisions.truth.size == 0:
        return None
    return float(np.bincount(decisions.truth).max() / decisions.truth.size)


def coverage(answers: Answers) -> float | None:
    """Share of the scored clips whose emotion the candidate can express; None without scored clips."""
    scored = int(answers.scored.sum())
    if not scored:
        return None
    return int((answers.places_among(answers.classes) != NO_EMOTION).sum()) / scored


def shared_uar(answers: Answers) -> float | None:
    """UAR over the covered emotions only: their clips, and the candidate choosing among them.

    Easier the fewer emotions the candidate covers, therefore never ranked. None below two covered emotions.
    """
    return common_uar(answers, covered_emotions(answers))


def common_uar(answers: Answers, emotions: Sequence[str]) -> float | None:
    """UAR over the given emotions of the corpus: their clips, and the candidate choosing among them.

    Args:
        answers: The candidate's answers.
        emotions: Such as those that all ranked candidates cover.

    Returns:
        A fraction; None below two emotions, and where the candidate does not cover all of them.
    """
    if len(emotions) < FEWEST_CLASSES_TO_COMPARE or not set(emotions) <= set(covered_emotions(answers)):
        return None
    return uar(restricted_decisions(answers, emotions))


def expected_calibration_error(decisions: Decisions) -> float | None:
    """Mean distance of confidence and accuracy over 15 bins of equal mass; None below 200 answered clips.

    ECE = Σ_b n_b/n · |accuracy_b − confidence_b|. Clips are binned by the share of clips that are less confident, so
    that equal confidences share a bin and the order of the clips does not matter.
    """
    answered = np.isfinite(decisions.confidence)
    confidence = decisions.confidence[answered]
    if confidence.size < ECE_MINIMUM_CLIPS:
        return None
    bins = bins_of_equal_mass(confidence, ECE_BINS)
    surplus = np.bincount(bins, weights=decisions.correct[answered] - confidence, minlength=ECE_BINS)
    return float(np.abs(surplus).sum() / confidence.size)
