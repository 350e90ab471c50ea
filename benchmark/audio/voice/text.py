"""What is said: words without meaning, of syllables that the voice can pronounce."""

import numpy as np

_CONSONANTS = tuple("ptkbdgmnlrwjfszhvc")
_VOWELS = tuple("aeiou")
_CLOSED_SHARE = 0.2


def invent_text(seed: int, syllables: int = 10) -> str:
    """Draw words of one to three syllables at random.

    Args:
        seed: Same seed, same text.
        syllables: How many syllables in all.

    Returns:
        Lower-case words between single spaces.

    Examples:
        >>> invent_text(1) == invent_text(1)
        True
        >>> sum(letter in "aeiou" for letter in invent_text(5, syllables=7))
        7
    """
    random = np.random.default_rng(seed)
    words: list[str] = []
    while syllables > 0:
        length = min(syllables, int(random.integers(1, 4)))
        syllables -= length
        words.append(
            "".join(random.choice(_CONSONANTS) + random.choice(_VOWELS) for _ in range(length))
            + ("n" if random.random() < _CLOSED_SHARE else "")
        )
    return " ".join(words)
