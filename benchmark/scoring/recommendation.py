"""The choice of a candidate: which may be chosen at all, which are on the Pareto front, and the pick.

Quality is the lower bound of the open UAR, not its estimate: a candidate that was tested on few speakers has to be
better to be picked. Over several corpora it is the lower bound of the mean of (UAR − 1/K)/(1 − 1/K), over those that
all candidates in question were evaluated on and not trained on. Without labels nothing is recommended.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import computed_field

from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow, deciding_rows
from benchmark.results.runs import RunRecord
from benchmark.results.schema import Stored
from benchmark.results.verification import Verification
from benchmark.scoring.constraints import (
    Constraints,
    considered_corpora,
    disqualifying_reasons,
    resource_reasons,
    score_reasons,
)
from benchmark.scoring.flags import Flag
from benchmark.scoring.metrics import adjusted_uar

_DEFAULT_DEVICE = "cpu"


class Choice(Stored):
    """A candidate that may be chosen.

    Attributes:
        quality: The lower bound of UAR, 0 for guessing and 1 for perfection; over several corpora, that of their mean.
        uar: Open UAR by corpus.
        latency_p50_ms: Median time of one segment on the device; None where it was not measured.
        license: As the repository declares it.
        ranks: Its rank by corpus, where it has one.
        on_front: Whether no other choice is at least as good in quality, latency and size, and better in one.
        flags: What a reader has to know before believing its scores.
    """

    candidate: str
    revision: str | None
    quality: float
    uar: dict[str, float]
    uar_low: dict[str, float]
    latency_p50_ms: float | None
    size_mb: float | None
    license: str | None
    ranks: dict[str, int]
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
        pick: The choice with the highest quality.
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
    gaps: str = ""

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
        """The other choices that have the pick's rank on every corpus: not distinguishable from it in quality."""
        pick = next((choice for choice in self.choices if choice.candidate == self.pick), None)
        if pick is None or set(pick.ranks) != set(self.corpora):
            return ()
        return tuple(choice for choice in self.choices if choice is not pick and choice.ranks == pick.ranks)


@dataclass(frozen=True, kw_only=True)
class _Contender:
    """A candidate with its usable rows by corpus (scored, not trained on it) and the reasons against it."""

    verification: Verification
    rows: dict[str, LeaderboardRow]
    latency_ms: float | None
    reasons: tuple[str, ...]


def recommend(leaderboard: Leaderboard, record: RunRecord, constraints: Constraints) -> Recommendation:
    """Choose among the candidates of a run.

    Raises:
        RequestError: A corpus that is asked for is not one of the run's.
    """
    considered = considered_corpora(leaderboard, record, constraints)
    corpora, problem = ((), considered) if isinstance(considered, str) else (considered, None)
    device = constraints.device or _timed_device(leaderboard)
    contenders = [_contender(leaderboard, own, corpora, constraints, device) for own in record.verifications]
    basis = _basis([contender for contender in contenders if not contender.reasons], corpora)
    excluded, eligible = [], []
    for contender in contenders:
        reasons = contender.reasons or score_reasons(contender.rows, basis, constraints)
        if reasons:
            excluded.append(Exclusion(candidate=contender.verification.candidate, reasons=reasons))
        else:
            eligible.append(contender)
    choices = _choices(eligible, basis)
    if problem is None and not choices:
        problem = "No candidate of this run keeps to all that was asked for; what speaks against each stands below."
    return Recommendation(
        constraints=constraints,
        corpora=tuple(corpus.name for corpus in basis),
        device=device,
        pick=choices[0].candidate if choices else None,
        problem=problem,
        choices=choices,
        excluded=tuple(excluded),
        gaps=leaderboard.gaps,
    )


def _timed_device(leaderboard: Leaderboard) -> str | None:
    timed = [row.device for row in leaderboard.rows if row.latency_p50_ms is not None and row.device is not None]
    return _DEFAULT_DEVICE if _DEFAULT_DEVICE in timed else next(iter(timed), None)


def _contender(
    leaderboard: Leaderboard,
    verification: Verification,
    corpora: Sequence[CorpusSummary],
    constraints: Constraints,
    device: str | None,
) -> _Contender:
    own = [row for row in leaderboard.rows if row.candidate == verification.candidate]
    deciding = {corpus: row for (_, corpus), row in deciding_rows(own).items()}
    rows = {corpus.name: deciding[corpus.name] for corpus in corpora if corpus.name in deciding}
    times = (row.latency_p50_ms for row in own if row.device == device and row.latency_p50_ms is not None)
    latency_ms = next(times, None)
    reasons = disqualifying_reasons(leaderboard, verification.candidate, rows)
    if rows:
        reasons += resource_reasons(verification, latency_ms, device, constraints)
    return _Contender(
        verification=verification,
        rows={corpus: row for corpus, row in rows.items() if row.uar_low is not None and row.seen != "yes"},
        latency_ms=latency_ms,
        reasons=reasons,
    )


def _basis(able: Sequence[_Contender], corpora: Sequence[CorpusSummary]) -> tuple[CorpusSummary, ...]:
    """The corpora with usable rows of all contenders; without such, the one with usable rows of most."""
    if not able:
        return ()
    shared = tuple(corpus for corpus in corpora if all(corpus.name in contender.rows for contender in able))
    return shared or (max(corpora, key=lambda corpus: sum(corpus.name in contender.rows for contender in able)),)


def _choices(contenders: Sequence[_Contender], basis: Sequence[CorpusSummary]) -> tuple[Choice, ...]:
    if not contenders:
        return ()
    qualities = [_quality(contender, basis) for contender in contenders]
    costs = [
        (-quality, *(math.inf if cost is None else cost for cost in (own.latency_ms, own.verification.size_mb)))
        for own, quality in zip(contenders, qualities, strict=True)
    ]
    front = pareto_front(np.array(costs))
    choices = []
    for index in sorted(range(len(contenders)), key=lambda index: costs[index]):
        contender, verification = contenders[index], contenders[index].verification
        rows = {corpus.name: contender.rows[corpus.name] for corpus in basis}
        choices.append(
            Choice(
                candidate=verification.candidate,
                revision=verification.revision,
                quality=qualities[index],
                uar={name: row.uar for name, row in rows.items() if row.uar is not None},
                uar_low={name: row.uar_low for name, row in rows.items() if row.uar_low is not None},
                latency_p50_ms=contender.latency_ms,
                size_mb=verification.size_mb,
                license=verification.license,
                ranks={name: row.rank for name, row in rows.items() if row.rank is not None},
                on_front=bool(front[index]),
                flags=tuple(dict.fromkeys(flag for row in rows.values() for flag in row.flags)),
            )
        )
    return tuple(choices)


def _quality(contender: _Contender, basis: Sequence[CorpusSummary]) -> float:
    """The lower bound of the mean adjusted UAR, as for the summary over corpora: mean − √Σ(θ − low)² / C."""
    scores, lows = [], []
    for corpus in basis:
        row, emotions = contender.rows[corpus.name], len(corpus.emotion_clips)
        scores.append(adjusted_uar(row.uar, emotions) or 0.0)
        lows.append(adjusted_uar(row.uar_low, emotions) or 0.0)
    return (sum(scores) - math.dist(scores, lows)) / len(basis)


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
