"""From an exception to plain words: the innermost message in one line, and whether memory ran out."""

import re
from collections.abc import Iterator

from benchmark.workers.answers import OutOfMemory, Raised

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
