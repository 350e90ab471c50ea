"""What `leaderboard.md` says of clips that a candidate could not process."""

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.numbers import counted
from benchmark.reporting.tables import bullets
from benchmark.results.failed_clips import FailedClips
from benchmark.results.leaderboard import Leaderboard

_LISTED_REASONS = 10


def failed_clips_list(leaderboard: Leaderboard, corpus: str) -> list[str]:
    """List which candidate could not process how many clips of a corpus, and why.

    Args:
        leaderboard: The scored run.
        corpus: What tables call it.

    Returns:
        Blocks of Markdown; none where every candidate could process every clip.
    """
    found = [failed for failed in leaderboard.failed_clips if failed.corpus == corpus]
    if not found:
        return []
    more = len(found) - _LISTED_REASONS
    lines = [*map(_line, found[:_LISTED_REASONS]), *([f"{counted(more, 'reason')} more"] if more > 0 else [])]
    return [
        "Clips that a candidate could not process count as answered wrongly by it (`failed_clips` in "
        "`leaderboard.json`):",
        bullets(lines),
    ]


def _line(failed: FailedClips) -> str:
    such = "" if not failed.examples else f", such as {markdown_text(failed.examples[0])}"
    clips = counted(failed.clips, "clip")
    return f"**{markdown_text(failed.candidate)}**: {clips}{such}: {markdown_text(failed.reason)}"
