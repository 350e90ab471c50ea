"""How right a candidate is: one number each, with None where there is nothing to count.

The arithmetic is scikit-learn's, always with the emotions named: its averages otherwise run over whatever occurs in
truth or answers, which differs from candidate to candidate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score

from benchmark.results.analyses import ClassScores, EmotionScore, ReliabilityBin
from benchmark.results.leaderboard import LeaderboardRow
from benchmark.scoring.answers import NO_EMOTION, Answers
from benchmark.scoring.decisions import Decisions, confusion_matrix, covered_emotions, restricted_decisions
from benchmark.scoring.evaluations import CorpusBoard, StoredEvaluation

MOST_BINS = 15


CLIPS_PER_BIN = 20


_FEWEST_BINS = 2


def bins_of_equal_mass(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Sort clips into bins by the share of clips that are less confident.

    Equal confidences share a bin, and the order of the clips does not matter; a bin can be empty therefore.

    Args:
        confidence: Shape (clips,), at least one.
        bins: How many.

    Returns:
        The bin of each clip, from 0 to `bins` − 1, shape (clips,).

    Examples:
        >>> bins_of_equal_mass(np.array([0.9, 0.5, 0.6, 0.8]), 2).tolist()
        [1, 0, 0, 1]
        >>> bins_of_equal_mass(np.array([0.7, 0.7, 0.7]), 3).tolist()
        [0, 0, 0]
    """
    less_confident: NDArray[np.int64] = np.searchsorted(np.sort(confidence), confidence, side="left")
    return less_confident * bins // confidence.size


def reliability(decisions: Decisions) -> tuple[ReliabilityBin, ...]:
    """Hold confidence against accuracy, in up to 15 bins of at least 20 clips each where confidences differ.

    Args:
        decisions: The open decisions.

    Returns:
        The bins that are not empty, the least sure first; none below 40 answered clips.
    """
    answered = np.isfinite(decisions.confidence)
    confidence, correct = decisions.confidence[answered], decisions.correct[answered]
    wanted = min(MOST_BINS, confidence.size // CLIPS_PER_BIN)
    if wanted < _FEWEST_BINS:
        return ()
    bins = bins_of_equal_mass(confidence, wanted)
    clips = np.bincount(bins, minlength=wanted)
    sure = np.bincount(bins, weights=confidence, minlength=wanted)
    right = np.bincount(bins, weights=correct, minlength=wanted)
    return tuple(
        ReliabilityBin(clips=int(number), confidence=float(mass / number), accuracy=float(hits / number))
        for number, mass, hits in zip(clips, sure, right, strict=True)
        if number
    )


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


def class_scores(evaluated: StoredEvaluation) -> ClassScores | None:
    """Score every emotion of the corpus; None without scored clips, and where answers are missing."""
    decisions = evaluated.decisions
    if not evaluated.complete or decisions.truth.size == 0:
        return None
    return ClassScores(
        candidate=evaluated.evaluation.candidate,
        corpus=evaluated.evaluation.corpus,
        emotions=emotion_scores(decisions),
        confusion=tuple(tuple(row) for row in confusion_matrix(decisions).tolist()),
    )


def emotion_scores(decisions: Decisions) -> tuple[EmotionScore, ...]:
    """Precision, recall and F1 of each emotion, from the open decisions.

    An answer that is none of the emotions is a miss for the clip's emotion and no false positive of any.

    Args:
        decisions: The open decisions.

    Returns:
        One per emotion, in their order; the precision of an emotion that was never answered is None.
    """
    confusion = confusion_matrix(decisions)
    scores = []
    for place, emotion in enumerate(decisions.emotions):
        hits, clips = int(confusion[place, place]), int(confusion[place].sum())
        answered = int(confusion[:, place].sum())
        scores.append(
            EmotionScore(
                emotion=emotion,
                clips=clips,
                answered=answered,
                precision=hits / answered if answered else None,
                recall=hits / clips,
                f1=2 * hits / (clips + answered),
            )
        )
    return tuple(scores)


NO_SUCH_EMOTION = "none of these"


class Metric(Protocol):
    """Something that turns answers into named numbers."""

    def compute(self, truth: Sequence[int], answers: Sequence[int], names: Sequence[str]) -> Mapping[str, float | None]:
        """Score answers.

        Args:
            truth: The place in `names` of each clip's emotion.
            answers: The place of each answer.
            names: The corpus's emotions, and `none of these` behind them for answers that are none of them.

        Returns:
            Numbers by name; the names are columns.
        """


def with_metrics(board: CorpusBoard, rows: Sequence[LeaderboardRow], metrics: Sequence[Metric]) -> list[LeaderboardRow]:
    """Add what the metrics say to the scored rows of one corpus.

    Args:
        board: What the candidates said.
        rows: Its rows.
        metrics: The user's metrics.
    """
    if not metrics:
        return list(rows)
    numbers = {id(one): _numbers(one.decisions, metrics) for one in board.evaluated if one.complete}
    return [
        row if row.uar is None else row.model_copy(update={"metrics": numbers.get(id(_evaluation_of(row, board)), {})})
        for row in rows
    ]


def _numbers(decisions: Decisions, metrics: Sequence[Metric]) -> dict[str, float | None]:
    if decisions.truth.size == 0:
        return {}
    names = (*decisions.emotions, NO_SUCH_EMOTION)
    found: dict[str, float | None] = {}
    for metric in metrics:
        found |= metric.compute(decisions.truth.tolist(), decisions.answers.tolist(), names)
    return found


def _evaluation_of(row: LeaderboardRow, board: CorpusBoard) -> StoredEvaluation | None:
    """The evaluation whose scores a row shows: that of its own setting, else the one that decides."""
    own = board.of(row.candidate)
    for one in own:
        setup = one.evaluation.setup
        if (setup.device, setup.backend, setup.dtype) == (row.device, row.backend, row.dtype):
            return one
    return own[0] if own else None
