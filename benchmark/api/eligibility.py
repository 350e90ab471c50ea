"""Whether anybody of a run is left to report on; nothing that runs a model is imported for it."""

from collections import Counter

from benchmark.errors import EXIT_UNMET
from benchmark.results.runs import RunRecord
from benchmark.results.status import Verdict


def judge_report(record: RunRecord) -> tuple[int, tuple[str, ...]]:
    """Find out whether there is anything to report on.

    Args:
        record: The run, as far as it is reported on.

    Returns:
        What to exit with, and why that is not 0, in sentences for a person.
    """
    return (0, ()) if record.evaluations else (EXIT_UNMET, (_why_nobody_was_eligible(record),))


def _why_nobody_was_eligible(record: RunRecord) -> str:
    emotions = [len(each.emotion_classes) for each in record.verifications if each.verdict is Verdict.USABLE]
    if not emotions:
        statuses = Counter(each.status for each in record.verifications)
        found = ", ".join(f"{number} {status}" for status, number in statuses.items())
        return (
            f"No candidate was eligible: none is usable ({found}), and verification.md says why. Name others with "
            "--model or --candidates."
        )
    return (
        f"No candidate was eligible: none is usable with at least {record.min_emotions} emotions "
        f"(the most that a usable one distinguishes is {max(emotions)}). Lower --min-emotions or add candidates."
    )
