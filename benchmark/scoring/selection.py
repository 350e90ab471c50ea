"""What a selection rule is worth on new speakers: the score of its picks on speakers that each was made without.

The score of the best of several candidates is too high, because chance decides who comes first: among ten equal ones by
0.03 to 0.08 UAR. Here the whole rule runs again without the speakers that its pick is scored on.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

from benchmark.scoring.decisions import SpeakerCounts, unweighted_average_recall
from benchmark.scoring.intervals import (
    TAIL,
    Interval,
    IntervalMethod,
    answer_variances,
    degrees_of_freedom,
    jackknife_error,
    leave_one_out_uar,
    speakers_can_be_left_out,
    uar_interval,
)
from benchmark.scoring.ranking import PairedDifferences

HALVINGS = 10
FOLDS = 25
SEED = 20_260_301
# Where scores of 0 and 1 are put on the logit scale.
_EDGE = 1e-3

Speakers = NDArray[np.bool_]
"""Which speakers of a corpus count."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Contest:
    """The candidates that can be picked, on the clips of one corpus.

    Attributes:
        hits: Right answers, shape (candidates, speakers, emotions).
        clips: Shape (speakers, emotions).
        speakers: Of the whole corpus; standard errors are scaled to what so many would give, since that is what the
            rule is applied to.
    """

    hits: NDArray[np.int64]
    clips: NDArray[np.int64]
    speakers: int

    @classmethod
    def of(cls, candidates: Sequence[SpeakerCounts]) -> "Contest":
        """Stack the counts of candidates that answered the same clips."""
        clips = candidates[0].clips
        return cls(hits=np.stack([counts.hits for counts in candidates]), clips=clips, speakers=len(clips))

    def among(self, chosen: Speakers) -> "Contest":
        """The same on the clips of some speakers, with the emotions that these have."""
        present = self.clips[chosen].any(axis=0)
        return replace(self, hits=self.hits[:, chosen][..., present], clips=self.clips[chosen][:, present])

    @property
    def chance(self) -> float:
        """The UAR of guessing."""
        return 1.0 / int(self.clips.shape[1])

    @property
    def scores(self) -> NDArray[np.float64]:
        """Open UAR of each candidate."""
        return unweighted_average_recall(self.hits.sum(axis=1), self.clips.sum(axis=0))

    @property
    def lower_bounds(self) -> NDArray[np.float64]:
        """Lower bounds of UAR, by the jackknife over speakers; the scores themselves where there are too few."""
        if not speakers_can_be_left_out(self.clips):
            return self.scores
        scores = np.clip(self.scores, _EDGE, 1 - _EDGE)
        errors = jackknife_error(leave_one_out_uar(self.hits, self.clips)) * self._error_scale
        freedoms = degrees_of_freedom(self.clips, answer_variances(self.hits, self.clips)) * self._freedom_scale
        reach = stdtrit(freedoms, 1 - TAIL) * errors / (scores * (1 - scores))
        return np.asarray(expit(logit(scores) - reach), dtype=np.float64)

    def regrets(self, rivals: NDArray[np.bool_]) -> NDArray[np.float64]:
        """`PairedDifferences.regret_bounds` of the rivals among themselves; infinity for the others."""
        regrets = np.full(len(self.hits), np.inf)
        if not rivals.any():
            return regrets
        if speakers_can_be_left_out(self.clips):
            paired = PairedDifferences.of([SpeakerCounts(hits=hits, clips=self.clips) for hits in self.hits[rivals]])
            errors, freedoms = paired.errors * self._error_scale, paired.freedoms * self._freedom_scale
            regrets[rivals] = replace(paired, errors=errors, freedoms=freedoms).regret_bounds
        else:
            regrets[rivals] = self.scores[rivals].max() - self.scores[rivals]
        return regrets

    @property
    def _error_scale(self) -> float:
        return math.sqrt(len(self.clips) / self.speakers)

    @property
    def _freedom_scale(self) -> float:
        return (self.speakers - 1) / (len(self.clips) - 1)


@dataclass(frozen=True, kw_only=True)
class SelectionRule:
    """How a candidate is picked from its scores and costs.

    Attributes:
        costs: Latency and size of each candidate, infinity where unknown.
        min_uar: What the lower bound of UAR has to reach on every corpus.
        within: How much UAR the pick may cost compared with the best; None to take the highest lower bound of UAR.
        is_useless: Whether a candidate is flagged as useless on a corpus by its answers to some of the speakers.
    """

    costs: Sequence[tuple[float, float]]
    min_uar: float = 0.0
    within: float | None = None
    is_useless: Callable[[int, int, Speakers], bool] = lambda _candidate, _corpus, _speakers: False

    def pick(self, contests: Sequence[Contest], chosen: Sequence[Speakers]) -> int:
        """The candidate that the rule picks from some speakers; if none meets all demands, who comes closest.

        Args:
            contests: The corpora.
            chosen: The speakers of each that count.
        """
        parts = [contest.among(speakers) for contest, speakers in zip(contests, chosen, strict=True)]
        lows = np.array([part.lower_bounds for part in parts])
        scores = np.array([part.scores for part in parts])
        quality = mean_quality(scores, lows, [contest.chance for contest in contests])
        least = np.array([max(self.min_uar, part.chance) for part in parts])
        allowed = np.logical_and.reduce(lows > least[:, None], axis=0)
        near = np.zeros(len(self.costs), dtype=np.bool_)
        if self.within is not None:
            regrets = np.array([part.regrets(allowed) for part in parts])
            near = regrets.max(axis=0) <= self.within

        def place(index: int) -> tuple[bool, bool, float, tuple[float, float]]:
            by_quality = 0.0 if near[index] else -float(quality[index])
            return (not near[index], not allowed[index], by_quality, self.costs[index])

        order = sorted(range(len(self.costs)), key=place)
        useful = (
            index
            for index in order
            if not any(self.is_useless(index, corpus, speakers) for corpus, speakers in enumerate(chosen))
        )
        return next(useful, order[0])


def mean_quality(
    scores: NDArray[np.float64], lows: NDArray[np.float64], chances: Sequence[float]
) -> NDArray[np.float64]:
    """The lower bound of the mean over corpora of (UAR − c) / (1 − c), c = 1/K: mean − √Σ(θ − low)² / C.

    Args:
        scores: UAR, shape (corpora, ...).
        lows: Lower bounds of UAR, of the same shape.
        chances: c of each corpus.
    """
    chance = np.array(chances).reshape(-1, *[1] * (scores.ndim - 1))
    reach = np.sqrt((((scores - lows) / (1 - chance)) ** 2).sum(axis=0))
    return np.asarray((((scores - chance) / (1 - chance)).sum(axis=0) - reach) / len(chances), dtype=np.float64)


def expected_score(
    contests: Sequence[Contest], corpus: int, rule: SelectionRule, pick: int, own: Interval
) -> tuple[float, Interval]:
    """The UAR on one corpus that the rule's pick has on new speakers.

    Each speaker is scored by the pick that the rule makes without them (above 25 speakers: without their fold of 25).
    The upper bound is that of the pick. The lower bound comes from ten divisions of the speakers into halves, each
    scored by the pick of the other half: the lower of its own and the one that the pick's interval gives at its score,
    or at the expected score where that is lower.

    Args:
        contests: The corpora that the rule picks from, with speakers who can be left out.
        corpus: The index of the one that is scored.
        rule: The rule.
        pick: What it picks from all speakers.
        own: The interval of the pick's UAR.
    """
    generator = np.random.default_rng(SEED)
    everybody = [np.ones(len(contest.clips), dtype=np.bool_) for contest in contests]
    contest = contests[corpus]
    groups = len(contest.clips)
    folds = generator.permutation(groups) % FOLDS
    held_out = np.zeros_like(contest.hits[0])
    for fold in np.unique(folds):
        chosen = [*everybody]
        chosen[corpus] = folds != fold
        held_out[folds == fold] = contest.hits[rule.pick(contests, chosen), folds == fold]
    halved = np.zeros_like(held_out)
    for _ in range(HALVINGS):
        halves = [generator.permutation(len(speakers)) % 2 == 0 for speakers in everybody]
        for chosen in (halves, [~half for half in halves]):
            halved[~chosen[corpus]] += contest.hits[rule.pick(contests, chosen), ~chosen[corpus]]
    expected = SpeakerCounts(hits=held_out, clips=contest.clips).uar
    by_halves = SpeakerCounts(hits=halved, clips=contest.clips * HALVINGS)
    low = _lower_bound(by_halves, expected, float(contest.scores[pick]), own)
    return expected, Interval(min(low, expected), max(own.high, expected), IntervalMethod.SPEAKERS)


def _lower_bound(halved: SpeakerCounts, expected: float, score: float, own: Interval) -> float:
    """The half-split logit-t bound with the larger of its standard error and the pick's own.

    The expected score takes the place of the half-split one where it is lower: with four speakers the bound exceeds the
    truth in 3.5 instead of 4.8 % of simulated cases.
    """
    confusion = np.column_stack([np.diag(halved.hits.sum(axis=0)), (halved.clips - halved.hits).sum(axis=0)])
    interval = uar_interval(confusion, halved)
    lowest = min(halved.uar, expected)
    if not 0 < score < 1 or not 0 < lowest < 1 or interval is None:
        return min(own.low, lowest)
    return min(float(expit(logit(lowest) - (logit(score) - logit(own.low)))), interval.low)
