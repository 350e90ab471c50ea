"""What it means for a candidate that a worker did not get to an answer."""

import re

from pydantic import JsonValue

from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.workers.answers import Crashed, Failure, OutOfMemory, Raised, TimedOut

_LONGEST_MESSAGE = 300
_REFUSED = "Weights only load failed"
_NEEDED = re.compile(r"(?:unsupported|Unsupported global:) GLOBAL (\S{1,120})|Unsupported operand (\d+)")
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
        `load-failed`, `crashed`, `timed-out` or `out-of-memory`, with what the worker said; `unsafe-weights` where
        torch refuses to read them.

    Examples:
        >>> finding_of(TimedOut(5.0), "Loading it failed").reason
        'Loading it failed: no answer within 5 s.'
        >>> finding_of(Raised("UnpicklingError", "Weights only load failed. … unsupported GLOBAL os.system …", ""), "")
        ... # doctest: +ELLIPSIS
        Finding(status=<Status.UNSAFE_WEIGHTS: 'unsafe-weights'>, reason='...; it needs os.system.', evidence={...})
    """
    evidence: dict[str, JsonValue] = {"message": answer.reason}
    if isinstance(answer, Raised):
        evidence["outer"] = answer.outer
        if answer.message.startswith(_REFUSED):
            return Finding(status=Status.UNSAFE_WEIGHTS, reason=_why_refused(answer.message), evidence=evidence)
    return Finding(status=_STATUSES[type(answer)], reason=f"{what}: {answer.reason.rstrip('.')}.", evidence=evidence)


def _why_refused(message: str) -> str:
    """Say what torch refuses; its own advice is to execute it."""
    match = _NEEDED.search(message)
    needed = f"; it needs {match[1] or f'the instruction {match[2]}'}" if match else ""
    return f"Its weights cannot be used: reading them would execute code from them{needed}."
