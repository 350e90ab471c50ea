"""Suggest the nearest known word in messages about an unknown one."""

from collections.abc import Iterable
from difflib import get_close_matches

LEAST_LIKENESS = 0.6


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The end of a message about an unknown word: `; did you mean 'x'?`; empty if no choice is near.

    Examples:
        >>> did_you_mean("langauge", ["languages", "labels"])
        "; did you mean 'languages'?"
        >>> did_you_mean("zebra", ["languages", "labels"])
        ''
    """
    by_folded = {choice.casefold(): choice for choice in choices}
    near = get_close_matches(word.casefold(), by_folded, n=1, cutoff=LEAST_LIKENESS)
    return f"; did you mean {by_folded[near[0]]!r}?" if near else ""
