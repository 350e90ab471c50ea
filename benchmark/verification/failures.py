"""What it means for a candidate that a worker did not get to an answer."""

from pydantic import JsonValue

from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.workers.answers import Crashed, Failure, OutOfMemory, Raised, TimedOut

_LONGEST_MESSAGE = 300
_STATUSES = {
    Raised: Status.LOAD_FAILED,
    Crashed: Status.CRASHED,
    TimedOut: Status.TIMED_OUT,
    OutOfMemory: Status.OUT_OF_MEMORY,
}


def unforeseen(error: Exception) -> Finding:
    """Say that bench itself failed at a candidate; such a verdict is not kept.

    Examples:
        >>> unforeseen(MemoryError()).status.value, unforeseen(KeyError("x")).reason
        ('out-of-memory', "Bench itself failed at it, which says nothing about the model: KeyError: 'x'.")
    """
    message = " ".join(f"{type(error).__name__}: {error}".removesuffix(": ").split())[:_LONGEST_MESSAGE]
    if isinstance(error, MemoryError):
        reason = "This machine had no memory left to look at it; fewer --jobs take less."
        return Finding(status=Status.OUT_OF_MEMORY, reason=reason, evidence={"message": message})
    reason = f"Bench itself failed at it, which says nothing about the model: {message}."
    return Finding(status=Status.CRASHED, reason=reason, evidence={"message": message})


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
