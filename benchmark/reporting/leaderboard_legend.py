"""How to read a leaderboard: the columns, intervals and flags that occur in it, and no others."""

from collections.abc import Sequence

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.meanings import COLUMN_MEANINGS, INTERVAL_MEANINGS, INTERVAL_NAMES
from benchmark.reporting.tables import bullets
from benchmark.results.leaderboard import LeaderboardRow
from benchmark.scoring.flags import FLAG_MEANINGS

_FIELDS = {
    "rank": "rank",
    "UAR": "uar",
    "accuracy": "accuracy",
    "majority": "majority_accuracy",
    "macro-F1": "macro_f1",
    "common UAR": "common_uar",
    "shared UAR": "shared_uar",
    "coverage": "coverage",
    "soft CE": "soft_cross_entropy",
    "soft JSD": "soft_jensen_shannon",
    "failed": "failed_clips",
    "seen": "seen",
    "emotions": "emotions",
    "effective": "effective_emotions",
    "informative": "informative_emotions",
    "top answer": "top_emotion",
    "ECE": "ece",
    "p50, p90, p99": "latency_p50_ms",
    "RTFx": "rtfx",
    "memory": "peak_memory_mb",
}


def legend(rows: Sequence[LeaderboardRow]) -> list[str]:
    """Explain what the tables show.

    Args:
        rows: The rows that the tables show.

    Returns:
        Blocks of Markdown; none without rows.
    """
    columns = [
        f"**{title}**: {COLUMN_MEANINGS[title]}"
        for title, field in _FIELDS.items()
        if any(getattr(row, field) not in {None, 0} for row in rows)
    ]
    intervals = [
        f"**[low–high]**, {name}: {INTERVAL_NAMES[name]}: {meaning}"
        for name, meaning in INTERVAL_MEANINGS.items()
        if any(row.interval == name for row in rows)
    ]
    repaired = [
        "**(repaired)**: a known non-standard head was rebuilt from the checkpoint's own weights; that it is the right "
        "one is an assumption."
    ]
    has_repaired = any(row.head not in {None, "", "standard"} for row in rows)
    if not columns:
        return []
    return [
        "## How to read this",
        bullets(columns + intervals + (repaired if has_repaired else [])),
        *_flags(rows),
        "Fractions are 0 to 1. – is unknown, or not measured often enough to be said. `leaderboard.csv` and "
        "`leaderboard.json` have every number in full.",
    ]


def _flags(rows: Sequence[LeaderboardRow]) -> list[str]:
    occurring = dict.fromkeys(flag for row in rows for flag in row.flags)
    explained = [f"**{markdown_text(flag)}**: {FLAG_MEANINGS[flag]}" for flag in occurring if flag in FLAG_MEANINGS]
    return ["Flags in these tables:", bullets(explained)] if explained else []
