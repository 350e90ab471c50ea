"""The ranking of one corpus: paired differences over speakers, ranges of ranks, and who may be the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from benchmark.results.analyses import PairComparison
from benchmark.scoring.decisions import MIN_EMOTIONS, SpeakerCounts, covered_emotions
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.intervals import (
    NO_SPREAD,
    answer_variances,
    critical_t,
    degrees_of_freedom,
    equivalent_clips,
    jackknife_error,
    leave_one_out_uar,
    speakers_can_be_left_out,
    wilson_error,
    wilson_interval,
)
from benchmark.scoring.trained_on import Seen
from benchmark.scoring.twins import near_twins

SIGNIFICANCE = 0.05
SPEAKERS_TO_CHOOSE = 8
"""With fewer speakers, differences that matter are rarely found, so that reports do not call anybody the best."""


def too_few_to_choose(speakers: int | None) -> TypeGuard[int]:
    """Whether so many speakers, if known, are too few to call a candidate the best."""
    return speakers is not None and speakers < SPEAKERS_TO_CHOOSE


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a candidate stands among those that are ranked; fields are columns of the leaderboard."""

    rank: int
    rank_high: int
    may_be_best: bool
    regret_high: float


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The ranking of one corpus.

    Attributes:
        standings: By candidate, of those that are ranked.
        pairs: All pairs of ranked candidates, the higher UAR first.
        common_emotions: The corpus's emotions that all ranked candidates cover; where none is ranked, those that all
            scored candidates cover.
        twins: Names of near-twins by candidate.
    """

    standings: dict[str, Standing]
    pairs: tuple[PairComparison, ...]
    common_emotions: tuple[str, ...]
    twins: dict[str, tuple[str, ...]]


def rank_corpus(evaluations: Sequence[Evaluation], *, rank_seen: bool = False, separating: bool = False) -> Ranking:
    """Rank the candidates of one corpus, by UAR, or by accuracy if its clips were chosen to separate candidates.

    Complete evaluations are ranked of candidates that were not trained on the corpus, or of all with `rank_seen`. There
    are no ranks where the clips have fewer than two emotions, and where speakers cannot be left out in turn.
    """
    everybody = [evaluation for evaluation in evaluations if evaluation.complete]
    complete = [evaluation.compared for evaluation in everybody]
    ranked: dict[str, SpeakerCounts] = {}
    covered: list[set[str]] = []
    for evaluation in complete:
        counts = evaluation.counts
        if counts is None or len(evaluation.decisions.emotions) < MIN_EMOTIONS:
            continue
        counts = counts.pooled if separating else counts
        if speakers_can_be_left_out(counts.clips) and (rank_seen or evaluation.seen != Seen.YES):
            ranked[evaluation.candidate] = counts
            covered.append(set(covered_emotions(evaluation.answers)))
    covered = covered or [set(covered_emotions(evaluation.answers)) for evaluation in complete]
    differences = PairedDifferences.of(list(ranked.values())) if ranked else None
    return Ranking(
        standings=dict(zip(ranked, differences.standings, strict=True)) if differences else {},
        pairs=pair_comparisons(complete[0].record.corpus, list(ranked), differences)
        if differences and not separating
        else (),
        common_emotions=tuple(sorted(set.intersection(*covered))) if covered else (),
        twins=near_twins(everybody),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class PairedDifferences:
    """The differences in open UAR between candidates that answered the same clips, by the jackknife over speakers.

    Attributes:
        scores: Open UAR, shape (candidates,).
        errors: Standard error of each difference, symmetric, shape (candidates, candidates). Where leaving out a
            speaker does not change a difference, as between a model that is always right and one that always gives the
            same answer, the jackknife has no information: the error is taken from Wilson's intervals.
        freedoms: Degrees of freedom of each error, symmetric, shape (candidates, candidates): the number of speakers
            less one where all have the same clips.
    """

    scores: NDArray[np.float64]
    errors: NDArray[np.float64]
    freedoms: NDArray[np.float64]

    @classmethod
    def of(cls, candidates: Sequence[SpeakerCounts]) -> "PairedDifferences":
        """Compare at least one candidate, with counts over the same speakers, who can be left out in turn."""
        clips = candidates[0].clips
        scores = np.array([counts.uar for counts in candidates])
        hits = np.stack([counts.hits for counts in candidates])
        variances = answer_variances(hits, clips)
        freedoms = degrees_of_freedom(clips, variances[:, None] + variances)
        left_out = leave_one_out_uar(hits, clips)
        errors = np.stack([jackknife_error(own - left_out) for own in left_out])
        without_spread = errors < NO_SPREAD
        np.fill_diagonal(without_spread, val=False)
        if without_spread.any():
            wilson = np.array([wilson_error(counts) for counts in candidates])
            apart = np.abs(scores[:, None] - scores) >= NO_SPREAD
            same = wilson_interval(0.0, equivalent_clips(clips.sum(axis=0))).high / critical_t(freedoms)
            errors = np.where(without_spread, np.where(apart, np.hypot(wilson[:, None], wilson), same), errors)
        return cls(scores=scores, errors=errors, freedoms=freedoms)

    @property
    def differences(self) -> NDArray[np.float64]:
        """UAR of the row's candidate − UAR of the column's, shape (candidates, candidates)."""
        return np.asarray(self.scores[:, None] - self.scores, dtype=np.float64)

    @cached_property
    def p_values(self) -> NDArray[np.float64]:
        """Two-sided p of each pair, 1 for equal scores, in the order of `numpy.triu_indices(candidates, k=1)`."""
        pairs = np.triu_indices(len(self.scores), k=1)
        differences = np.abs(self.differences[pairs])
        p_values = 2 * stdtr(self.freedoms[pairs], -differences / self.errors[pairs])
        return np.where(differences < NO_SPREAD, 1.0, p_values)

    @cached_property
    def adjusted_p_values(self) -> NDArray[np.float64]:
        """The p values after Holm's correction over all pairs, in their order."""
        return holm(self.p_values)

    @property
    def better(self) -> NDArray[np.bool_]:
        """Whether the row's candidate is significantly better than the column's, shape (candidates, candidates)."""
        first, second = np.triu_indices(len(self.scores), k=1)
        significant = np.zeros_like(self.errors, dtype=np.bool_)
        significant[first, second] = significant[second, first] = self.adjusted_p_values <= SIGNIFICANCE
        return significant & (self.differences > 0)

    @property
    def may_be_best(self) -> NDArray[np.bool_]:
        """Which candidates may be the best of all, shape (candidates,); the one with the highest score always may.

        One-sided tests against the highest score, Holm's correction over them. Whoever has a higher score than a
        member is a member, too: a noisy candidate is not kept in place of a better one that is measured precisely.
        """
        top = int(self.scores.argmax())
        others = np.arange(len(self.scores)) != top
        differences = self.differences[top, others]
        p_values = stdtr(self.freedoms[top, others], -differences / self.errors[top, others])
        adjusted = holm(np.where(differences < NO_SPREAD, 1.0, p_values))
        lowest = self.scores[others][adjusted > SIGNIFICANCE].min(initial=self.scores[top])
        return np.asarray(self.scores >= lowest)

    @property
    def regret_bounds(self) -> NDArray[np.float64]:
        """Upper bounds of how much lower each true UAR is than that of the best, shape (candidates,).

        All bounds hold together with at least 95 %: max(0, maxⱼ (θⱼ − θᵢ + t(1 − 0.05/(J−1)) · SEᵢⱼ)) over the
        others j. J. C. Hsu, Constrained simultaneous confidence intervals for multiple comparisons with the best,
        Annals of Statistics 12 (1984), with Bonferroni's quantile for errors that are not equal.
        """
        others = len(self.scores) - 1
        if not others:
            return np.zeros(1)
        reach = self.differences.T + stdtrit(self.freedoms, 1 - SIGNIFICANCE / others) * self.errors
        np.fill_diagonal(reach, 0.0)
        return np.asarray(np.clip(reach.max(axis=1), 0.0, 1.0), dtype=np.float64)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The range of ranks of each candidate, whether it may be the best, and what choosing it can cost.

        M. Mogstad, J. P. Romano, A. M. Shaikh, D. Wilhelm, Inference for ranks with applications to mobility across
        neighbourhoods and academic achievement across countries, Review of Economic Studies 91 (2024).
        """
        ranks, highs = 1 + self.better.sum(axis=0), len(self.scores) - self.better.sum(axis=1)
        columns = (ranks.tolist(), highs.tolist(), self.may_be_best.tolist(), self.regret_bounds.tolist())
        return tuple(
            Standing(rank=rank, rank_high=high, may_be_best=may_be_best, regret_high=regret)
            for rank, high, may_be_best, regret in zip(*columns, strict=True)
        )


def pair_comparisons(corpus: str, names: Sequence[str], paired: PairedDifferences) -> tuple[PairComparison, ...]:
    """All pairs of candidates, the higher UAR first in each and over all of them."""
    position = np.empty_like(paired.scores, dtype=np.int64)
    position[np.argsort(-paired.scores, kind="stable")] = np.arange(len(names))
    reach = critical_t(paired.freedoms) * paired.errors
    pairs = []
    for number, (first, second) in enumerate(combinations(range(len(names)), 2)):
        better, worse = sorted((first, second), key=lambda index: position[index])
        difference = float(paired.scores[better] - paired.scores[worse])
        comparison = PairComparison(
            corpus=corpus,
            candidate=names[better],
            other=names[worse],
            uar_difference=difference,
            uar_difference_low=max(difference - float(reach[better, worse]), -1.0),
            uar_difference_high=min(difference + float(reach[better, worse]), 1.0),
            p=float(paired.p_values[number]),
            p_adjusted=float(paired.adjusted_p_values[number]),
        )
        pairs.append(((position[better], position[worse]), comparison))
    return tuple(comparison for _, comparison in sorted(pairs, key=lambda pair: pair[0]))


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p values so that they bound the chance of at least one false alarm among all of them.

    S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted
