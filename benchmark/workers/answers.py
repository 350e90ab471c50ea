"""The outcome of a call to a worker: a value, or how it failed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmark.workers.messages import GarbledError

_BYTES_PER_GB = 1_000_000_000
_LONGEST_MESSAGE = 500
_UNITS = {"bytes": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "pib": 2**50, "eib": 2**60}
# Faults of what a process computes. Other signals come from outside, such as SIGKILL where memory runs out.
_OWN_FAULTS = frozenset({"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP"})
# What multiprocessing says of a process whose fork server has died, so that its signal is not known.
_UNKNOWN_EXIT_CODE = 255
_OUT_OF_MEMORY_MESSAGES = re.compile(r"can't allocate memory|Unable to allocate|CUDA out of memory|not enough memory")
_REQUESTED = re.compile(r"(?:tried|unable) to allocate ([\d.]+) (bytes|[KMGTPE]iB)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Returned:
    """The method returned.

    Attributes:
        value: Plain data: None, bool, int, float, str, numpy arrays of numbers, and lists and dictionaries of those
            with text as keys. Tuples arrive as lists.
    """

    value: Any


@dataclass(frozen=True)
class Raised:
    """The method, the actor's constructor or its import raised. The full traceback is in the worker's log.

    Attributes:
        kind: Class name of the innermost exception, the one that started it.
        message: Its message, in one line of at most 500 characters; may be empty.
        outer: Class name and message of the exception that arrived, in the same form.
    """

    kind: str
    message: str
    outer: str

    @property
    def reason(self) -> str:
        """What happened, in words for a person."""
        return f"{self.kind}: {self.message}" if self.message else self.kind


@dataclass(frozen=True)
class OutOfMemory:
    """The method requested memory that it could not have; the worker lives on.

    Attributes:
        requested_bytes: The size of the request that failed, where the message contains it.
        limit_bytes: The worker's own limit; None where the machine's memory was the limit.
    """

    requested_bytes: int | None
    limit_bytes: int | None
    message: str

    @property
    def reason(self) -> str:
        """What happened, in words for a person.

        Examples:
            >>> OutOfMemory(requested_bytes=4_000_000_000_000, limit_bytes=None, message="").reason
            'out of memory: asked for 4000.0 GB at once'
            >>> OutOfMemory(requested_bytes=None, limit_bytes=2_000_000_000, message="").reason
            'out of memory: asked for more than its limit of 2.0 GB'
        """
        size = "" if self.requested_bytes is None else f"{self.requested_bytes / _BYTES_PER_GB:.1f} GB"
        if self.limit_bytes is None:
            return f"out of memory: asked for {size + ' at once' if self.requested_bytes else 'more than there is'}"
        limit = f"its limit of {self.limit_bytes / _BYTES_PER_GB:.1f} GB"
        return f"out of memory: asked for {size + ' more, with' if size else 'more than'} {limit}"


@dataclass(frozen=True)
class Crashed:
    """The worker's process ended in the middle of the call: by a signal, such as `SIGSEGV`, or by itself."""

    signal: str | None
    exit_code: int | None

    @property
    def reason(self) -> str:
        """What happened, in words for a person.

        Examples:
            >>> Crashed(signal="SIGSEGV", exit_code=None).reason
            'the worker was ended by SIGSEGV'
            >>> Crashed(signal=None, exit_code=3).reason
            'the worker ended by itself with exit code 3'
        """
        if self.signal == "SIGKILL":
            return "the worker was killed (SIGKILL), by the system where memory runs out, or by a person"
        if self.signal is not None:
            return f"the worker was ended by {self.signal}"
        if self.exit_code is not None:
            return f"the worker ended by itself with exit code {self.exit_code}"
        return "the worker broke off the connection without an answer"

    @property
    def is_from_outside(self) -> bool:
        """Whether the system or a person may have ended it, so that it says nothing about what was computed.

        Examples:
            >>> Crashed(signal="SIGKILL", exit_code=None).is_from_outside
            True
            >>> Crashed(signal="SIGSEGV", exit_code=None).is_from_outside
            False
        """
        if self.signal is not None:
            return self.signal not in _OWN_FAULTS
        return self.exit_code is None or self.exit_code == _UNKNOWN_EXIT_CODE


@dataclass(frozen=True)
class TimedOut:
    """The call exceeded its limit of `seconds`, and the worker was killed with all its own processes."""

    seconds: float

    @property
    def reason(self) -> str:
        """What happened, in words for a person."""
        return f"no answer within {self.seconds:g} s"


class WorkerLostError(Exception):
    """A worker's process ended in the middle of a call: what it did is tried once more, alone on the machine."""

    def __init__(self, crash: Crashed) -> None:
        super().__init__(crash.reason)
        self.crash = crash


Failure = Raised | OutOfMemory | Crashed | TimedOut
Answer = Returned | Failure


def to_plain(answer: Returned | Raised | OutOfMemory) -> dict[str, Any]:
    """Give an answer as plain data, to be sent by a worker."""
    if isinstance(answer, Returned):
        return {"returned": answer.value}
    if isinstance(answer, OutOfMemory):
        return {"out_of_memory": [answer.requested_bytes, answer.limit_bytes, answer.message]}
    return {"raised": [answer.kind, answer.message, answer.outer]}


def from_plain(plain: Any) -> Returned | Raised | OutOfMemory:
    """Take an answer from the plain data that `to_plain` gives.

    Raises:
        GarbledError: It is something else.

    Examples:
        >>> from_plain({"raised": ["ValueError", "too quiet", "ValueError: too quiet"]}).reason
        'ValueError: too quiet'
    """
    match plain:
        case {"returned": value}:
            return Returned(value)
        case {"raised": [kind, message, outer]}:
            return Raised(kind, message, outer)
        case {"out_of_memory": [requested_bytes, limit_bytes, message]}:
            return OutOfMemory(requested_bytes, limit_bytes, message)
    raise GarbledError("not an answer")


def describe(error: BaseException, *, memory_limit: int | None = None) -> Raised | OutOfMemory:
    r"""Turn an exception into an outcome: OutOfMemory where it or one of its causes says that memory ran out.

    Args:
        error: The exception that arrived.
        memory_limit: The memory limit of this process in bytes, if it has one.

    Examples:
        >>> describe(ValueError("a\n  b"))
        Raised(kind='ValueError', message='a b', outer='ValueError: a b')
        >>> describe(MemoryError("Unable to allocate 2.00 GiB for an array"), memory_limit=10**9).requested_bytes
        2147483648
    """
    chain = list(_chain(error))
    for link in chain:
        if _is_out_of_memory(link):
            message = one_line(link)
            match = _REQUESTED.search(message)
            requested = None if match is None else int(float(match[1]) * _UNITS[match[2].lower()])
            return OutOfMemory(requested, memory_limit, message)
    innermost, outer = chain[-1], type(error).__name__
    if message := one_line(error):
        outer += f": {message}"
    return Raised(kind=type(innermost).__name__, message=one_line(innermost), outer=outer)


def one_line(error: BaseException) -> str:
    r"""Message of an exception in one line of at most 500 characters, without control characters.

    Examples:
        >>> one_line(ValueError("first\n\tsecond\x1b[31m"))
        'first second�[31m'
    """
    try:
        text = str(error)
    except BaseException as problem:  # an exception's own __str__ may do anything
        text = f"(its message could not be read: {type(problem).__name__})"
    # Cut first: a message may hold megabytes. White space is folded, so there may be less left than is allowed.
    text = " ".join(text[: 4 * _LONGEST_MESSAGE].split())
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, what it was raised from or during, and so on to where it started."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # the latter is torch's
        return True
    return isinstance(error, RuntimeError) and _OUT_OF_MEMORY_MESSAGES.search(one_line(error)) is not None
