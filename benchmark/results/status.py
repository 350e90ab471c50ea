"""The words of a verdict: what can be said of a candidate, and which of several findings decides."""

from enum import StrEnum


class Verdict(StrEnum):
    """Whether a candidate can be used."""

    USABLE = "usable"
    UNDECIDED = "undecided"
    REJECTED = "rejected"


class Status(StrEnum):
    """Why a verdict is what it is, in one word.

    The order is the order of precedence: where several apply, the first one decides.
    """

    NOT_FOUND = "not-found"
    GATED = "gated"
    UNREACHABLE = "unreachable"
    CUSTOM_CODE = "custom-code"
    CUSTOM_INTERFACE = "custom-interface"
    INVALID_CONFIG = "invalid-config"
    UNSUPPORTED_ARCHITECTURE = "unsupported-architecture"
    DIMENSIONAL = "dimensional"
    WRONG_TASK = "wrong-task"
    NO_HEAD = "no-head"
    RANDOM_HEAD = "random-head"
    UNNAMED_LABELS = "unnamed-labels"
    NOT_EMOTION = "not-emotion"
    UNSAFE_WEIGHTS = "unsafe-weights"
    LOAD_FAILED = "load-failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed-out"
    OUT_OF_MEMORY = "out-of-memory"
    BROKEN_OUTPUT = "broken-output"
    SKIPPED = "skipped"
    INSPECTED = "inspected"
    REPAIRED = "repaired"
    USABLE = "usable"

    @property
    def verdict(self) -> Verdict:
        """The verdict that this status stands for.

        Examples:
            >>> Status.RANDOM_HEAD.verdict
            <Verdict.REJECTED: 'rejected'>
            >>> Status.REPAIRED.verdict
            <Verdict.USABLE: 'usable'>
        """
        if self in {Status.USABLE, Status.REPAIRED}:
            return Verdict.USABLE
        if self in {Status.UNREACHABLE, Status.SKIPPED, Status.INSPECTED}:
            return Verdict.UNDECIDED
        return Verdict.REJECTED

    @property
    def precedence(self) -> int:
        """The place in the order of precedence; smaller decides."""
        return list(Status).index(self)
