"""What `leaderboard.md` says of several corpora together."""

from collections.abc import Sequence

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_tables import RowColumn, candidate_name
from benchmark.reporting.numbers import fraction, is_known, with_interval
from benchmark.reporting.tables import markdown_table
from benchmark.results.leaderboard import ALL_CORPORA, Leaderboard, LeaderboardRow
from benchmark.scoring.flags import Flag


def answer_across_corpora(leaderboard: Leaderboard) -> list[str]:
    """Say in one sentence who is furthest from guessing on average; nothing where there is no summary."""
    best = next((row for row in _summaries(leaderboard) if is_known(row.adjusted_uar)), None)
    if best is None:
        return []
    return [
        f"Over **{_listed(leaderboard)}** together, **{candidate_name(best)}** is furthest from guessing: "
        f"{_above(best)} of the way to perfect on average. This is a summary and no ranking."
    ]


def across_corpora(leaderboard: Leaderboard) -> list[str]:
    """Write the summary over several corpora.

    Args:
        leaderboard: The scored run.

    Returns:
        Blocks of Markdown; none where there is no summary.
    """
    rows = _summaries(leaderboard)
    if not rows:
        return []
    columns = [
        RowColumn("candidate", candidate_name),
        RowColumn("above guessing", _above),
        *(_uar_on(leaderboard, name) for name in leaderboard.summary_corpora),
        RowColumn("flags", lambda row: ", ".join(map(markdown_text, row.flags))),
    ]
    return [
        "## All corpora",
        f"The mean of (UAR − 1/K) / (1 − 1/K) over {_listed(leaderboard)}, each with its own K emotions: 0 is "
        "guessing, 1 is perfect. These are the corpora on which all ranked candidates were scored. "
        f"{_who_has_seen(rows)} Clips are not pooled, and nothing is ranked by it.",
        markdown_table(rows, columns),
    ]


def _who_has_seen(rows: Sequence[LeaderboardRow]) -> str:
    if any(is_known(row.adjusted_uar) and Flag.SEEN in row.flags for row in rows):
        return "Those flagged *seen* were trained on some of them, and count since `--rank-seen` was asked for."
    return "As far as is declared, nobody with a number was trained on any of them."


def _summaries(leaderboard: Leaderboard) -> list[LeaderboardRow]:
    return [row for row in leaderboard.rows if row.corpus == ALL_CORPORA]


def _above(row: LeaderboardRow) -> str:
    return with_interval(row.adjusted_uar, row.adjusted_uar_low, row.adjusted_uar_high)


def _listed(leaderboard: Leaderboard) -> str:
    return ", ".join(map(markdown_text, leaderboard.summary_corpora))


def _uar_on(leaderboard: Leaderboard, corpus: str) -> RowColumn:
    scores: dict[str, float | None] = {}
    for row in leaderboard.rows:
        if row.corpus == corpus:
            scores.setdefault(row.candidate, row.uar)
    return RowColumn(f"UAR {markdown_text(corpus)}", lambda row: fraction(scores.get(row.candidate)), numeric=True)
