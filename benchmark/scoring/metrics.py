"""The scores of a candidate on a corpus, each declared once in `METRICS`.

To add a metric: write its function here, add it to `METRICS`, and declare its column in `leaderboard_columns.py`. All
averages run over the emotions of the corpus, whatever a candidate answers, so that they can be compared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, xlog1py, xlogy

from benchmark.results.analyses import ClassScores, EmotionScore, ReliabilityBin
from benchmark.scoring.answers import NO_EMOTION, Answers
from benchmark.scoring.decisions import (
    MIN_EMOTIONS,
    Decisions,
    confusion_matrix,
    covered_emotions,
    restricted_decisions,
    uar,
)
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.intervals import Interval, accuracy_interval

ECE_BINS = 15
ECE_MIN_CLIPS = 200
RELIABILITY_BINS = 15
CLIPS_PER_BIN = 20
MIN_BINS = 2
PROBABILITY_FLOOR = 1e-6
"""Smaller probabilities count as this, so that an emotion that a model cannot express costs 13.8 nats, not infinity."""
NO_SUCH_EMOTION = "none of these"


class UserMetric(Protocol):
    """A metric of the user's own; scoring itself runs no foreign code, so that the caller provides it."""

    def compute(self, truth: Sequence[int], answers: Sequence[int], names: Sequence[str]) -> Mapping[str, float | None]:
        """Score answers, given as indices into `names`, as their truth is; the results are columns by name.

        The last of the names is `none of these`, for answers that are none of the corpus's emotions.
        """


def metric_columns(evaluation: Evaluation) -> dict[str, float | None]:
    """All scores of a complete evaluation, by column of the leaderboard."""
    columns = {
        name: score(evaluation) if evaluation.has_scores or name not in _OF_PROBABILITIES else None
        for name, score in METRICS.items()
    }
    compared = evaluation.compared
    if compared is not evaluation:
        columns |= {"compared_uar": uar(compared.decisions), "compared_accuracy": accuracy(compared.decisions)}
    for name, compute in INTERVALS.items():
        interval = compute(compared)
        if interval is not None:
            columns |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    return columns


def user_metric_columns(decisions: Decisions, metrics: Sequence[UserMetric]) -> dict[str, float | None]:
    """The user's own scores, by name; none without scored clips."""
    names = (*decisions.emotions, NO_SUCH_EMOTION)
    columns: dict[str, float | None] = {}
    for metric in metrics if decisions.truth.size else ():
        columns |= metric.compute(decisions.truth.tolist(), decisions.answers.tolist(), names)
    return columns


def accuracy(decisions: Decisions) -> float | None:
    """Share of the clips that were answered right; None without clips."""
    return float(decisions.correct.mean()) if decisions.truth.size else None


def adjusted_uar(recall: float | None, emotions: int) -> float | None:
    """(UAR − 1/K) / (1 − 1/K): 0 for guessing among K emotions, 1 for perfection, whatever K is; None below two.

    Examples:
        >>> adjusted_uar(0.625, 4), adjusted_uar(0.25, 4), adjusted_uar(1.0, 1)
        (0.5, 0.0, None)
    """
    if recall is None or emotions < MIN_EMOTIONS:
        return None
    return (recall - 1 / emotions) / (1 - 1 / emotions)


def macro_f1(decisions: Decisions) -> float | None:
    """Mean F1 over the emotions; None without clips."""
    scores = emotion_scores(decisions)
    return float(np.mean([score.f1 for score in scores])) if scores else None


def weighted_f1(decisions: Decisions) -> float | None:
    """F1 averaged by the emotions' numbers of clips; None without clips."""
    scores = emotion_scores(decisions)
    if not scores:
        return None
    return float(np.average([score.f1 for score in scores], weights=[score.clips for score in scores]))


def emotion_scores(decisions: Decisions) -> tuple[EmotionScore, ...]:
    """Precision (None where it was never answered), recall and F1 of each emotion, in their order.

    An answer that is none of the emotions is a miss for the clip's emotion and no false positive of any.
    """
    confusion = confusion_matrix(decisions)
    hits, clips = np.diagonal(confusion).tolist(), confusion.sum(axis=1).tolist()
    answered = confusion.sum(axis=0)[:-1].tolist()
    return tuple(
        EmotionScore(
            emotion=emotion,
            clips=number,
            answered=times,
            precision=right / times if times else None,
            recall=right / number,
            f1=2 * right / (number + times),
        )
        for emotion, right, number, times in zip(decisions.emotions, hits, clips, answered, strict=True)
    )


def class_scores(evaluation: Evaluation) -> ClassScores | None:
    """Scores per emotion with the confusion matrix; None without scored clips, and where answers are missing."""
    if not evaluation.complete or not evaluation.decisions.truth.size:
        return None
    return ClassScores(
        candidate=evaluation.candidate,
        corpus=evaluation.record.corpus,
        emotions=emotion_scores(evaluation.decisions),
        confusion=tuple(tuple(row) for row in evaluation.confusion.tolist()),
    )


def brier(answers: Answers) -> float | None:
    """Mean over the scored clips of Σₖ (pₖ − yₖ)² over the corpus's emotions K; None without scored clips.

    Probabilities are the open ones: mass outside K, and that of clips that the candidate could not process, is missing
    at the true emotion and added to no other. From 0 to 2.
    """
    if not answers.emotions:
        return None
    probabilities = np.nan_to_num(answers.probabilities_of(answers.emotions)[answers.scored])
    truth = np.eye(len(answers.emotions))[answers.truth_index[answers.scored]]
    return float(np.mean(((probabilities - truth) ** 2).sum(axis=1)))


def majority_accuracy(decisions: Decisions) -> float | None:
    """Accuracy of always answering the most frequent emotion; None without clips."""
    return float(np.bincount(decisions.truth).max() / decisions.truth.size) if decisions.truth.size else None


def coverage(answers: Answers) -> float | None:
    """Share of the scored clips whose emotion the candidate can express; None without scored clips."""
    scored = int(answers.scored.sum())
    return int((answers.index_among(answers.classes) != NO_EMOTION).sum()) / scored if scored else None


def common_uar(answers: Answers, emotions: Sequence[str]) -> float | None:
    """UAR over the given emotions of the corpus: their clips, and the candidate choosing among them.

    Over the emotions that a candidate covers this is `shared_uar`: easier the fewer emotions it covers, therefore never
    ranked. None below two emotions, and where the candidate does not cover all of them.
    """
    if len(emotions) < MIN_EMOTIONS or not set(emotions) <= set(covered_emotions(answers)):
        return None
    return _restricted_uar(answers, tuple(emotions))


@lru_cache(maxsize=1)  # of most candidates, the emotions that they cover are those that all cover
def _restricted_uar(answers: Answers, emotions: tuple[str, ...]) -> float | None:
    return uar(restricted_decisions(answers, emotions))


def bins_of_equal_mass(confidence: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """The bin of each of at least one clip, from 0 to `bins` − 1, by the share of clips that are less confident.

    Equal confidences share a bin, and the order of the clips does not matter; therefore a bin can be empty.

    Examples:
        >>> bins_of_equal_mass(np.array([0.9, 0.5, 0.6, 0.8]), 2).tolist()
        [1, 0, 0, 1]
        >>> bins_of_equal_mass(np.array([0.7, 0.7, 0.7]), 3).tolist()
        [0, 0, 0]
    """
    order = np.argsort(confidence)
    ascending = confidence[order]
    less_confident = np.empty(confidence.size, dtype=np.int64)
    less_confident[order] = np.searchsorted(ascending, ascending, side="left")  # in order, three times as fast
    return less_confident * bins // confidence.size


def expected_calibration_error(decisions: Decisions) -> float | None:
    """ECE = Σ_b n_b/n · |accuracy_b − confidence_b| over 15 bins of equal mass; None below 200 answered clips."""
    bins = _calibration(decisions)
    return None if bins is None else bins.error


def binned_calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """The ECE of any number of answers above zero; of few it is large, however well they are calibrated."""
    return _calibration_bins(confidence, correct).error


def ece_if_calibrated(decisions: Decisions) -> float | None:
    """The mean ECE where each answer is right with the probability of its confidence, independently of the others.

    It is not 0, since few clips of a bin are seldom right exactly as often as expected: Σ_b E|X_b − n_b·c_b| / n, with
    X_b binomial, c_b the mean confidence of bin b, and E|X − np| = 2ν(1 − p)·P(X = ν), ν = ⌊np⌋ + 1 (de Moivre;
    Diaconis and Zabell, Statistical Science 6, 1991). Confidences that differ within a bin make it slightly too large
    (Hoeffding 1956).

    Returns:
        None below 200 answered clips.
    """
    bins = _calibration(decisions)
    if bins is None:
        return None
    confidence = np.clip(bins.mass / np.maximum(bins.clips, 1), 0.0, 1.0)
    above = np.minimum(np.floor(bins.clips * confidence) + 1, bins.clips)  # of a bin that is sure, the factor is 0
    binomial = xlogy(above, confidence) + xlog1py(bins.clips - above, -confidence)
    binomial -= np.log1p(bins.clips) + betaln(above + 1, bins.clips - above + 1)
    deviations = 2 * above * (1 - confidence) * np.exp(binomial)
    return float(deviations.sum() / bins.clips.sum())


@dataclass(frozen=True, eq=False)
class _CalibrationBins:
    """Clips, right answers and the sum of confidences of each bin, shape (bins,)."""

    clips: NDArray[np.int64]
    hits: NDArray[np.float64]
    mass: NDArray[np.float64]

    @property
    def error(self) -> float:
        return float(np.abs(self.hits - self.mass).sum() / self.clips.sum())


@lru_cache(maxsize=1)  # two columns rest on it
def _calibration(decisions: Decisions) -> _CalibrationBins | None:
    """None below 200 answered clips."""
    answered = np.isfinite(decisions.confidence)
    if answered.sum() < ECE_MIN_CLIPS:
        return None
    return _calibration_bins(decisions.confidence[answered], decisions.correct[answered])


def _calibration_bins(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> _CalibrationBins:
    bins = bins_of_equal_mass(confidence, ECE_BINS)
    return _CalibrationBins(
        clips=np.bincount(bins, minlength=ECE_BINS),
        hits=np.bincount(bins, weights=correct, minlength=ECE_BINS).astype(np.float64),
        mass=np.bincount(bins, weights=confidence, minlength=ECE_BINS).astype(np.float64),
    )


def reliability(decisions: Decisions) -> tuple[ReliabilityBin, ...]:
    """Accuracy by confidence, in up to 15 bins of equal mass with at least 20 clips each where confidences differ.

    Empty bins are left out, the least confident comes first; no bins below 40 answered clips.
    """
    answered = np.isfinite(decisions.confidence)
    confidence, correct = decisions.confidence[answered], decisions.correct[answered]
    number = min(RELIABILITY_BINS, confidence.size // CLIPS_PER_BIN)
    if number < MIN_BINS:
        return ()
    bins = bins_of_equal_mass(confidence, number)
    clips = np.bincount(bins, minlength=number)
    mass = np.bincount(bins, weights=confidence, minlength=number)
    hits = np.bincount(bins, weights=correct, minlength=number)
    return tuple(
        ReliabilityBin(
            clips=int(clips[bin_]), confidence=float(mass[bin_] / clips[bin_]), accuracy=float(hits[bin_] / clips[bin_])
        )
        for bin_ in np.flatnonzero(clips)
    )


def soft_cross_entropy(answers: Answers) -> float | None:
    """Mean of −Σ q ln p in nats over the clips with votes: q the raters' shares, p at least `PROBABILITY_FLOOR`."""
    soft = _soft_labels(answers)
    if soft is None:
        return None
    probabilities, shares = soft
    return float(-(shares * np.log(np.maximum(probabilities, PROBABILITY_FLOOR))).sum(axis=1).mean())


def soft_cross_entropy_floor(answers: Answers) -> float | None:
    """The soft cross-entropy of the raters' shares themselves: their mean entropy in nats, which no candidate beats."""
    soft = _soft_labels(answers)
    return None if soft is None else float(_entropy_bits(soft[1]).mean() * np.log(2))


def soft_jensen_shannon(answers: Answers) -> float | None:
    """Mean Jensen–Shannon divergence H((p + q)/2) − (H(p) + H(q))/2 of probabilities and raters' shares, to base 2.

    From 0 to 1, which is that of a clip that the model could not process; None where nobody rated any clip.
    """
    soft = _soft_labels(answers)
    if soft is None:
        return None
    probabilities, shares = soft
    mixed = (probabilities + shares) / 2
    divergence = _entropy_bits(mixed) - (_entropy_bits(probabilities) + _entropy_bits(shares)) / 2
    divergence[~probabilities.any(axis=1)] = 1.0
    return float(np.clip(divergence, 0.0, 1.0).mean())


def _soft_labels(answers: Answers) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Probabilities, 0 for clips that could not be processed, and the raters' shares, of all clips with a vote.

    Both have the shape (clips, emotions + 1). The mass that the model gives to labels without an emotion is in the last
    column, where the shares are 0.
    """
    if not any(answers.votes):
        return None
    votes = [clip or {} for clip in answers.votes]
    rated = [row for row, clip in enumerate(votes) if any(clip[emotion] for emotion in clip if emotion)]
    if not rated:
        return None
    voted = {emotion for row in rated for emotion in votes[row] if emotion is not None}
    emotions = [*answers.classes, *sorted(voted - set(answers.classes))]
    known = answers.probabilities_of(emotions)[rated]
    probabilities = np.column_stack([known, np.clip(1.0 - known.sum(axis=1), 0.0, 1.0)])
    probabilities[~answers.answered[rated]] = 0.0
    counts = np.array([[votes[row].get(emotion, 0) for emotion in emotions] for row in rated], dtype=np.float64)
    return probabilities, np.pad(counts / counts.sum(axis=1, keepdims=True), ((0, 0), (0, 1)))


def _entropy_bits(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithms = np.log2(np.where(shares > 0, shares, 1.0))
    return np.asarray(-(shares * logarithms).sum(axis=1), dtype=np.float64)


def _adjusted_score(decisions: Decisions) -> float | None:
    return adjusted_uar(uar(decisions), len(decisions.emotions))


def _adjusted_interval(evaluation: Evaluation) -> Interval | None:
    interval, emotions = evaluation.uar_interval, len(evaluation.decisions.emotions)
    if interval is None or emotions < MIN_EMOTIONS:
        return None
    low, high = (adjusted_uar(end, emotions) or 0.0 for end in (interval.low, interval.high))
    return Interval(low, high, interval.method)


METRICS: Mapping[str, Callable[[Evaluation], float | None]] = MappingProxyType(
    {
        "coverage": lambda own: coverage(own.answers),
        "accuracy": lambda own: accuracy(own.decisions),
        "uar": lambda own: uar(own.decisions),
        "adjusted_uar": lambda own: _adjusted_score(own.compared.decisions),
        "macro_f1": lambda own: macro_f1(own.decisions),
        "weighted_f1": lambda own: weighted_f1(own.decisions),
        "shared_uar": lambda own: common_uar(own.answers, covered_emotions(own.answers)),
        "majority_accuracy": lambda own: majority_accuracy(own.decisions),
        "ece": lambda own: expected_calibration_error(own.decisions),
        "ece_expected": lambda own: ece_if_calibrated(own.decisions),
        "brier": lambda own: brier(own.answers),
        "soft_cross_entropy": lambda own: soft_cross_entropy(own.answers),
        "soft_cross_entropy_floor": lambda own: soft_cross_entropy_floor(own.answers),
        "soft_jensen_shannon": lambda own: soft_jensen_shannon(own.answers),
    }
)
"""The scores of every complete evaluation by column; `common_uar` depends on the other candidates and is not here."""
_OF_PROBABILITIES = frozenset({"ece", "ece_expected", "brier", "soft_cross_entropy", "soft_jensen_shannon"})
INTERVALS: Mapping[str, Callable[[Evaluation], Interval | None]] = MappingProxyType(
    {
        "accuracy": lambda own: accuracy_interval(own.confusion, own.counts, own.texts),
        "uar": lambda own: own.uar_interval,
        "adjusted_uar": _adjusted_interval,
    }
)
"""The 95 % intervals on the clips that they rest on, whose ends go into the columns `NAME_low` and `NAME_high`."""
