"""What a person may have meant who wrote a word that nobody knows."""

from collections.abc import Iterable
from difflib import get_close_matches

LEAST_LIKENESS = 0.6


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The end of a message about an unknown word.

    Args:
        word: What was written.
        choices: What would have been known.

    Returns:
        `; did you mean 'x'?` with the nearest choice; empty where none is near.

    Examples:
        >>> did_you_mean("langauge", ["languages", "labels"])
        "; did you mean 'languages'?"
        >>> did_you_mean("zebra", ["languages", "labels"])
        ''
    """
    by_folded = {choice.casefold(): choice for choice in choices}
    near = get_close_matches(word.casefold(), by_folded, n=1, cutoff=LEAST_LIKENESS)
    return f"; did you mean {by_folded[near[0]]!r}?" if near else ""
