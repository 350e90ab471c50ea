"""Errors that a user can understand: one sentence with the remedy, and an exit code."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import ClassVar

EXIT_UNMET = 1
"""Done, but a condition that the user set does not hold."""
EXIT_REQUEST = 2
"""The request is wrong."""
EXIT_ENVIRONMENT = 3
"""The machine, the network or the Hub failed."""
EXIT_INTERRUPTED = 130
"""Stopped by the user; what was finished is kept."""


class BenchError(Exception):
    """A failure that a user can understand; the command line prints its message in one line, without a traceback."""

    exit_code: ClassVar[int] = EXIT_ENVIRONMENT


class RequestError(BenchError):
    """The request is wrong: a missing file, an unknown field, a bad option. The message says how to fix it."""

    exit_code: ClassVar[int] = EXIT_REQUEST


class UnmetError(BenchError):
    """The request is right, and something that it needs is not there yet. The message says what to do first."""

    exit_code: ClassVar[int] = EXIT_UNMET


class UnavailableError(BenchError):
    """The machine or the network failed: no candidate could be reached, the disk is full, a folder can't be written."""


_MIN_LIKENESS = 0.6


def shorten(names: Sequence[str], most: int = 5) -> str:
    """List the first names of many.

    Examples:
        >>> shorten(["a", "b", "c", "d", "e", "f"]), shorten(["a", "b"])
        ('a, b, c, d, e, …', 'a, b')
    """
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def listed(names: Sequence[str]) -> str:
    """List all names in a sentence.

    Examples:
        >>> listed(["a", "b", "c"]), listed(["a", "b"]), listed(["a"])
        ('a, b and c', 'a and b', 'a')
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def did_you_mean(word: str, choices: Collection[str], *, otherwise: str = "") -> str:
    """The end of a message about an unknown word, such as `; did you mean 'x'?`.

    Args:
        word: The unknown word.
        choices: The known words.
        otherwise: Introduces the list of all choices, which is given if none is near; without it, nothing is.

    Examples:
        >>> did_you_mean("langauge", ["languages", "labels"])
        "; did you mean 'languages'?"
        >>> did_you_mean("zebra", ["languages", "labels"])
        ''
        >>> did_you_mean("zebra", ["languages", "labels"], otherwise="the fields are")
        '; the fields are languages, labels'
    """
    by_folded = {choice.casefold(): choice for choice in choices}
    near = get_close_matches(word.casefold(), by_folded, n=1, cutoff=_MIN_LIKENESS)
    if near:
        return f"; did you mean {by_folded[near[0]]!r}?"
    return f"; {otherwise} {', '.join(choices)}" if otherwise else ""
