"""How well a candidate finds one emotion among all others: average precision and AUROC of its probability."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmark.emotions.aliases import emotion_of
from benchmark.emotions.classes import emotion_class
from benchmark.results.analyses import FocusScore
from benchmark.scoring.decisions import speaker_codes
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.intervals import (
    BOOTSTRAP_SEED,
    Interval,
    degrees_of_freedom,
    draws_interval,
    speaker_interval,
    speakers_can_be_left_out,
    wilson_interval,
)

BOOTSTRAP_DRAWS = 500
# Below any probability: clips that the candidate could not process are the last to be found.
_NOT_PROCESSED = -1.0
Weights = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]


def emotion_names(names: Sequence[str]) -> tuple[str, ...]:
    """The canonical names of emotions as a user writes them, each once.

    Raises:
        RequestError: There is no such emotion.
    """
    return tuple(dict.fromkeys(emotion_class(emotion_of(name) or name).name for name in names))


def focus_score(evaluation: Evaluation, emotion: str) -> FocusScore | None:
    """Score the probability of one emotion against whether it is the clip's.

    None without answers to all clips, and where all scored clips have the emotion, or none has; without numbers where
    the candidate cannot express the emotion.
    """
    answers = evaluation.answers
    positive = np.array([truth == emotion for truth in answers.truth], dtype=np.bool_)[answers.scored]
    if not evaluation.complete or not positive.any() or positive.all():
        return None
    score = FocusScore(
        candidate=evaluation.candidate,
        corpus=evaluation.record.corpus,
        emotion=emotion,
        clips=int(positive.sum()),
        share=float(positive.mean()),
    )
    if emotion not in answers.classes:
        return score
    probabilities = np.nan_to_num(answers.probabilities_of([emotion])[:, 0], nan=_NOT_PROCESSED)
    precision, auroc = SortedClips(positive, probabilities[answers.scored]).measures(np.ones(len(positive))).tolist()
    compared = evaluation.compared
    if emotion not in compared.answers.emotions:  # a rare one has no other interval than over all clips
        compared = evaluation
    precision_interval, auroc_interval = _intervals(compared, emotion, probabilities)
    return score.model_copy(
        update={
            "average_precision": precision,
            "average_precision_low": precision_interval.low,
            "average_precision_high": precision_interval.high,
            "auroc": auroc,
            "auroc_low": auroc_interval.low,
            "auroc_high": auroc_interval.high,
            "interval": auroc_interval.method.value,
        }
    )


class SortedClips:
    """Average precision and AUROC for many weights of the same clips, which are sorted only once.

    scikit-learn's functions give the same numbers and sort for each draw of the bootstrap.

    Args:
        positive: Whether each clip has the emotion.
        probabilities: The candidate's probability of it; equal probabilities are one threshold.

    Examples:
        >>> clips = SortedClips(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]))
        >>> clips.measures(np.ones(4)).round(4).tolist()
        [0.8333, 0.75]
        >>> clips.measures(np.array([1, 0, 1, 1])).tolist()
        [1.0, 1.0]
    """

    def __init__(self, positive: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> None:
        self._order = np.argsort(-probabilities, kind="stable")
        self._positive = positive[self._order]
        ordered = probabilities[self._order]
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def measures(self, weights: Weights) -> NDArray[np.float64]:
        """Average precision Σ (Rₙ − Rₙ₋₁) Pₙ over the thresholds, and the area under the ROC curve; shape (2,).

        Args:
            weights: How often each clip counts, in the original order; clips with and without the emotion must count.
        """
        counted = weights[self._order].astype(np.float64)
        hits = np.cumsum(np.where(self._positive, counted, 0.0))[self._ends]
        retrieved = np.cumsum(counted)[self._ends]
        false = retrieved - hits
        gained = np.diff(hits, prepend=0.0)
        precision = np.divide(hits, retrieved, out=np.zeros_like(hits), where=retrieved > 0)
        above = hits - gained / 2  # of equal probabilities, half are above
        area = float((np.diff(false, prepend=0.0) * above).sum()) / (hits[-1] * false[-1])
        return np.array([float((gained * precision).sum()) / hits[-1], area])


def _intervals(evaluation: Evaluation, emotion: str, probabilities: NDArray[np.float64]) -> list[Interval]:
    """The jackknife over speakers where all can be left out, else a bootstrap over clips with and without the emotion.

    Where nothing varies: Wilson's interval, with as many clips as the rarer kind has.
    """
    scored = evaluation.answers.scored
    positive = np.array([truth == emotion for truth in evaluation.answers.truth], dtype=np.bool_)[scored]
    clips = SortedClips(positive, probabilities[scored])
    estimates = clips.measures(np.ones(len(positive))).tolist()
    codes, freedom = speaker_codes(evaluation.speakers), 0.0
    if codes is not None:
        counts = [np.bincount(codes[kind], minlength=codes.max() + 1) for kind in (positive, ~positive)]
        kinds = np.column_stack(counts).astype(np.int64)
        if speakers_can_be_left_out(kinds):
            freedom = float(degrees_of_freedom(kinds, np.ones(2)))
        else:
            codes = None
    if codes is None:
        resampled = np.array([clips.measures(draw) for draw in _draws(positive)])
    else:
        resampled = np.array([clips.measures(codes != speaker) for speaker in np.unique(codes)])
    rarer = float(min(positive.sum(), (~positive).sum()))
    intervals = []
    for estimate, values in zip(estimates, resampled.T, strict=True):
        interval = draws_interval(values) if codes is None else speaker_interval(estimate, values, freedom)
        intervals.append(interval or wilson_interval(min(max(estimate, 0.0), 1.0), rarer))
    return intervals


def _draws(positive: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """How often each clip is drawn, with replacement and as many of each kind as there are."""
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    kinds = [np.flatnonzero(positive), np.flatnonzero(~positive)]
    for _ in range(BOOTSTRAP_DRAWS):
        drawn = np.concatenate([generator.choice(kind, size=len(kind)) for kind in kinds])
        yield np.bincount(drawn, minlength=len(positive))
