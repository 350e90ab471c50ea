"""Suggest the nearest known word in messages about an unknown one."""

from collections.abc import Collection
from difflib import get_close_matches

_MIN_LIKENESS = 0.6


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
