"""CCC, Pearson's correlation and the mean absolute error of ratings, with 95 % intervals over speakers.

All are functions of sums over clips, so leaving a speaker out is a subtraction. Correlations have their intervals on
Fisher's scale (artanh), the error on that of its logarithm; as with UAR the jackknife over speakers gives the standard
error, and Student's t has fewer degrees of freedom where speakers have unequal numbers of clips.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.results.dimensions import DimensionRow, Scale
from benchmark.scoring.intervals import (
    BOOTSTRAP_SEED,
    MIN_SPEAKERS,
    NO_SPREAD,
    TAIL,
    critical_t,
    degrees_of_freedom,
    jackknife_error,
)

DRAWS = 2_000
_FEWEST_CLIPS = 3
_FEWEST_ANSWERS = 2
_OUTSIDE = 0.1
_OUTSIDE_SHARE = 0.05

Numbers = NDArray[np.float64]


def ccc(sums: Numbers) -> Numbers:
    """Concordance correlation 2·cov / (var + var + (difference of means)²), from `sums_of`, along the last axis.

    Examples:
        >>> truth = np.array([0.0, 0.5, 1.0])
        >>> [round(float(ccc(sums_of(truth, answers).sum(axis=0))), 3) for answers in (truth, truth / 2, 1 - truth)]
        [1.0, 0.615, -1.0]
    """
    mean, other, var, other_var, covariance, _ = _moments(sums)
    return _divided(2 * covariance, var + other_var + (mean - other) ** 2)


def pearson(sums: Numbers) -> Numbers:
    """Pearson's correlation, from `sums_of`, along the last axis; NaN where one side is constant."""
    _, _, var, other_var, covariance, _ = _moments(sums)
    with np.errstate(invalid="ignore"):
        return np.clip(_divided(covariance, np.sqrt(var * other_var)), -1, 1)


def mean_absolute_error(sums: Numbers) -> Numbers:
    """Mean absolute error, from `sums_of`, along the last axis."""
    return _moments(sums)[-1]


def sums_of(truth: Numbers, answers: Numbers) -> Numbers:
    """What scores are computed from, shape (clips, 7), to be summed over clips: 1, x, y, x², y², xy, |x − y|."""
    return np.stack(
        [np.ones_like(truth), truth, answers, truth**2, answers**2, truth * answers, abs(truth - answers)], 1
    )


def _moments(sums: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers, Numbers]:
    count = sums[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, other, square, other_square, product, error = (sums[..., index] / count for index in range(1, 7))
    return (
        *(mean, other),
        *(_positive(square - mean**2), _positive(other_square - other**2)),
        *(product - mean * other, error),
    )


def _positive(variance: Numbers) -> Numbers:
    """A variance without what rounding leaves of an exact zero."""
    return np.where(variance > NO_SPREAD, variance, 0.0)


def _divided(above: Numbers, below: Numbers) -> Numbers:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


@dataclass(frozen=True)
class Score:
    """A score with its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class _Measure:
    """A score and the scale on which its errors are about symmetric."""

    score: Callable[[Numbers], Numbers]
    forth: Callable[[Numbers], Numbers]
    back: Callable[[Numbers], Numbers]


_CCC = _Measure(ccc, np.arctanh, np.tanh)
_PEARSON = _Measure(pearson, np.arctanh, np.tanh)
_MAE = _Measure(mean_absolute_error, np.log, np.exp)
_OF_SCALES: Mapping[str, _Measure] = {"ccc": _CCC, "mae": _MAE}


def score_ratings(
    truth: Numbers, answers: Numbers, speakers: Sequence[str] | None, scale: Scale | None
) -> tuple[dict[str, Score], str]:
    """Score the answers to one dimension of one corpus.

    Args:
        truth: Ratings, finite, on the scale of the corpus.
        answers: The candidate's, finite, 0 to 1.
        speakers: Of each clip; None where one is unknown.
        scale: Of the ratings; without it there is only `pearson`.

    Returns:
        The scores by name, and whether their intervals are over `speakers` or over `clips`.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> truth = rng.integers(1, 8, 60).astype(float)
        >>> answers = (truth - 1) / 6 + rng.normal(0, 0.1, 60)
        >>> scores, interval = score_ratings(truth, answers, ["a", "b", "c"] * 20, Scale(1, 7))
        >>> sorted(scores), interval, scores["ccc"].low < scores["ccc"].value < scores["ccc"].high
        (['ccc', 'mae', 'pearson'], 'speakers', True)
    """
    mapped = (truth - truth.mean()) / (np.abs(truth).max() or 1.0) if scale is None else scale.to_unit(truth)
    measures = {"pearson": _PEARSON, **({} if scale is None else _OF_SCALES)}
    sums = sums_of(mapped, answers)
    groups = None if speakers is None else np.unique(np.array(speakers), return_inverse=True)[1]
    if groups is not None and groups.max() + 1 >= MIN_SPEAKERS:
        by_speaker: Numbers = np.stack([np.bincount(groups, weights=column) for column in sums.T], axis=1).astype(float)
        scores = {name: _over_speakers(measure, by_speaker) for name, measure in measures.items()}
        return scores, "speakers"
    drawn = _drawn(sums)
    return {name: _over_clips(measure, sums.sum(axis=0), drawn) for name, measure in measures.items()}, "clips"


def _over_speakers(measure: _Measure, by_speaker: Numbers) -> Score:
    total = by_speaker.sum(axis=0)
    value = float(measure.score(total))
    left_out = measure.score(total - by_speaker)
    clips = by_speaker[:, :1].astype(np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = float(jackknife_error(measure.forth(left_out)))
        reach = error * float(critical_t(degrees_of_freedom(clips, np.ones(1))))
        centre = measure.forth(np.array(value))
        low, high = float(measure.back(centre - reach)), float(measure.back(centre + reach))
    return Score(value, low, high) if NO_SPREAD < error < np.inf else Score(value, np.nan, np.nan)


def _over_clips(measure: _Measure, total: Numbers, drawn: Numbers) -> Score:
    draws = measure.score(drawn)
    draws = draws[np.isfinite(draws)]
    if not draws.size or np.ptp(draws) < NO_SPREAD:
        return Score(float(measure.score(total)), np.nan, np.nan)
    low, high = np.quantile(draws, [TAIL, 1 - TAIL])
    return Score(float(measure.score(total)), float(low), float(high))


def _drawn(sums: Numbers) -> Numbers:
    """The sums over clips that are drawn with replacement, a row per draw."""
    rng, clips = np.random.default_rng(BOOTSTRAP_SEED), len(sums)
    return np.stack([np.bincount(rng.integers(clips, size=clips), minlength=clips) @ sums for _ in range(DRAWS)])


def dimension_row(
    base: Mapping[str, str | None],
    truth: Numbers,
    answers: Numbers,
    speakers: Sequence[str | None],
    scale: Scale | None,
) -> DimensionRow:
    """Score one candidate on one dimension of one corpus.

    Args:
        base: `corpus`, `dimension`, `candidate` and other fields that are not scores.
        truth: A rating of every clip.
        answers: NaN where the candidate gave none.
        speakers: None where one is unknown.
        scale: As for `score_ratings`.
    """
    known = [speaker for speaker in speakers if speaker is not None]
    answered = np.isfinite(answers)
    given = answers[answered]
    fields: dict[str, object] = {
        **base,
        "clips": len(truth),
        "answered": int(answered.sum()),
        "speakers": len(set(known)) if len(known) == len(speakers) else 0,
        "answer_low": float(given.min()) if given.size else None,
        "answer_high": float(given.max()) if given.size else None,
    }
    why = None
    if len(truth) < _FEWEST_CLIPS or np.ptp(truth) == 0:
        why = "too few clips are rated, or all ratings are the same"
    elif given.size < _FEWEST_ANSWERS:
        why = "it has answered fewer than two clips"
    if why is not None:
        return DimensionRow.model_validate(fields | {"note": why})
    filled = np.where(answered, answers, given.mean())
    whole = None if len(known) < len(speakers) else known
    scores, interval = score_ratings(truth, filled, whole, scale)
    for name, score in scores.items():
        numbers = {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}
        fields |= {key: number if np.isfinite(number) else None for key, number in numbers.items()}
    outside = float(np.mean((given < -_OUTSIDE) | (given > 1 + _OUTSIDE)))
    if outside > _OUTSIDE_SHARE and scale is not None:
        why = f"{100 * outside:.0f} % of its answers are outside 0 to 1: on its other scale, only pearson counts"
    return DimensionRow.model_validate(fields | {"interval": interval, "note": why})
