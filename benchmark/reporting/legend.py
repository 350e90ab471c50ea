"""What the words of a report mean, one sentence each, for somebody who reads one for the first time."""

from collections.abc import Sequence
from types import MappingProxyType

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.markdown import bullets
from benchmark.results.leaderboard import LeaderboardRow
from benchmark.scoring.flags import FLAG_MEANINGS

COLUMN_MEANINGS = MappingProxyType(
    {
        "rank": "1 + the number of candidates that are significantly better; equal ranks are ties, not coincidences. "
        "Without a rank (–), a row is not part of the ranking; its flags say why.",
        "UAR": "unweighted average recall: the mean, over the corpus's emotions, of the share of clips answered "
        "rightly. What a model cannot express, it gets wrong.",
        "accuracy": "the share of all scored clips that is answered rightly; compare it with *majority*.",
        "majority": "the accuracy of always answering the corpus's most frequent emotion, without listening.",
        "macro-F1": "the mean, over the corpus's emotions, of the harmonic mean of precision and recall.",
        "common UAR": "UAR over the emotions that all ranked candidates can express: the fair side-by-side.",
        "shared UAR": "UAR over the emotions that this candidate can express; candidates face different questions "
        "in it, so that it never ranks.",
        "coverage": "the share of clips whose emotion the candidate can express at all.",
        "soft CE": "cross-entropy of its probabilities against the shares of the raters' votes, in nats; lower is "
        "better. A probability below one in a million counts as that.",
        "soft JSD": "Jensen–Shannon divergence of the two, to base 2: 0 means the same, 1 nothing in common.",
        "failed": "clips that could not be read (excluded for all) or that this candidate could not process "
        "(counted as answered wrongly).",
        "seen": "whether the candidate was trained on this corpus; *unknown* means that nobody declared it.",
        "emotions": "how many distinct classes the candidate has names for.",
        "effective": "how many emotions its answers amount to: exp of their entropy. 1 means always the same answer.",
        "informative": "how many emotions it really tells apart, judged by its probabilities.",
        "top answer": "its most frequent answer, with the share of clips that get it.",
        "ECE": "expected calibration error: how far, on average, its probabilities lie from how often it is right.",
        "p50, p90, p99": "the time that half, 90 % and 99 % of single calls stay below, from samples to "
        "probabilities, in ms.",
        "RTFx": "seconds of audio processed per second of wall time, at the median.",
        "memory": "the largest memory of its process in MB (10⁶ bytes); on a GPU, of the GPU.",
    }
)
"""What the columns of a leaderboard mean, by their headings in Markdown."""


INTERVAL_NAMES = MappingProxyType(
    {
        "speakers": "95 % interval over speakers",
        "wilson": "95 % interval by Wilson's formula",
        "clips": "95 % interval over clips",
    }
)
"""What the kinds of intervals are called, by their names in the column `interval`."""


INTERVAL_MEANINGS = MappingProxyType(
    {
        "speakers": "what could change if other people spoke.",
        "wilson": "for scores without any spread over speakers.",
        "clips": "clips of one speaker are not independent, so that it is narrower than the truth; nothing is ranked "
        "by it.",
    }
)
"""What the kinds of intervals mean, by their names in the column `interval`."""


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
