"""Differences between groups of clips and between speakers, beyond what the chance of few clips makes.

A speaker may be in one group (sex) or in several (language, duration): effects of shared speakers cancel in a
difference of groups. Gaps are tested by permutation of speakers, together for all candidates and columns of a corpus.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.intervals import CONFIDENCE, NO_SPREAD, Interval, uar_interval

MIN_SPEAKERS_TO_COMPARE = 5
MIN_CLIPS_PER_EMOTION = 2
MIN_CLIPS_PER_SPEAKER = 10
LOW_TAIL = 0.1
PERMUTATIONS = 999
"""Of speakers; the smallest p is one in a thousand."""
FEWEST_PERMUTATIONS = 199
_MOST_CELLS = 150_000_000
"""Permutations × candidates × cells of speaker, group and emotion: a second or two; larger corpora get fewer."""
_CELLS_AT_ONCE = 2_000_000
_SEED = 20_260_301
_ROUNDING = 1e-9

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupedCounts:
    """Hits and clips of the compared groups of a column, with a row for each speaker in each group.

    Attributes:
        names: The groups.
        group: Index into `names` of each row, shape (rows,).
        speaker: Index into all speakers of the corpus of each row, shape (rows,).
        clips: Of each compared emotion, shape (rows, emotions).
        hits: Shape (candidates, rows, emotions).
    """

    names: tuple[str, ...]
    group: Codes
    speaker: Codes
    clips: Codes
    hits: Codes

    def interval(self, candidate: int, group: int) -> Interval:
        """The 95 % interval of a candidate's UAR on a group over the compared emotions."""
        counts = self.counts(candidate, group)
        hits, clips = counts.hits.sum(axis=0), counts.clips.sum(axis=0)
        interval = uar_interval(np.column_stack([np.diag(hits), clips - hits]), counts)
        if interval is None:
            raise ValueError("a group without clips has no UAR")
        return interval

    def counts(self, candidate: int, group: int) -> SpeakerCounts:
        """Hits and clips of one group, by speaker and emotion."""
        rows = self.group == group
        return SpeakerCounts(hits=self.hits[candidate, rows], clips=self.clips[rows])


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The difference between two groups, in fields of `CandidateGroups`; gap_low is 0 where chance may explain it."""

    best: str
    worst: str
    gap: float
    gap_low: float
    gap_high: float
    gap_p: float


def gaps_between(columns: Sequence[GroupedCounts], permutations: int | None = None) -> list[list[Gap]]:
    """The difference between the largest and the smallest UAR of each candidate in each column, tested jointly.

    With many candidates and columns some difference is large by chance. So the largest statistic of all candidates,
    columns and pairs of groups is compared with its values after permutations of the speakers, the same for all
    candidates and columns (single-step maxT: Westfall and Young, Resampling-Based Multiple Testing, 1993). Speakers in
    one group exchange their groups; those in several exchange the groups of their own parts. The statistic of a pair is
    its |difference| / error, studentised, since groups of different sizes and spreads are compared (Janssen, Statistics
    & Probability Letters 36, 1997), and brought to a normal scale by its degrees of freedom, since the largest t would
    otherwise be that of the smallest groups.

    Its lower end is the largest of all pairs' |difference| − critical value · error, or 0, so that it is above 0 where
    `gap_p` is at most 0.05. Its upper end is the largest of all pairs' |difference| + t · error: the two groups that
    really differ most are one pair, and no correction is needed. With so few speakers that there are fewer than twenty
    different permutations (three against three), no gap is beyond chance.

    Args:
        columns: With at least two groups each, of the same candidates in the same order.
        permutations: How many; by default 999, and down to 199 for very many groups.

    Returns:
        Gaps by column, then by candidate.
    """
    permutations = permutations or _number_of_permutations(columns)
    maxima = np.zeros(permutations)
    for start, permuted in _permuted_groups(columns, permutations):
        stop = start + len(permuted[0])
        for column, groups in zip(columns, permuted, strict=True):
            pairs = _compare(column, groups)
            maxima[start:stop] = np.maximum(maxima[start:stop], pairs.normal.max(axis=(1, 2)))
    ordered = np.sort(maxima)[::-1]
    allowed = int((permutations + 1) * (1 - CONFIDENCE) + _ROUNDING)
    critical = float(ordered[allowed - 1])
    observed = [_compare(column, column.group[None]) for column in columns]
    return [
        [_gap(column.names, pairs, candidate, critical, maxima) for candidate in range(len(column.hits))]
        for column, pairs in zip(columns, observed, strict=True)
    ]


def _gap(names: Sequence[str], pairs: "_Pairs", candidate: int, critical: float, maxima: Floats) -> Gap:
    scores, difference, error = (values[0, candidate] for values in (pairs.uar, pairs.difference, pairs.error))
    freedom, normal = pairs.freedom[0, candidate], pairs.normal[0, candidate]
    low = difference - _t_value(critical, freedom) * error
    high = difference + stdtrit(freedom, (1 + CONFIDENCE) / 2) * error
    gap = float(np.ptp(scores))
    # Permutations that only exchange two groups have the same statistic, but for rounding.
    as_clear = int((maxima >= normal.max() - _ROUNDING).sum())
    probability = (1 + as_clear) / (1 + len(maxima))
    return Gap(
        best=names[int(scores.argmax())],
        worst=names[int(scores.argmin())],
        gap=gap if gap >= NO_SPREAD else 0.0,
        gap_low=max(float(low.max()), 0.0) if probability <= 1 - CONFIDENCE + _ROUNDING else 0.0,
        gap_high=min(float(high.max()), 1.0),
        gap_p=probability,
    )


def _number_of_permutations(columns: Sequence[GroupedCounts]) -> int:
    cells = sum(column.hits.size for column in columns)
    return int(np.clip(_MOST_CELLS // max(cells, 1), FEWEST_PERMUTATIONS, PERMUTATIONS))


def _permuted_groups(columns: Sequence[GroupedCounts], permutations: int) -> Iterator[tuple[int, list[Codes]]]:
    """The group of each row of each column after permutations, some permutations at once.

    Yields:
        The number of the first permutation, and per column groups of the shape (permutations, rows).
    """
    generator = np.random.default_rng(_SEED)
    speakers = 1 + max(int(column.speaker.max()) for column in columns)
    largest = max(max(column.hits.size, len(column.hits) * len(column.names) ** 2) for column in columns)
    at_once = int(np.clip(_CELLS_AT_ONCE // largest, 1, permutations))
    for start in range(0, permutations, at_once):
        number = min(at_once, permutations - start)
        keys = generator.random((number, speakers))
        yield start, [_permute(column, keys, generator) for column in columns]


def _permute(column: GroupedCounts, keys: Floats, generator: np.random.Generator) -> Codes:
    """Exchange the groups of all speakers who are in one group, by their keys, and of each other speaker's rows."""
    rows = len(column.group)
    is_shared = np.bincount(column.speaker)[column.speaker] > 1
    block = np.where(is_shared, 1 + column.speaker, 0)
    own_keys = np.where(is_shared, generator.random((len(keys), rows)), keys[:, column.speaker])
    in_blocks = np.lexsort((column.speaker, block))
    order = np.argsort(block[in_blocks] + own_keys[:, in_blocks], axis=1)
    permuted = np.empty(order.shape, dtype=np.int64)
    permuted[:, in_blocks] = column.group[in_blocks][order]
    return permuted


@dataclass(frozen=True, eq=False, kw_only=True)
class _Pairs:
    """The UAR of each group, shape (permutations, candidates, groups), and what follows for every two of them.

    Attributes:
        difference: |difference| of two groups; as all further ones of the shape (permutations, candidates, pairs).
        error: Its standard error, at least that of independent clips: few speakers may happen to differ alike.
        freedom: Its degrees of freedom.
        normal: The quantile of the normal distribution at the probability of difference / error under Student's t.
    """

    uar: Floats
    difference: Floats
    error: Floats
    freedom: Floats
    normal: Floats


def _compare(column: GroupedCounts, groups: Codes) -> _Pairs:
    """Compare the groups of a column, given the group of each row; shape (permutations, rows)."""
    number = len(column.names)
    member = (groups[:, None, :] == np.arange(number)[:, None]).astype(np.float64)
    clips = member @ column.clips
    hits = member[:, None] @ column.hits
    # After a permutation a group may lack an emotion, which its UAR then leaves out.
    weight = np.divide(clips > 0, clips, out=np.zeros_like(clips), where=clips > 0)
    weight /= (clips > 0).sum(axis=2, keepdims=True)
    recall = hits / np.maximum(clips, 1)[:, None]
    uar = (hits * weight[:, None]).sum(axis=3)
    smoothed = (hits + 0.5) / (clips + 1)[:, None]
    by_clips = (smoothed * (1 - smoothed) * (weight**2 * clips)[:, None]).sum(axis=3)
    deviations = _deviations(column, groups, weight, recall)
    first, second = np.triu_indices(number, 1)
    difference = np.abs(uar[..., first] - uar[..., second])
    variance, freedom = _variance(column, groups, member, deviations)
    error = np.sqrt(np.maximum(variance, by_clips[..., first] + by_clips[..., second]))
    normal = _normal_value(difference / error, freedom)
    return _Pairs(uar=uar, difference=difference, error=error, freedom=freedom, normal=normal)


def _deviations(column: GroupedCounts, groups: Codes, weight: Floats, recall: Floats) -> Floats:
    """The influence of each row on the UAR of its group, scaled such that its squares add up to the variance.

    Influence: Σₖ (hitsₖ − recallₖ · clipsₖ) · weightₖ, times √(n/(n − 1)) for n speakers of the group; with equally
    many clips it is the jackknife. Shape (permutations, candidates, rows).
    """
    sizes = np.bincount(column.group, minlength=len(column.names))
    scale = np.sqrt(sizes / np.maximum(sizes - 1, 1))
    permutation = np.arange(len(groups))[:, None]
    weights = weight[permutation, groups] * scale[groups][..., None]
    expected = np.swapaxes(recall, 1, 2)[permutation, groups]  # (permutations, rows, candidates, emotions)
    deviations = np.einsum("crk,prk->pcr", column.hits, weights, optimize=True)
    deviations -= np.einsum("prck,prk->pcr", expected, weights * column.clips, optimize=True)
    return np.asarray(deviations, dtype=np.float64)


def _variance(column: GroupedCounts, groups: Codes, member: Floats, deviations: Floats) -> tuple[Floats, Floats]:
    """Variances of the differences of all pairs, and their degrees of freedom after Welch and Satterthwaite.

    The speakers of the first group only, of the second only and of both are three samples with variances of their own.
    """
    number = len(column.names)
    first, second = np.triu_indices(number, 1)
    squares = np.einsum("pcr,pgr->pcg", deviations**2, member, optimize=True)
    sizes = np.bincount(column.group, minlength=number).astype(np.float64)
    samples: list[tuple[Floats, Floats]] = [
        (squares[..., first], sizes[first]),
        (squares[..., second], sizes[second]),
    ]
    if len(np.unique(column.speaker)) < len(column.speaker):
        # No speaker who is in several groups leaves them by a permutation, and no other one shares a group.
        speakers = 1 + int(column.speaker.max())
        by_speaker = np.zeros((*deviations.shape[:2], number, speakers))
        where = np.arange(len(groups))[:, None], groups, column.speaker
        by_speaker[where[0], :, where[1], where[2]] = np.swapaxes(deviations, 1, 2)
        present = np.zeros((len(groups), number, speakers))
        present[where] = 1.0
        both = np.swapaxes(present, 1, 2)[:, None]
        squares_in_other = by_speaker**2 @ both
        products = by_speaker @ np.swapaxes(by_speaker, 2, 3)
        shared = (present @ np.swapaxes(present, 1, 2))[:, None, first, second]
        one, other = squares_in_other[..., first, second], squares_in_other[..., second, first]
        samples = [
            (samples[0][0] - one, samples[0][1] - shared),
            (samples[1][0] - other, samples[1][1] - shared),
            (one + other - 2 * products[..., first, second], shared),
        ]
    variance = np.maximum(sum(part for part, _ in samples), 0.0)
    divisor = sum(part**2 / np.maximum(size - 1, 1) for part, size in samples)
    fewest = np.maximum(np.minimum(sizes[first], sizes[second]) - 1, 1)
    without_spread = np.broadcast_to(fewest, variance.shape).astype(np.float64)
    freedom = np.divide(variance**2, divisor, out=without_spread, where=divisor > NO_SPREAD**4)
    return variance, np.maximum(freedom, 1.0)


def _normal_value(value: Floats, freedom: Floats) -> Floats:
    """Student's t on a normal scale (Wallace, Annals of Mathematical Statistics 30, 1959)."""
    return np.asarray(_shrinkage(freedom) * np.sqrt(freedom * np.log1p(value**2 / freedom)), dtype=np.float64)


def _t_value(normal: float, freedom: Floats) -> Floats:
    """The inverse of `_normal_value`."""
    return np.asarray(np.sqrt(freedom * np.expm1((normal / _shrinkage(freedom)) ** 2 / freedom)), dtype=np.float64)


def _shrinkage(freedom: Floats) -> Floats:
    return (8 * freedom + 1) / (8 * freedom + 3)


def speaker_columns(counts: SpeakerCounts | None) -> dict[str, float | str]:
    """The columns that tell how the scores of speakers differ: `speaker_measure`, `speaker_tenth`, `speaker_spread`.

    A speaker's score is the UAR over all emotions (measure `uar`), for speakers with at least two clips of each and ten
    in all. Where fewer than five speakers, or fewer than half of them, have that, it is the share of right answers
    instead (`accuracy`), for speakers with at least ten clips. The tenth is the 10th percentile of the scores. The
    spread is √max(0, S² − V): S² is the variance of the scores, V the mean of the variances that the scores would have
    if every clip of a speaker and emotion were right with one probability: (1/K²) Σₖ rₖ(1 − rₖ)/(nₖ − 1), which is
    unbiased.

    Args:
        counts: By speaker and emotion; None where speakers are unknown.

    Returns:
        Nothing with fewer than five speakers who have enough clips.
    """
    if counts is None or not counts.clips.size:
        return {}
    measure, hits, clips = "uar", counts.hits, counts.clips
    chosen = clips.sum(axis=1) >= MIN_CLIPS_PER_SPEAKER
    with_all = chosen & (clips >= MIN_CLIPS_PER_EMOTION).all(axis=1)
    if with_all.sum() >= MIN_SPEAKERS_TO_COMPARE and 2 * with_all.sum() >= len(with_all):
        chosen = with_all
    elif chosen.sum() >= MIN_SPEAKERS_TO_COMPARE:
        measure, hits, clips = "accuracy", hits.sum(axis=1, keepdims=True), clips.sum(axis=1, keepdims=True)
    else:
        return {}
    recalls, clips = hits[chosen] / clips[chosen], clips[chosen]
    scores = recalls.mean(axis=1)
    by_chance = (recalls * (1 - recalls) / (clips - 1)).sum(axis=1) / clips.shape[1] ** 2
    return {
        "speaker_measure": measure,
        "speaker_tenth": float(np.quantile(scores, LOW_TAIL)),
        "speaker_spread": max(float(scores.var(ddof=1) - by_chance.mean()), 0.0) ** 0.5,
    }
