"""The user's own metrics beside the scores: computed by whoever is given, since scoring itself runs no foreign code."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from benchmark.results.leaderboard import LeaderboardRow
from benchmark.scoring.corpus_board import CorpusBoard
from benchmark.scoring.decisions import Decisions
from benchmark.scoring.evaluated import StoredEvaluation

NO_SUCH_EMOTION = "none of these"


class Metric(Protocol):
    """Something that turns answers into named numbers."""

    def compute(self, truth: Sequence[int], answers: Sequence[int], names: Sequence[str]) -> Mapping[str, float | None]:
        """Score answers.

        Args:
            truth: The place in `names` of each clip's emotion.
            answers: The place of each answer.
            names: The corpus's emotions, and `none of these` behind them for answers that are none of them.

        Returns:
            Numbers by name; the names are columns.
        """


def with_metrics(board: CorpusBoard, rows: Sequence[LeaderboardRow], metrics: Sequence[Metric]) -> list[LeaderboardRow]:
    """Add what the metrics say to the scored rows of one corpus.

    Args:
        board: What the candidates said.
        rows: Its rows.
        metrics: The user's metrics.
    """
    if not metrics:
        return list(rows)
    numbers = {id(one): _numbers(one.decisions, metrics) for one in board.evaluated if one.complete}
    return [
        row if row.uar is None else row.model_copy(update={"metrics": numbers.get(id(_evaluation_of(row, board)), {})})
        for row in rows
    ]


def _numbers(decisions: Decisions, metrics: Sequence[Metric]) -> dict[str, float | None]:
    if decisions.truth.size == 0:
        return {}
    names = (*decisions.emotions, NO_SUCH_EMOTION)
    found: dict[str, float | None] = {}
    for metric in metrics:
        found |= metric.compute(decisions.truth.tolist(), decisions.answers.tolist(), names)
    return found


def _evaluation_of(row: LeaderboardRow, board: CorpusBoard) -> StoredEvaluation | None:
    """The evaluation whose scores a row shows: that of its own setting, else the one that decides."""
    own = board.of(row.candidate)
    for one in own:
        setup = one.evaluation.setup
        if (setup.device, setup.backend, setup.dtype) == (row.device, row.backend, row.dtype):
            return one
    return own[0] if own else None
