"""How to read the reports: what columns, intervals and flags mean, one sentence each."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_tables import is_rebuilt
from benchmark.reporting.markdown import bullets, section
from benchmark.results.leaderboard import LeaderboardRow
from benchmark.results.leaderboard_columns import Shown, shown_in
from benchmark.scoring.flags import FLAG_MEANINGS


class IntervalKind(NamedTuple):
    """The words for one kind of interval."""

    name: str
    meaning: str


INTERVALS: Mapping[str, IntervalKind] = MappingProxyType(
    {
        "speakers": IntervalKind("95 % interval over speakers", "what could change if other people spoke."),
        "wilson": IntervalKind("95 % interval by Wilson's formula", "for scores without any spread over speakers."),
        "clips": IntervalKind(
            "95 % interval over clips",
            "clips of one speaker are not independent, so that it is narrower than the truth; nothing is ranked by it.",
        ),
    }
)
"""The kinds of intervals, by their names in the column `interval`."""


def legend(rows: Sequence[LeaderboardRow]) -> list[str]:
    """Explain the columns, intervals and flags that occur in tables of these rows."""
    tables = (Shown.RIGHTNESS, Shown.VARIETY, Shown.SPEED)
    columns = [
        f"**{column.legend_title or column.title}**: {column.meaning}"
        for column in dict.fromkeys(column for table in tables for column in shown_in(table))
        if Shown.LEGEND in column.shown and any(getattr(row, column.field) not in {None, 0} for row in rows)
    ]
    if not columns:
        return []
    intervals = [
        f"**[low–high]**, {kind}: {interval.name}: {interval.meaning}"
        for kind, interval in INTERVALS.items()
        if any(row.interval == kind for row in rows)
    ]
    repaired = [
        "**(repaired)**: a known non-standard head was rebuilt from the checkpoint's own weights; that it is the right "
        "one is an assumption."
    ]
    occurring = dict.fromkeys(flag for row in rows for flag in row.flags)
    flags = [f"**{markdown_text(flag)}**: {FLAG_MEANINGS[flag]}" for flag in occurring if flag in FLAG_MEANINGS]
    return [
        "## How to read this",
        bullets(columns + intervals + (repaired if any(map(is_rebuilt, rows)) else [])),
        *section("Flags in these tables:", bullets(flags)),
        "Fractions are 0 to 1. – is unknown, or not measured often enough to be said. `leaderboard.csv` and "
        "`leaderboard.json` have every number in full.",
    ]
