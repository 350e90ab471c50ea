"""The part of a leaderboard that belongs to one corpus: its rows, best first."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.results.inference import LatencyMeasurement
from benchmark.results.leaderboard import CorpusSummary, LeaderboardRow
from benchmark.results.verification import Verification
from benchmark.scoring.evaluated import StoredEvaluation
from benchmark.scoring.flags import Flag
from benchmark.scoring.rows import scored_row, unscored_row, with_latency
from benchmark.scoring.standings import Standings, rank_corpus

REFERENCE_DEVICE = "cpu"
REFERENCE_BACKEND = "torch"
REFERENCE_DTYPE = "float32"


@dataclass(frozen=True, eq=False, kw_only=True)
class CorpusBoard:
    """What the candidates said to one corpus.

    Attributes:
        summary: The corpus.
        evaluated: The evaluations on it, in the record's order.
        loose: Whether a coarse label of the corpus stands for an emotion.
    """

    summary: CorpusSummary
    evaluated: tuple[StoredEvaluation, ...]
    loose: bool

    def of(self, candidate: str) -> tuple[StoredEvaluation, ...]:
        """The candidate's evaluations, the one that decides its rank first: whole, then the reference inference."""
        own = [one for one in self.evaluated if one.evaluation.candidate == candidate]
        return tuple(sorted(own, key=_distance_from_reference))


@dataclass(frozen=True)
class _Setting:
    device: str | None
    backend: str | None
    dtype: str | None


def corpus_rows(
    board: CorpusBoard,
    candidates: Sequence[Verification],
    latencies: Sequence[LatencyMeasurement],
    *,
    rank_seen: bool = False,
) -> list[LeaderboardRow]:
    """All rows of one corpus: by rank, then by open UAR; those without a rank after those with one.

    A candidate has one row per device, backend and number format that it was evaluated or timed on. Right and wrong
    do not depend on the device, so that a device it was only timed on shows the scores of its evaluation.

    Args:
        board: What the candidates said.
        candidates: Those that the run evaluated on any corpus.
        latencies: All timings of the run.
        rank_seen: Rank candidates that were trained on the corpus, too.
    """
    deciding = [own[0] for verification in candidates if (own := board.of(verification.candidate))]
    standings = rank_corpus(deciding, rank_seen=rank_seen)
    blocks = [_candidate_rows(board, verification, latencies, standings) for verification in candidates]
    return [row for block in sorted(blocks, key=lambda rows: _place(rows[0])) for row in block]


def _candidate_rows(
    board: CorpusBoard, verification: Verification, latencies: Sequence[LatencyMeasurement], standings: Standings
) -> list[LeaderboardRow]:
    own = board.of(verification.candidate)
    scored = [scored_row(one, board.summary, standings, loose=board.loose) for one in own]
    rows = {_setting(row): row for row in scored}
    for measurement in latencies:
        if measurement.candidate != verification.candidate:
            continue
        setting = _Setting(measurement.device, measurement.backend, measurement.dtype)
        row = rows.get(setting) or _borrowed(scored, measurement.dtype) or _only_timed(board, verification, bool(own))
        rows[setting] = with_latency(row, measurement)
    ordered = [rows.pop(_setting(row)) for row in scored if _setting(row) in rows]
    return [*ordered, *rows.values()] or [unscored_row(verification, board.summary)]


def _borrowed(scored: Sequence[LeaderboardRow], dtype: str) -> LeaderboardRow | None:
    return next((row for row in scored if row.dtype == dtype), None)


def _only_timed(board: CorpusBoard, verification: Verification, evaluated: bool) -> LeaderboardRow:
    row = unscored_row(verification, board.summary)
    if not evaluated:
        return row
    return row.model_copy(update={"clips": None, "failed_clips": None, "flags": (Flag.LATENCY_ONLY.value,)})


def _setting(row: LeaderboardRow) -> _Setting:
    return _Setting(row.device, row.backend, row.dtype)


@dataclass(frozen=True, order=True)
class _Place:
    unranked: bool
    rank: int
    unscored: bool
    below_perfect: float


def _place(row: LeaderboardRow) -> _Place:
    return _Place(row.rank is None, row.rank or 0, row.uar is None, 1 - (row.uar or 0.0))


def _distance_from_reference(one: StoredEvaluation) -> int:
    setup = one.evaluation.setup
    reference = setup.device, setup.backend, setup.dtype
    differences = sum(
        found != wanted
        for found, wanted in zip(reference, (REFERENCE_DEVICE, REFERENCE_BACKEND, REFERENCE_DTYPE), strict=True)
    )
    return differences + (0 if one.complete else 10)
