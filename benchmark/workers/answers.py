"""What a call to a worker can come back with: a value, or one of the ways in which it did not get that far."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

BYTES_PER_GB = 1_000_000_000


@dataclass(frozen=True, eq=False)
class Returned:
    """The method returned.

    Attributes:
        value: Plain data: None, bool, int, float, str, lists and dictionaries of those with text as keys, and numpy
            arrays of numbers anywhere inside. Tuples arrive as lists.
    """

    value: Any


@dataclass(frozen=True)
class Raised:
    """The method, the actor's constructor or its import raised. The full traceback is in the worker's log.

    Attributes:
        kind: Class name of the innermost exception, the one that started it.
        message: What the innermost exception said, in one line of at most 500 characters; may be empty.
        outer: Class name and message of the exception that arrived, in the same form.
    """

    kind: str
    message: str
    outer: str

    @property
    def reason(self) -> str:
        """What happened, in words for a person.

        Examples:
            >>> Raised(kind="KeyError", message="'weight'", outer="KeyError: 'weight'").reason
            "KeyError: 'weight'"
        """
        return f"{self.kind}: {self.message}" if self.message else self.kind


@dataclass(frozen=True)
class OutOfMemory:
    """The method asked for memory that it could not have; the worker lives on.

    Attributes:
        requested_bytes: The size of the request that failed, where the message tells it.
        limit_bytes: The worker's own limit; None where it had none and the machine's memory was the limit.
        message: What the exception said, in one line.
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
        size = "more" if self.requested_bytes is None else f"{self.requested_bytes / BYTES_PER_GB:.1f} GB"
        if self.limit_bytes is None:
            return f"out of memory: asked for {size + ' at once' if self.requested_bytes else 'more than there is'}"
        limit = f"its limit of {self.limit_bytes / BYTES_PER_GB:.1f} GB"
        if self.requested_bytes is None:
            return f"out of memory: asked for more than {limit}"
        return f"out of memory: asked for {size} more, with {limit}"


@dataclass(frozen=True)
class Crashed:
    """The worker's process ended in the middle of the call.

    Attributes:
        signal: The name of the signal that ended it, such as `SIGSEGV`; None where none did.
        exit_code: The exit code where it ended by itself; None where that is unknown.
    """

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


@dataclass(frozen=True)
class TimedOut:
    """The call took longer than it may, and the worker was killed with all its own processes.

    Attributes:
        seconds: The limit.
    """

    seconds: float

    @property
    def reason(self) -> str:
        """What happened, in words for a person.

        Examples:
            >>> TimedOut(seconds=300.0).reason
            'no answer within 300 s'
        """
        return f"no answer within {self.seconds:g} s"


Failure = Raised | OutOfMemory | Crashed | TimedOut


Answer = Returned | Failure


_LONGEST_MESSAGE = 500


_UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50, "EiB": 2**60}


_OUT_OF_MEMORY_MESSAGES = re.compile(r"can't allocate memory|Unable to allocate|CUDA out of memory|not enough memory")


_REQUESTED = re.compile(r"(?:tried|[Uu]nable) to allocate ([\d.]+) (bytes|[KMGTPE]iB)", re.IGNORECASE)


def describe(error: BaseException, *, memory_limit: int | None = None) -> Raised | OutOfMemory:
    r"""Say what an exception means.

    Args:
        error: The exception that arrived.
        memory_limit: The memory limit of this process in bytes, if it has one.

    Returns:
        OutOfMemory where the exception or one of its causes says that memory ran out, else Raised.

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
            return OutOfMemory(_requested_bytes(message), memory_limit, message)
    innermost = chain[-1]
    outer, outer_message = type(error).__name__, one_line(error)
    return Raised(
        kind=type(innermost).__name__,
        message=one_line(innermost),
        outer=f"{outer}: {outer_message}" if outer_message else outer,
    )


def one_line(error: BaseException) -> str:
    r"""What an exception says, in one line of at most 500 characters, without control characters.

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


def _requested_bytes(message: str) -> int | None:
    found = _REQUESTED.search(message)
    if found is None:
        return None
    units = {unit.casefold(): size for unit, size in _UNITS.items()}
    return int(float(found[1]) * units[found[2].casefold()])
