"""How well a candidate finds one emotion among all others: average precision and AUROC of its probability."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmark.emotions.aliases import emotion_of
from benchmark.emotions.classes import emotion_class
from benchmark.results.analyses import FocusScore
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import number_speakers
from benchmark.scoring.evaluations import StoredEvaluation
from benchmark.scoring.intervals import (
    CONFIDENCE,
    FEWEST_SPEAKERS,
    NO_SPREAD,
    Interval,
    IntervalMethod,
    jackknife_error,
    logit_interval,
    wilson_interval,
)


class SortedClips:
    """Clips by how probable a candidate finds an emotion; equal probabilities are one threshold.

    Args:
        wanted: Whether each clip has the emotion.
        chances: How probable the candidate finds it.

    Examples:
        >>> clips = SortedClips(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]))
        >>> clips.measures(np.ones(4)).round(4).tolist()
        [0.8333, 0.75]
        >>> clips.measures(np.array([1, 0, 1, 1])).tolist()
        [1.0, 1.0]
    """

    def __init__(self, wanted: NDArray[np.bool_], chances: NDArray[np.float64]) -> None:
        self._order = np.argsort(-chances, kind="stable")
        self._wanted = wanted[self._order]
        ranked = chances[self._order]
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))

    def measures(self, weights: NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[np.float64]:
        """Give average precision and AUROC where each clip counts as often as its weight says.

        Args:
            weights: How often each clip counts, in the order in which the clips were given; some clip with the emotion
                and some without it count.

        Returns:
            Shape (2,). Σ (Rₙ − Rₙ₋₁) Pₙ over the thresholds; and the area under the curve through all thresholds.
        """
        counted = weights[self._order].astype(np.float64)
        found = np.cumsum(np.where(self._wanted, counted, 0.0))[self._ends]
        named = np.cumsum(counted)[self._ends]
        others = named - found
        gained = np.diff(found, prepend=0.0)
        precision = np.divide(found, named, out=np.zeros_like(found), where=named > 0)
        above = found - gained / 2  # of equal probabilities, half stands above
        area = float((np.diff(others, prepend=0.0) * above).sum()) / (found[-1] * others[-1])
        return np.array([float((gained * precision).sum()) / found[-1], area])


BOOTSTRAP_DRAWS = 500


BOOTSTRAP_SEED = 20_240_229


# Below any probability: a clip that the candidate could not process is what it would find last.
_NOT_PROCESSED = -1.0


def focus_score(evaluated: StoredEvaluation, emotion: str) -> FocusScore | None:
    """Score the probability of one emotion against whether it is the clip's.

    Args:
        evaluated: The evaluation.
        emotion: What is looked for.

    Returns:
        None without answers to all clips, and where the scored clips are not of both kinds; without numbers where the
        candidate cannot express the emotion.
    """
    answers = evaluated.answers
    wanted = np.array([truth == emotion for truth in answers.truth], dtype=np.bool_)[answers.scored]
    if not evaluated.complete or not wanted.any() or wanted.all():
        return None
    score = FocusScore(
        candidate=evaluated.evaluation.candidate,
        corpus=evaluated.evaluation.corpus,
        emotion=emotion,
        clips=int(wanted.sum()),
        share=float(wanted.mean()),
    )
    if emotion not in answers.classes:
        return score
    chances = _chances(answers, emotion)
    precision = average_precision(wanted, chances)
    auroc = area_under_roc(wanted, chances)
    of_precision, of_auroc = _intervals((precision, auroc), wanted, chances, evaluated.speakers)
    return score.model_copy(
        update={
            "average_precision": precision,
            "average_precision_low": of_precision.low,
            "average_precision_high": of_precision.high,
            "auroc": auroc,
            "auroc_low": of_auroc.low,
            "auroc_high": of_auroc.high,
            "interval": of_auroc.method.value,
        }
    )


def average_precision(wanted: NDArray[np.bool_], chances: NDArray[np.float64]) -> float:
    """Average precision: Σ (Rₙ − Rₙ₋₁) Pₙ over the thresholds; the share of the emotion for one who does not listen.

    Args:
        wanted: Whether each clip has the emotion, some of them.
        chances: How probable the candidate finds it.

    Examples:
        >>> average_precision(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1])).__round__(4)
        0.8333
    """
    return float(average_precision_score(wanted, chances))


def area_under_roc(wanted: NDArray[np.bool_], chances: NDArray[np.float64]) -> float:
    """The probability that a clip with the emotion is found more likely to have it than one without; 0.5 is chance.

    Examples:
        >>> area_under_roc(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.7, 0.1]))
        0.75
    """
    return float(roc_auc_score(wanted, chances))


def _chances(answers: Answers, emotion: str) -> NDArray[np.float64]:
    column = answers.probabilities[:, answers.classes.index(emotion)]
    return np.where(answers.answered, column, _NOT_PROCESSED)[answers.scored]


def _intervals(
    estimates: tuple[float, float],
    wanted: NDArray[np.bool_],
    chances: NDArray[np.float64],
    speakers: Sequence[str | None],
) -> list[Interval]:
    """For each the jackknife over speakers where all can be left out, else a bootstrap over both kinds of clips.

    Where nothing varies: Wilson's interval, as if there were as many clips as of the rarer kind.
    """
    rarer = float(min(wanted.sum(), (~wanted).sum()))
    clips, groups = SortedClips(wanted, chances), _groups(wanted, speakers)
    if groups is None:
        ways = np.array([clips.measures(draw) for draw in _draws(wanted)])
    else:
        ways = np.array([clips.measures(groups != group) for group in np.unique(groups)])
    intervals = []
    for estimate, values in zip(estimates, ways.T, strict=True):
        found = _of_draws(values) if groups is None else _of_left_out(values, estimate)
        intervals.append(found or wilson_interval(min(max(estimate, 0.0), 1.0), rarer))
    return intervals


def _of_left_out(values: NDArray[np.float64], estimate: float) -> Interval | None:
    error = float(jackknife_error(values))
    return None if error < NO_SPREAD or not 0 < estimate < 1 else logit_interval(estimate, error, len(values))


def _of_draws(values: NDArray[np.float64]) -> Interval | None:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return None if high - low < NO_SPREAD else Interval(float(low), float(high), IntervalMethod.CLIPS)


def _draws(wanted: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """How often each clip is drawn: as many of each kind as there are, with replacement."""
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    kinds = [np.flatnonzero(wanted), np.flatnonzero(~wanted)]
    for _ in range(BOOTSTRAP_DRAWS):
        places = np.concatenate([generator.choice(kind, size=len(kind)) for kind in kinds])
        yield np.bincount(places, minlength=len(wanted))


def _groups(wanted: NDArray[np.bool_], speakers: Sequence[str | None]) -> NDArray[np.int64] | None:
    """The speaker of each clip as a number; None where a speaker is unknown, or where one cannot be left out."""
    known = number_speakers(speakers)
    if known is None:
        return None
    with_it, without_it = (len(np.unique(known.who[kind])) for kind in (wanted, ~wanted))
    if known.speakers < FEWEST_SPEAKERS or min(with_it, without_it) < 2:  # noqa: PLR2004 - one must remain
        return None
    return known.who


def wanted_emotions(names: Sequence[str]) -> tuple[str, ...]:
    """The canonical names of emotions as a user writes them, each once.

    Raises:
        RequestError: There is no such emotion.

    Examples:
        >>> wanted_emotions(["angry", "anger", "fear"])
        ('anger', 'fear')
    """
    return tuple(dict.fromkeys(emotion_class(emotion_of(name) or name).name for name in names))
