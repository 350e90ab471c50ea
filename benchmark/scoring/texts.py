"""The sentences of a corpus that several speakers say: they are a sample, too, and few of them say little of others.

A sentence of one speaker only is part of what that speaker contributes, and needs no variance of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_TEXTS = 3
"""Texts of an emotion below which a score holds for these texts only: two say too little of how texts differ."""
NOT_SHARED = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class CorpusTexts:
    """The texts of a corpus that more than one speaker says.

    Attributes:
        codes: The text of each scored clip; `NOT_SHARED` for a text of one speaker.
        texts: Number of texts, of one speaker or of several.
        fewest: Texts of the emotion that has fewest.
    """

    codes: NDArray[np.int64]
    texts: int
    fewest: int


def corpus_texts(
    texts: Sequence[str | None], speakers: Sequence[str | None], truth: Sequence[str | None]
) -> CorpusTexts | None:
    """Find the texts that several speakers say; clips whose `truth` is None are not scored and left out.

    Returns:
        None where no text has two speakers, and where the text or the speaker of a scored clip is unknown.

    Examples:
        >>> found = corpus_texts(["a", "b", "a", "c"], ["s1", "s1", "s2", "s2"], ["anger", "fear", "anger", "anger"])
        >>> found.codes.tolist(), found.texts, found.fewest
        ([0, -1, 0, -1], 3, 1)
    """
    scored = [clip for clip in zip(texts, speakers, truth, strict=True) if clip[2] is not None]
    if not scored or any(text is None or speaker is None for text, speaker, _ in scored):
        return None
    codes, voices, emotions = (numbered(values) for values in zip(*scored, strict=True))
    number, people = int(codes.max()) + 1, int(voices.max()) + 1
    shared = np.bincount(np.unique(codes * people + voices) // people, minlength=number) > 1
    if not shared.any():
        return None
    of_emotion = np.unique(emotions * number + codes) // number
    renumbered = np.where(shared, np.cumsum(shared) - 1, NOT_SHARED)
    return CorpusTexts(codes=renumbered[codes], texts=number, fewest=int(np.bincount(of_emotion).min()))


def few_texts(texts: CorpusTexts | None) -> int | None:
    """The texts of the emotion that has fewest, where they are too few to stand for others; else None."""
    return texts.fewest if texts is not None and texts.fewest < MIN_TEXTS else None


def numbered(values: Iterable[object]) -> NDArray[np.int64]:
    """Number values in the order of their first occurrence.

    Examples:
        >>> numbered(["b", "a", "b"]).tolist()
        [0, 1, 0]
    """
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)
