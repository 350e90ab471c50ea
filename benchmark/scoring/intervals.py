"""95 % intervals of accuracy, UAR and their differences that allow for the dependence between clips of one speaker.

With speakers: the delete-one-speaker jackknife on the logit scale with Student's t, whose degrees of freedom allow for
speakers with unequal clips and for emotions that few speakers have. Where several speakers say the same texts, the
variance over texts is added. Where leaving out a speaker changes nothing, or the score is 0 or 1, the jackknife has no
information: Wilson's interval is used. Without usable speakers: a bootstrap over the clips of each emotion, which is
too narrow by an unknown amount.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri, stdtrit

from benchmark.scoring.decisions import Decisions, SpeakerCounts, TextCounts, unweighted_average_recall

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
MIN_SPEAKERS = 3
BOOTSTRAP_DRAWS = 10_000
BOOTSTRAP_SEED = 20_240_229
# A jackknife error below this is the rounding of an exact zero: fractions of clips never come this close.
NO_SPREAD = 1e-12
_NORMAL = float(ndtri((1 + CONFIDENCE) / 2))


class IntervalMethod(StrEnum):
    """How an interval was computed."""

    SPEAKERS = "speakers"
    TEXTS = "speakers+texts"
    WILSON = "wilson"
    CLIPS = "clips"


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a fraction."""

    low: float
    high: float
    method: IntervalMethod


def speakers_can_be_left_out(clips: NDArray[np.int64]) -> bool:
    """Whether there are three speakers, and every emotion remains when any one of them is left out.

    Args:
        clips: Shape (speakers, emotions).
    """
    return len(clips) >= MIN_SPEAKERS and bool(((clips > 0).sum(axis=0) > 1).all())


def leave_one_out_uar(hits: NDArray[np.int64], clips: NDArray[np.int64]) -> NDArray[np.float64]:
    """UAR of the remaining clips when each speaker is left out in turn, shape (..., speakers).

    Args:
        hits: Right answers, shape (..., speakers, emotions).
        clips: Clips, shape (..., speakers, emotions), for which `speakers_can_be_left_out`.
    """
    remaining = clips.sum(axis=-2, keepdims=True) - clips
    return unweighted_average_recall(hits.sum(axis=-2, keepdims=True) - hits, remaining)


def leave_one_out_accuracy(hits: NDArray[np.int64], clips: NDArray[np.int64]) -> NDArray[np.float64]:
    """Accuracy of the remaining clips when each speaker is left out in turn; shapes as for `leave_one_out_uar`."""
    return leave_one_out_uar(hits.sum(axis=-1, keepdims=True), clips.sum(axis=-1, keepdims=True))


def jackknife_error(estimates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard error from delete-one estimates, along the last axis: √((G−1)/G · Σ(θ₋g − θ̄)²).

    Examples:
        >>> float(jackknife_error(np.array([0.0, 1.0, 2.0])))  # of a mean: the usual standard error of 4, 2, 0
        1.1547005383792515
    """
    groups = estimates.shape[-1]
    spread = ((estimates - estimates.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return np.asarray(np.sqrt((groups - 1) / groups * spread), dtype=np.float64)


def answer_variances(hits: NDArray[np.int64], clips: NDArray[np.int64]) -> NDArray[np.float64]:
    """The variance r(1 − r) of one answer to an emotion; r = (hits + 1) / (clips + 2) keeps it above 0 for few clips.

    Args:
        hits: Right answers, shape (..., speakers, emotions).
        clips: Clips, of a shape that fits.

    Returns:
        Shape (..., emotions).
    """
    recalls = (hits.sum(axis=-2) + 1) / (clips.sum(axis=-2) + 2)
    return np.asarray(recalls * (1 - recalls), dtype=np.float64)


def degrees_of_freedom(
    clips: NDArray[np.int64], variances: NDArray[np.float64], totals: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Satterthwaite's degrees of freedom of the variance of UAR over speakers.

    If clips were independent, with the variance vₖ in emotion k, the influences Σₖ (hits_gk − rₖ·n_gk) / (K·Nₖ) of the
    speakers g on UAR would have a covariance matrix S, and the sum of their squares (tr S)² / tr(S²) degrees of
    freedom: R. M. Bell and D. F. McCaffrey, Bias reduction in standard errors for linear regression with multi-stage
    samples, Survey Methodology 28 (2002). That is G − 1 where all G speakers have the same clips, and less where some
    have more than others or few have an emotion.

    Args:
        clips: Clips by speaker, shape (speakers, emotions).
        variances: `answer_variances`, shape (..., emotions); for a difference of candidates, the sum of theirs.
        totals: All clips of each emotion, where `clips` has those of some speakers only.

    Examples:
        >>> equal, unequal = np.full((5, 2), 8), np.array([[8, 8], [8, 8], [8, 8], [8, 0], [8, 0]])
        >>> variances = np.array([0.2, 0.2])
        >>> [round(float(degrees_of_freedom(clips, variances)), 2) for clips in (equal, unequal)]
        [4.0, 2.99]
    """
    own = clips.astype(np.float64)
    whole = own.sum(axis=0) if totals is None else totals.astype(np.float64)
    weights = variances / whole**2
    products = own.T @ own
    traces = own.sum(axis=0) - np.diagonal(products) / whole
    squares = products - 2 * own.T @ (own**2 / whole) + products**2 / np.outer(whole, whole)
    return np.asarray((weights @ traces) ** 2 / ((weights @ squares) * weights).sum(axis=-1), dtype=np.float64)


def critical_t(freedom: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The 97.5 % quantile of Student's t."""
    return np.asarray(stdtrit(freedom, (1 + CONFIDENCE) / 2), dtype=np.float64)


def logit_interval(
    estimate: float, error: float, freedom: float, method: IntervalMethod = IntervalMethod.SPEAKERS
) -> Interval:
    """logit(θ) ± t(0.975, freedom) · SE / (θ(1−θ)), transformed back, for 0 < θ < 1."""
    reach = critical_t(freedom) * error / (estimate * (1 - estimate))
    low, high = expit(logit(estimate) - reach), expit(logit(estimate) + reach)
    return Interval(float(low), float(high), method)


def wilson_interval(estimate: float, size: float) -> Interval:
    """Wilson's score interval of a fraction of `size` clips, which need not be a whole number.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927). scipy's
    `binomtest` takes whole counts only.

    Examples:
        >>> interval = wilson_interval(1.0, 10.0)
        >>> round(interval.low, 4), interval.high
        (0.7225, 1.0)
    """
    centre = (estimate + _NORMAL**2 / (2 * size)) / (1 + _NORMAL**2 / size)
    variance = estimate * (1 - estimate) / size + _NORMAL**2 / (4 * size**2)
    reach = _NORMAL * variance**0.5 / (1 + _NORMAL**2 / size)
    low = 0.0 if estimate <= 0 else max(centre - reach, 0.0)
    high = 1.0 if estimate >= 1 else min(centre + reach, 1.0)
    return Interval(low, high, IntervalMethod.WILSON)


def wilson_error(counts: SpeakerCounts) -> float:
    """A standard error of UAR from the width of Wilson's interval, for scores without spread between speakers."""
    interval = wilson_interval(counts.uar, equivalent_clips(counts.clips.sum(axis=0)))
    return (interval.high - interval.low) / (2 * _NORMAL)


def equivalent_clips(clips: NDArray[np.int64]) -> float:
    """The number of clips whose accuracy has the variance that the UAR of nₖ > 0 clips of K emotions has: K² / Σ(1/nₖ).

    Examples:
        >>> equivalent_clips(np.array([10, 10]))
        20.0
    """
    return float(len(clips) ** 2 / (1.0 / clips).sum())


def uar_interval(
    confusion: NDArray[np.int64], counts: SpeakerCounts | None, texts: TextCounts | None = None
) -> Interval | None:
    """The interval of the open UAR.

    Args:
        confusion: Shape (emotions, answers), every emotion with at least one clip.
        counts: The same by speaker; None where speakers are unknown.
        texts: The same by text; None where texts are unknown, too few, or never shared by speakers.

    Returns:
        None without clips.
    """
    hits, clips = np.diagonal(confusion), confusion.sum(axis=1)
    if not clips.sum():
        return None
    if counts is not None and speakers_can_be_left_out(counts.clips):
        interval = _jackknife_interval(counts, texts)
    else:
        interval = _bootstrap(hits, clips, 1 / (len(clips) * clips))
    return interval or wilson_interval(float(unweighted_average_recall(hits, clips)), equivalent_clips(clips))


def accuracy_interval(
    confusion: NDArray[np.int64], counts: SpeakerCounts | None, texts: TextCounts | None = None
) -> Interval | None:
    """The interval of the open accuracy; arguments and result as for `uar_interval`."""
    hits, clips = np.diagonal(confusion), confusion.sum(axis=1)
    if not clips.sum():
        return None
    if counts is not None and speakers_can_be_left_out(counts.clips):
        interval = _jackknife_interval(counts.pooled, texts and texts.pooled)
    else:
        interval = _bootstrap(hits, clips, np.full(len(clips), 1 / clips.sum()))
    return interval or wilson_interval(float(hits.sum() / clips.sum()), float(clips.sum()))


def _jackknife_interval(counts: SpeakerCounts, texts: TextCounts | None) -> Interval | None:
    """The interval over speakers, or over speakers and texts; None where leaving one out changes nothing.

    The variances over speakers and over texts are added. That of single clips is in both and is not subtracted: with
    few texts the remainder is often far too small.
    """
    variances = answer_variances(counts.hits, counts.clips)
    spread = float(jackknife_error(leave_one_out_uar(counts.hits, counts.clips)) ** 2)
    freedom = float(degrees_of_freedom(counts.clips, variances))
    method = IntervalMethod.SPEAKERS
    if texts is not None:
        totals = counts.clips.sum(axis=0)
        left_out = unweighted_average_recall(counts.hits.sum(axis=0) - texts.hits, totals - texts.clips)
        text_spread = float(((left_out - counts.uar) ** 2).sum()) * (texts.texts - 1) / texts.texts
        text_freedom = float(degrees_of_freedom(texts.clips, variances, totals))
        parts = spread**2 / freedom + text_spread**2 / text_freedom
        spread += text_spread
        freedom, method = spread**2 / parts if parts else freedom, IntervalMethod.TEXTS
    estimate, error = counts.uar, spread**0.5
    return None if error < NO_SPREAD or not 0 < estimate < 1 else logit_interval(estimate, error, freedom, method)


def speaker_interval(estimate: float, left_out: NDArray[np.float64], freedom: float) -> Interval | None:
    """The jackknife's interval of any score; None where it has no information."""
    error = float(jackknife_error(left_out))
    return None if error < NO_SPREAD or not 0 < estimate < 1 else logit_interval(estimate, error, freedom)


def draws_interval(draws: NDArray[np.float64]) -> Interval | None:
    """The percentile interval of a bootstrap over clips; None where all draws are equal."""
    low, high = np.quantile(draws, [TAIL, 1 - TAIL])
    return None if high - low < NO_SPREAD else Interval(float(low), min(float(high), 1.0), IntervalMethod.CLIPS)


def _bootstrap(hits: NDArray[np.int64], clips: NDArray[np.int64], weights: NDArray[np.float64]) -> Interval | None:
    """Percentile bootstrap over the clips within each emotion of the score Σ weightₖ · hitsₖ.

    To draw the nₖ clips of an emotion with replacement and count the hits is to draw from Binomial(nₖ, hitsₖ/nₖ).
    """
    draws = np.random.default_rng(BOOTSTRAP_SEED).binomial(clips, hits / clips, size=(BOOTSTRAP_DRAWS, len(clips)))
    return draws_interval(draws @ weights)


def uar_difference_interval(
    first: Decisions, second: Decisions, first_counts: SpeakerCounts | None, second_counts: SpeakerCounts | None
) -> Interval | None:
    """The interval of UAR(first) − UAR(second), both on the same clips.

    With speakers: difference ± t(0.975) · SE, where SE is the jackknife's of the differences that remain when each
    speaker is left out, with the degrees of freedom of the sum of both variances; where these differences do not vary,
    from the widths of both Wilson intervals. Without speakers: a bootstrap over the clips of each emotion. Where both
    are right on the same clips: ± the upper end of Wilson's interval of 0.

    Returns:
        None without scored clips.
    """
    if not first.truth.size:
        return None
    clips = np.bincount(first.truth, minlength=len(first.emotions)).astype(np.int64)
    if np.array_equal(first.correct, second.correct):
        reach = wilson_interval(0.0, equivalent_clips(clips)).high
        return Interval(-reach, reach, IntervalMethod.WILSON)
    if first_counts is None or second_counts is None or not speakers_can_be_left_out(first_counts.clips):
        return _bootstrap_difference(first, second, clips)
    both = np.stack([first_counts.hits, second_counts.hits])
    left_out = leave_one_out_uar(both, first_counts.clips)
    error, method = float(jackknife_error(left_out[0] - left_out[1])), IntervalMethod.SPEAKERS
    if error < NO_SPREAD:
        error, method = float(np.hypot(wilson_error(first_counts), wilson_error(second_counts))), IntervalMethod.WILSON
    freedom = degrees_of_freedom(first_counts.clips, answer_variances(both, first_counts.clips).sum(axis=0))
    reach = float(critical_t(freedom)) * error
    difference = first_counts.uar - second_counts.uar
    return Interval(max(difference - reach, -1.0), min(difference + reach, 1.0), method)


def _bootstrap_difference(first: Decisions, second: Decisions, clips: NDArray[np.int64]) -> Interval:
    """Draw, for each emotion, how many of its clips only the first has right, only the second, or both or neither."""
    emotions = len(first.emotions)
    only_first = np.bincount(first.truth[first.correct & ~second.correct], minlength=emotions)
    only_second = np.bincount(first.truth[~first.correct & second.correct], minlength=emotions)
    shares = np.stack([only_first, only_second, clips - only_first - only_second], axis=1) / clips[:, None]
    drawn = np.random.default_rng(BOOTSTRAP_SEED).multinomial(clips, shares, size=(BOOTSTRAP_DRAWS, emotions))
    differences = ((drawn[..., 0] - drawn[..., 1]) / clips).mean(axis=1)
    low, high = np.quantile(differences, [TAIL, 1 - TAIL])
    return Interval(float(low), float(high), IntervalMethod.CLIPS)
