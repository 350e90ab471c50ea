"""What it means for a candidate that a worker did not get to an answer."""

from pydantic import JsonValue

from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.workers.answers import Crashed, Failure, OutOfMemory, Raised, TimedOut

_STATUSES = {
    Raised: Status.LOAD_FAILED,
    Crashed: Status.CRASHED,
    TimedOut: Status.TIMED_OUT,
    OutOfMemory: Status.OUT_OF_MEMORY,
}


def finding_of(answer: Failure, what: str) -> Finding:
    """Say what a worker's failure means.

    Args:
        answer: How the worker failed.
        what: What it failed at, as the beginning of a sentence.

    Returns:
        `load-failed`, `crashed`, `timed-out` or `out-of-memory`, with what the worker said.

    Examples:
        >>> finding_of(TimedOut(5.0), "Loading it failed").reason
        'Loading it failed: no answer within 5 s.'
    """
    evidence: dict[str, JsonValue] = {"message": answer.reason}
    if isinstance(answer, Raised):
        evidence["outer"] = answer.outer
    return Finding(status=_STATUSES[type(answer)], reason=f"{what}: {answer.reason}.", evidence=evidence)
