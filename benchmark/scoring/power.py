"""How likely a number of speakers and clips tells candidates apart, and how many are needed.

The difference of two UARs that G speakers with m clips each give has the variance (τ² + ω²/m) / G. τ² is the variance
between speakers of the true difference, which more clips do not reduce; ω²/m is what the clips of one speaker add. A
run measures the sum by the jackknife over speakers, and ω² within the clips of a speaker and an emotion.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm, qmc, t

from benchmark.scoring.intervals import MIN_SPEAKERS, NO_SPREAD, leave_one_out_uar
from benchmark.scoring.ranking import SIGNIFICANCE

MOST_SPEAKERS = 5000
"""Designs with more speakers count as out of reach."""
RANGE = (0.1, 0.9)
"""The quantiles of the range that a single pilot leaves."""
SPREAD = 0.5
"""Assumed standard deviation of what a speaker adds to the logit of one candidate's recall."""
_DRAWS = 400
_POINTS = 2048
_POINTS_OF_A_DRAW = 128
_SEED = 20_260_301
NUMBERS_OF_SPEAKERS = np.unique(
    np.concatenate([np.arange(MIN_SPEAKERS, 60), np.geomspace(60, MOST_SPEAKERS, 80).round()])
)
"""The numbers that are tried: all below 60, then in steps of 6 %."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Pilot:
    """What is known of J candidates on one kind of recordings, from a run or by assumption.

    Attributes:
        scores: Open UARs, shape (J,).
        total: Per pair, the variance per speaker of the difference, τ² + ω²/m, shape (J, J).
        within: Per pair, the part ω²/m of it, shape (J, J).
        clips: Clips per speaker m.
        speakers: Speakers G.
        influence: What each speaker adds to each score, so that the squares sum to its variance, shape (G, J); None for
            assumptions, which leave no range.
    """

    scores: NDArray[np.float64]
    total: NDArray[np.float64]
    within: NDArray[np.float64]
    clips: float
    speakers: int = 0
    influence: NDArray[np.float64] | None = None

    def variances(self, clips: float, scale: NDArray[np.float64]) -> NDArray[np.float64]:
        """The variance per speaker of each pair's difference, shape (scales, J, J).

        Args:
            clips: Clips of each speaker.
            scale: What the variance that the run measured is multiplied with, shape (scales,).
        """
        between = np.maximum(scale[:, None, None] * self.total - self.within, 0.0)
        return np.asarray(between + self.within * self.clips / clips, dtype=np.float64)


def measured_pilot(correct: NDArray[np.bool_], truth: NDArray[np.int64], speakers: NDArray[np.int64]) -> Pilot:
    """Take scores and variances from the answers of a run.

    ω² is pooled over the cells of a speaker and an emotion with two clips or more; of an emotion without such a cell,
    it is the variance of all its clips.

    Args:
        correct: Whether each candidate is right, shape (clips, J).
        truth: Index of each clip's emotion, each with at least one clip.
        speakers: Index of each clip's speaker, who `speakers_can_be_left_out`.
    """
    shape = int(speakers.max()) + 1, int(truth.max()) + 1
    cells = speakers * shape[1] + truth
    right = correct.astype(np.float64)
    clips = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)
    hits = np.stack([np.bincount(cells, column, minlength=clips.size).reshape(shape) for column in right.T])
    left_out = leave_one_out_uar(hits.astype(np.int64), clips).T
    influence = np.sqrt((shape[0] - 1) / shape[0]) * (left_out - left_out.mean(axis=0))
    covariance = np.zeros((len(hits), len(hits)))
    for emotion, sizes in enumerate(clips.T):
        own = truth == emotion
        free = int(sizes.sum()) - int((sizes > 0).sum())
        means = (hits[:, :, emotion] / np.maximum(sizes, 1)).T
        rest = right[own] - (means[speakers[own]] if free else right[own].mean(axis=0))
        variance = rest.T @ rest / max(free or int(sizes.sum()) - 1, 1)
        covariance += variance * shape[0] / (shape[1] ** 2 * sizes.sum())
    diagonal = np.diag(covariance)
    return Pilot(
        scores=(hits.sum(axis=1) / clips.sum(axis=0)).mean(axis=1),
        total=shape[0] * ((influence[:, :, None] - influence[:, None, :]) ** 2).sum(axis=0),
        within=diagonal[:, None] + diagonal[None, :] - 2 * covariance,
        clips=len(truth) / shape[0],
        speakers=shape[0],
        influence=influence,
    )


def assumed_pilot(uar: float, difference: float, candidates: int, between: float | None = None) -> Pilot:
    """Assume a best candidate, and that all others are worse by one difference.

    To the logit of the recall, a speaker adds a normal deviate of `SPREAD` for each candidate, and one for each emotion
    that all candidates share.

    Args:
        uar: Of the best candidate.
        difference: By how much the others are worse.
        candidates: How many there are with the best.
        between: Standard deviation between speakers of the true difference of two candidates, instead of what follows.
    """
    scores = np.array([uar, *[uar - difference] * (candidates - 1)])
    best, other = _spread_of(uar), _spread_of(uar - difference)
    (by_speaker, by_clip) = np.array([best, *[other] * (candidates - 1)]).T
    off = ~np.eye(candidates, dtype=np.bool_)
    within = np.where(off, by_clip[:, None] + by_clip[None, :], 0.0)
    spread = by_speaker[:, None] + by_speaker[None, :] if between is None else np.full(off.shape, between**2)
    return Pilot(scores=scores, total=np.where(off, spread, 0.0) + within, within=within, clips=1.0)


def _spread_of(uar: float) -> tuple[float, float]:
    """The assumed variance of a candidate's UAR between speakers, and that of a clip of one speaker and emotion."""
    nodes, weights = hermegauss(30)
    weights = weights / weights.sum()
    deviates = SPREAD * (nodes[:, None] + nodes[None, :])  # of the speaker, and of the speaker's emotion

    def mean(centre: float) -> float:
        return float(weights @ expit(centre + deviates) @ weights)

    recall = expit(brentq(lambda centre: mean(centre) - uar, -15, 15) + deviates)
    of_speakers = recall @ weights
    return float(of_speakers**2 @ weights - uar**2), float(weights @ (recall * (1 - recall)) @ weights)


def levels_of(others: int, *, pair: bool) -> NDArray[np.float64]:
    """The one-sided level at which each of the other candidates has to be worse than the best, the nearest first.

    A pair is tested on both sides. The best is told from the rest one-sided with Holm's correction, whose last step,
    for the nearest, is not corrected.
    """
    return np.array([SIGNIFICANCE / 2]) if pair else SIGNIFICANCE / np.arange(1, others + 1)


def power(
    gaps: NDArray[np.float64],
    covariances: NDArray[np.float64],
    speakers: NDArray[np.float64],
    levels: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The probability that all differences are found, shape (designs,).

    Each difference is divided by one and the same estimate of its error, with G − 1 degrees of freedom; the joint
    distribution is integrated over quasi-random points, fewer of them for many designs.

    Args:
        gaps: How much worse than the best each other candidate is, shape (designs, others).
        covariances: Of the differences, per speaker, shape (designs, others, others).
        speakers: Shape (designs,).
        levels: One-sided, for the differences from the least to the most significant, as `levels_of` gives them.
    """
    errors = np.sqrt(np.maximum(np.diagonal(covariances, axis1=1, axis2=2), NO_SPREAD))
    values, vectors = np.linalg.eigh(covariances / (errors[:, :, None] * errors[:, None, :]))
    roots = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    deviates = _deviates(gaps.shape[1] + 1, _POINTS if len(gaps) == 1 else _POINTS_OF_A_DRAW)
    noise = deviates[:, :-1] @ roots.swapaxes(1, 2)
    free = speakers[:, None] - 1
    # The cube root of χ² is nearly normal (E. B. Wilson and M. M. Hilferty, PNAS 17, 1931).
    estimated = np.maximum(1 - 2 / (9 * free) + deviates[:, -1] * np.sqrt(2 / (9 * free)), 0.01) ** 1.5
    statistics = (gaps / errors * np.sqrt(speakers)[:, None])[:, None, :] + noise
    found = np.sort(statistics, axis=-1) >= np.asarray(t.isf(levels, free))[:, None, :] * estimated[:, :, None]
    return np.asarray(found.all(axis=-1).mean(axis=-1), dtype=np.float64)


@cache
def _deviates(dimensions: int, points: int) -> NDArray[np.float64]:
    return np.asarray(norm.ppf(qmc.Sobol(dimensions, rng=_SEED).random(points)), dtype=np.float64)


def needed_speakers(
    gaps: NDArray[np.float64], covariances: NDArray[np.float64], levels: NDArray[np.float64], wanted: float
) -> NDArray[np.float64]:
    """The smallest number of speakers with which all differences are found often enough, shape (designs,).

    Infinite above `MOST_SPEAKERS`. Arguments as for `power`; beyond 60 speakers, on a grid of 6 %.
    """
    low, high = np.zeros(len(gaps), dtype=np.int64), np.full(len(gaps), len(NUMBERS_OF_SPEAKERS))
    while (low < high).any():
        middle = np.minimum((low + high) // 2, len(NUMBERS_OF_SPEAKERS) - 1)
        enough = power(gaps, covariances, NUMBERS_OF_SPEAKERS[middle], levels) >= wanted
        open_ = low < high
        high = np.where(open_ & enough, middle, high)
        low = np.where(open_ & ~enough, middle + 1, low)
    return np.append(NUMBERS_OF_SPEAKERS, np.inf)[low]


def speakers_and_range(
    pilot: Pilot, clips: float, *, wanted: float, pair: bool, difference: float | None = None
) -> NDArray[np.float64]:
    """The speakers that are needed, and the low and the high end of the range that the pilot leaves, shape (3,).

    The ends are the quantiles `RANGE` over what the truth may be, given the pilot: scores drawn from their jackknife
    covariance, and variances scaled by (G−1)/χ². Assumptions leave no range: all three are equal.

    Args:
        pilot: From a run, or assumed.
        clips: Clips per speaker.
        wanted: The probability of success.
        pair: Whether two candidates are to be told apart, in either direction, rather than the best from the rest.
        difference: Every other candidate is so much worse than the best, whatever the pilot says.
    """
    scores, scales = _possible_truths(pilot)
    best = scores.argmax(axis=1)
    others = np.argsort(np.arange(scores.shape[1]) == best[:, None], axis=1, kind="stable")[:, :-1]
    gaps = np.take_along_axis(scores.max(axis=1, keepdims=True) - scores, others, axis=1)
    if difference is not None:
        gaps = np.full_like(gaps, difference)
    covariances = _covariances(pilot.variances(clips, scales), best, others)
    levels = levels_of(gaps.shape[1], pair=pair)
    exact = needed_speakers(gaps[:1], covariances[:1], levels, wanted)
    if len(gaps) == 1:
        return np.repeat(exact, 3)
    # No interpolation: some are infinite.
    low, high = np.quantile(needed_speakers(gaps[1:], covariances[1:], levels, wanted), RANGE, method="nearest")
    return np.array([exact[0], low, high])


def _covariances(
    variances: NDArray[np.float64], best: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Covariances of best − other from the variances of all pairs: (V(b, i) + V(b, j) − V(i, j)) / 2."""
    rows = np.arange(len(best))[:, None]
    to_best = variances[rows, best[:, None], others]
    among = variances[rows[:, :, None], others[:, :, None], others[:, None, :]]
    return np.asarray((to_best[:, :, None] + to_best[:, None, :] - among) / 2, dtype=np.float64)


def _possible_truths(pilot: Pilot) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores, shape (draws, J), and scales of the variances, shape (draws,): first those of the pilot itself."""
    if pilot.influence is None:
        return pilot.scores[None], np.ones(1)
    generator = np.random.default_rng(_SEED)
    scales = (pilot.speakers - 1) / generator.chisquare(pilot.speakers - 1, _DRAWS)
    noise = generator.normal(size=(_DRAWS, pilot.speakers)) @ pilot.influence
    scores = pilot.scores + np.sqrt(scales)[:, None] * noise
    return np.vstack([pilot.scores, scores]), np.append(1.0, scales)


def detectable_difference(pilot: Pilot, *, wanted: float, pair: bool) -> float:
    """The smallest difference of the best from all others that a run like the pilot finds often enough."""
    differences = np.linspace(0.005, 1, 200)
    enough = _power_of_the_same_speakers(pilot, differences[:, None], pilot.total[None], pair=pair) >= wanted
    return float(differences[enough.argmax()]) if enough.any() else 1.0


def clips_of_the_same_speakers(
    pilot: Pilot, *, wanted: float, pair: bool, difference: float | None = None
) -> int | None:
    """How many clips of each of the pilot's speakers find the differences often enough, up to 64 times as many.

    Arguments as for `speakers_and_range`; None where these speakers are too few, however many clips they have.
    """
    numbers = np.ceil(pilot.clips * np.geomspace(1, 64, 25))
    variances = np.concatenate([pilot.variances(clips, np.ones(1)) for clips in numbers])
    best = int(pilot.scores.argmax())
    gaps = np.delete(pilot.scores[best] - pilot.scores, best)[None]
    gaps = gaps if difference is None else np.full_like(gaps, difference)
    enough = _power_of_the_same_speakers(pilot, gaps, variances, pair=pair) >= wanted
    return int(numbers[enough.argmax()]) if enough.any() else None


def _power_of_the_same_speakers(
    pilot: Pilot, gaps: NDArray[np.float64], variances: NDArray[np.float64], *, pair: bool
) -> NDArray[np.float64]:
    """Power of the pilot's number of speakers; gaps and variances of all designs, or of one for all."""
    number = max(len(gaps), len(variances))
    best = np.full(number, pilot.scores.argmax())
    others = np.broadcast_to(np.delete(np.arange(len(pilot.scores)), best[0]), (number, len(pilot.scores) - 1))
    covariances = _covariances(np.broadcast_to(variances, (number, *variances.shape[1:])), best, others)
    levels = levels_of(others.shape[1], pair=pair)
    return power(np.broadcast_to(gaps, others.shape), covariances, np.full(number, float(pilot.speakers)), levels)
