"""The choice of a candidate: which may be chosen at all, which are on the Pareto front, and the pick.

Quality is the lower bound of the open UAR, not its estimate: a candidate that was tested on few speakers has to be
better to be picked. Over several corpora it is the lower bound of the mean of (UAR − 1/K)/(1 − 1/K), over those that
all candidates in question were evaluated on and not trained on. Without labels nothing is recommended. What the pick's
UAR is expected to be on new speakers is that of the rule, applied without the speakers that are scored.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, computed_field

from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow, deciding_rows
from benchmark.results.runs import RunRecord
from benchmark.results.schema import Stored
from benchmark.results.verification import Verification
from benchmark.scoring.collapse_and_diversity import diversity
from benchmark.scoring.constraints import (
    Constraints,
    considered_corpora,
    disqualifying_reasons,
    regret_reasons,
    resource_reasons,
    score_reasons,
)
from benchmark.scoring.decisions import covered_emotions
from benchmark.scoring.evaluations import CorpusEvaluations
from benchmark.scoring.flags import Flag
from benchmark.scoring.intervals import Interval, IntervalMethod, speakers_can_be_left_out
from benchmark.scoring.latency import cost_per_hour
from benchmark.scoring.leaderboard import FindPredictions, corpus_evaluations
from benchmark.scoring.ranking import too_few_to_choose
from benchmark.scoring.selection import Contest, SelectionRule, expected_score, mean_quality
from benchmark.scoring.suspicion import label_permutation

_DEFAULT_DEVICE = "cpu"


class OtherLatency(Stored):
    """A latency that another run measured, on the same machine and with the same engine.

    Attributes:
        run: Its name, or the beginning of its file.
        created: When that run began.
    """

    p50_ms: float
    segment_s: float | None = None
    run: str
    created: datetime


class Choice(Stored):
    """A candidate that may be chosen.

    Attributes:
        quality: The lower bound of UAR, 0 for guessing and 1 for perfection; over several corpora, that of their mean.
        uar: Open UAR by corpus.
        latency_p50_ms: Median time of one segment on the device; None where it was not measured.
        latency_from: The other run that measured it; None where the run itself did.
        cost_per_hour: Of audio, on the device; None without a price or a latency.
        license: As the repository declares it.
        ranks: Its first rank by corpus, where it has one.
        regret_high: How much UAR choosing it can cost at most, compared with the best choice, on the corpus where that
            is most; all bounds hold together with 95 %. None where speakers are unknown or too few.
        may_be_best: Whether it may be the best of all that are ranked, on every corpus.
        on_front: Whether no other choice is at least as good in quality, latency and size, and better in one.
        flags: What a reader has to know before believing its scores.
    """

    candidate: str
    revision: str | None
    quality: float
    uar: dict[str, float]
    uar_low: dict[str, float]
    latency_p50_ms: float | None
    latency_from: OtherLatency | None = None
    cost_per_hour: float | None = None
    size_mb: float | None
    license: str | None
    ranks: dict[str, int]
    regret_high: float | None
    may_be_best: bool
    on_front: bool
    flags: tuple[str, ...]


class Exclusion(Stored):
    """A candidate that may not be chosen, with all reasons."""

    candidate: str
    reasons: tuple[str, ...]


class Recommendation(Stored):
    """The choices that a run supports.

    Attributes:
        corpora: The corpora that the choices are compared on.
        device: The device of the latencies; None where none was measured.
        pick: The choice with the highest quality; where `within` is asked for, the cheapest.
        price_per_hour: What an hour of the machine costs; None where nobody said.
        expected_uar: By corpus, the UAR to expect of the pick on new speakers, without what luck adds to the best of
            several, with a 95 % interval; empty where speakers cannot be left out.
        few_speakers: Corpora with too few speakers to choose, and how many they have.
        gaps: What is missing of the run, as a part of a sentence; empty if nothing is.
        problem: Why there is no choice, in a sentence.
        choices: The best first.
        excluded: All others, in the order of the registry.
    """

    constraints: Constraints
    corpora: tuple[str, ...]
    device: str | None
    pick: str | None
    problem: str | None
    choices: tuple[Choice, ...]
    excluded: tuple[Exclusion, ...]
    expected_uar: dict[str, float] = Field(default_factory=dict)
    expected_uar_low: dict[str, float] = Field(default_factory=dict)
    expected_uar_high: dict[str, float] = Field(default_factory=dict)
    few_speakers: dict[str, int] = Field(default_factory=dict)
    gaps: str = ""
    price_per_hour: float | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def complete(self) -> bool:
        """Whether everything that the run was asked for came to its end."""
        return not self.gaps

    def best(self, *, adapted: bool) -> Choice | None:
        """The best choice of those that were adapted to a corpus here, or of those that were not; None if none is."""
        return next((choice for choice in self.choices if (Flag.ADAPTED in choice.flags) == adapted), None)

    @property
    def ties(self) -> tuple[Choice, ...]:
        """The other choices that may be the best as well as the pick."""
        pick = next((choice for choice in self.choices if choice.candidate == self.pick), None)
        if pick is None or not pick.may_be_best:
            return ()
        return tuple(choice for choice in self.choices if choice is not pick and choice.may_be_best)


@dataclass(frozen=True, kw_only=True)
class _Contender:
    """A candidate with its usable rows by corpus (scored, not trained on it) and the reasons against it.

    Attributes:
        affordable: Whether it keeps to the limits of latency, size and licence.
    """

    verification: Verification
    rows: dict[str, LeaderboardRow]
    latency_ms: float | None
    latency_from: OtherLatency | None
    cost_per_hour: float | None
    reasons: tuple[str, ...]
    affordable: bool

    @property
    def costs(self) -> tuple[float, float]:
        """Latency and size, infinity where unknown."""
        known = (self.latency_ms, self.verification.size_mb)
        latency, size = (math.inf if cost is None else cost for cost in known)
        return latency, size


def recommend(
    leaderboard: Leaderboard,
    record: RunRecord,
    predictions: FindPredictions,
    constraints: Constraints,
    *,
    latencies: Mapping[str, OtherLatency] = MappingProxyType({}),
) -> Recommendation:
    """Choose among the candidates of a run.

    Args:
        predictions: Finds the stored predictions of a setup, as for `score_run`.
        latencies: By candidate, latencies on `latency_device` for those that the run did not time there.

    Raises:
        RequestError: A corpus that is asked for is not one of the run's.
    """
    considered = considered_corpora(leaderboard, record, constraints)
    corpora, problem = ((), considered) if isinstance(considered, str) else (considered, None)
    device = latency_device(leaderboard, constraints)
    contenders = [
        _contender(leaderboard, own, corpora, constraints, device, latencies.get(own.candidate))
        for own in record.verifications
    ]
    basis = _basis([contender for contender in contenders if not contender.reasons], corpora)
    stored = {corpus.name: corpus for corpus in record.corpora}
    on_basis = [corpus_evaluations(record, stored[corpus.name], predictions) for corpus in basis]
    reasons = {
        contender.verification.candidate: contender.reasons or score_reasons(contender.rows, basis, constraints)
        for contender in contenders
    }
    regrets = _regrets([own for own in contenders if not reasons[own.verification.candidate]], on_basis)
    if constraints.within is not None:
        reasons |= {name: regret_reasons(regret, constraints.within) for name, regret in regrets.items()}
    eligible = [own for own in contenders if not reasons[own.verification.candidate]]
    choices = _choices(eligible, basis, regrets, by_cost=constraints.within is not None)
    if problem is None and not choices:
        problem = "No candidate of this run keeps to all that was asked for; what speaks against each stands below."
    pick = choices[0].candidate if choices else None
    expected = _expected(contenders, on_basis, pick, constraints)
    return Recommendation(
        constraints=constraints,
        corpora=tuple(corpus.name for corpus in basis),
        device=device if constraints.device or any(own.latency_ms for own in contenders) else None,
        pick=pick,
        problem=problem,
        choices=choices,
        excluded=tuple(Exclusion(candidate=name, reasons=own) for name, own in reasons.items() if own),
        expected_uar={name: uar for name, (uar, _) in expected.items()},
        expected_uar_low={name: interval.low for name, (_, interval) in expected.items()},
        expected_uar_high={name: interval.high for name, (_, interval) in expected.items()},
        few_speakers=_few_speakers(basis),
        gaps=leaderboard.gaps,
        price_per_hour=leaderboard.price_per_hour,
    )


def _few_speakers(corpora: Sequence[CorpusSummary]) -> dict[str, int]:
    speakers = {corpus.name: corpus.speakers for corpus in corpora}
    return {name: number for name, number in speakers.items() if too_few_to_choose(number)}


def latency_device(leaderboard: Leaderboard, constraints: Constraints) -> str:
    """The device whose latencies count: the one that is asked for, else the CPU if anything was timed there."""
    timed = [row.device for row in leaderboard.rows if row.latency_p50_ms is not None and row.device is not None]
    return constraints.device or (_DEFAULT_DEVICE if _DEFAULT_DEVICE in timed else next(iter(timed), _DEFAULT_DEVICE))


def _contender(
    leaderboard: Leaderboard,
    verification: Verification,
    corpora: Sequence[CorpusSummary],
    constraints: Constraints,
    device: str,
    other: OtherLatency | None,
) -> _Contender:
    own = [row for row in leaderboard.rows if row.candidate == verification.candidate]
    deciding = {corpus: row for (_, corpus), row in deciding_rows(own).items()}
    rows = {corpus.name: deciding[corpus.name] for corpus in corpora if corpus.name in deciding}
    times = (row.latency_p50_ms for row in own if row.device == device and row.latency_p50_ms is not None)
    own_ms = next(times, None)
    if own_ms is not None:
        other = None
    latency_ms = own_ms if other is None else other.p50_ms
    segment_s = leaderboard.segment_s if other is None else other.segment_s
    reasons = disqualifying_reasons(leaderboard, verification.candidate, rows)
    too_expensive = resource_reasons(verification, latency_ms, device, constraints) if rows else ()
    return _Contender(
        verification=verification,
        rows={corpus: row for corpus, row in rows.items() if row.uar_low is not None and row.seen != "yes"},
        latency_ms=latency_ms,
        latency_from=other,
        cost_per_hour=cost_per_hour(leaderboard.price_per_hour, latency_ms, segment_s),
        reasons=(*reasons, *too_expensive),
        affordable=not too_expensive,
    )


def _basis(able: Sequence[_Contender], corpora: Sequence[CorpusSummary]) -> tuple[CorpusSummary, ...]:
    """The corpora with usable rows of all contenders; without such, the one with usable rows of most."""
    if not able:
        return ()
    shared = tuple(corpus for corpus in corpora if all(corpus.name in contender.rows for contender in able))
    return shared or (max(corpora, key=lambda corpus: sum(corpus.name in contender.rows for contender in able)),)


def _contests(contenders: Sequence[_Contender], corpora: Sequence[CorpusEvaluations]) -> list[Contest] | None:
    """The counts of candidates on corpora; None where there are none, or speakers cannot be left out in turn."""
    contests = []
    for corpus in corpora if contenders else ():
        own = [corpus.of(contender.verification.candidate)[0].compared.counts for contender in contenders]
        counts = [speakers for speakers in own if speakers is not None]
        clips = counts[0].clips if counts else np.empty((0, 0), dtype=np.int64)
        same = len(counts) == len(own) and all(np.array_equal(other.clips, clips) for other in counts)
        if not same or not speakers_can_be_left_out(clips):
            return None
        contests.append(Contest.of(counts))
    return contests or None


def _regrets(contenders: Sequence[_Contender], corpora: Sequence[CorpusEvaluations]) -> dict[str, float | None]:
    """How much UAR each can cost at most, compared with the best of them, on the corpus where that is most."""
    names = [contender.verification.candidate for contender in contenders]
    contests = _contests(contenders, corpora)
    if contests is None:
        return dict.fromkeys(names)
    everybody = np.ones(len(names), dtype=np.bool_)
    regrets = np.max([contest.regrets(everybody) for contest in contests], axis=0)
    return dict(zip(names, regrets.tolist(), strict=True))


def _expected(
    contenders: Sequence[_Contender],
    corpora: Sequence[CorpusEvaluations],
    pick: str | None,
    constraints: Constraints,
) -> dict[str, tuple[float, Interval]]:
    """What to expect of the pick by corpus: the rule is applied to all that could be picked from other speakers."""
    names = [corpus.summary.name for corpus in corpora]
    able = [own for own in contenders if own.affordable and all(name in own.rows for name in names)]
    contests = _contests(able, corpora)
    if pick is None or contests is None:
        return {}
    candidates = [contender.verification.candidate for contender in able]
    index = candidates.index(pick)
    rule = SelectionRule(
        costs=[contender.costs for contender in able],
        min_uar=constraints.min_uar or 0.0,
        within=constraints.within,
        is_useless=_useless(candidates, corpora),
    )
    expected = {}
    for number, name in enumerate(names):
        row = able[index].rows[name]
        low, high = (row.ranking_uar if end is None else end for end in (row.uar_low, row.uar_high))
        own = Interval(low or 0.0, high or 0.0, IntervalMethod.SPEAKERS)
        expected[name] = expected_score(contests, number, rule, index, own)
    return expected


def _useless(
    candidates: Sequence[str], corpora: Sequence[CorpusEvaluations]
) -> Callable[[int, int, NDArray[np.bool_]], bool]:
    """Whether a candidate's answers to some of the speakers are `collapsed` or `label-permuted`.

    The rule itself demands a lower bound of UAR above guessing, so that `at-chance` need not be tested anew.
    """

    @cache
    def is_flagged(candidate: int, corpus: int, chosen: bytes) -> bool:
        own = corpora[corpus].of(candidates[candidate])[0].compared
        own = own.of_speakers(np.frombuffer(chosen, dtype=np.bool_))
        variety = diversity(own.answers)
        if variety is not None and variety.collapsed:
            return True
        return bool(label_permutation(own.decisions, own.speakers, covered_emotions(own.answers)))

    return lambda candidate, corpus, chosen: is_flagged(candidate, corpus, chosen.tobytes())


def _choices(
    contenders: Sequence[_Contender],
    basis: Sequence[CorpusSummary],
    regrets: Mapping[str, float | None],
    *,
    by_cost: bool,
) -> tuple[Choice, ...]:
    """The choices, the pick first: in the order of their quality, or of their costs."""
    if not contenders:
        return ()
    rows = [{corpus.name: contender.rows[corpus.name] for corpus in basis} for contender in contenders]
    scores, lows = (
        np.array([[getattr(row, column) for row in own.values()] for own in rows], dtype=np.float64).T
        for column in ("ranking_uar", "uar_low")
    )
    qualities = mean_quality(scores, lows, [1 / len(corpus.compared_emotions) for corpus in basis]).tolist()
    costs = [contender.costs for contender in contenders]
    front = pareto_front(np.array([(-quality, *cost) for quality, cost in zip(qualities, costs, strict=True)]))

    def order(index: int) -> tuple[float, ...]:
        return (*costs[index], -qualities[index]) if by_cost else (-qualities[index], *costs[index])

    return tuple(
        _choice(
            contenders[index],
            rows[index],
            quality=qualities[index],
            regret_high=regrets[contenders[index].verification.candidate],
            on_front=bool(front[index]),
        )
        for index in sorted(range(len(contenders)), key=order)
    )


def _choice(contender: _Contender, rows: Mapping[str, LeaderboardRow], **fields: object) -> Choice:
    """A contender as a choice on the corpora of its rows; `fields` are those that depend on the others."""
    verification = contender.verification
    content = {
        "candidate": verification.candidate,
        "revision": verification.revision,
        "uar": {name: row.ranking_uar for name, row in rows.items() if row.ranking_uar is not None},
        "uar_low": {name: row.uar_low for name, row in rows.items() if row.uar_low is not None},
        "latency_p50_ms": contender.latency_ms,
        "latency_from": contender.latency_from,
        "cost_per_hour": contender.cost_per_hour,
        "size_mb": verification.size_mb,
        "license": verification.license,
        "ranks": {name: row.rank for name, row in rows.items() if row.rank is not None},
        "may_be_best": all(row.may_be_best for row in rows.values()),
        "flags": tuple(dict.fromkeys(flag for row in rows.values() for flag in row.flags)),
    }
    return Choice.model_validate(content | fields)


def pareto_front(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each row is dominated by no other, shape (candidates,).

    Row a dominates row b where a is nowhere larger and somewhere smaller. Equal rows do not dominate each other.

    Args:
        costs: Shape (candidates, criteria), smaller is better; infinity for unknown costs, so that such a candidate is
            on the front by its other criteria only.

    Examples:
        >>> pareto_front(np.array([[1.0, 5.0], [2.0, 2.0], [3.0, 3.0]])).tolist()
        [True, True, False]
    """
    nowhere_larger = (costs[:, None, :] <= costs[None, :, :]).all(axis=2)
    somewhere_smaller = (costs[:, None, :] < costs[None, :, :]).any(axis=2)
    return np.asarray(~(nowhere_larger & somewhere_smaller).any(axis=0), dtype=np.bool_)
