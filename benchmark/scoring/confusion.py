"""Counts of answers by emotion, as a whole and per speaker; and the recalls that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.scoring.decisions import Decisions


@dataclass(frozen=True, eq=False, kw_only=True)
class SpeakerCounts:
    """How many clips each speaker has of each emotion, and how many of them were answered right.

    Attributes:
        hits: Right answers, shape (speakers, emotions).
        clips: Clips, shape (speakers, emotions); the same for all candidates.
    """

    hits: NDArray[np.int64]
    clips: NDArray[np.int64]


def confusion_matrix(decisions: Decisions) -> NDArray[np.int64]:
    """Count the answers of each emotion's clips.

    Returns:
        Shape (emotions, emotions + 1): row i, column j holds the clips of emotion i answered as j; the last column
        holds those answered as none of the emotions or not at all.

    Examples:
        >>> confusion_matrix(Decisions(emotions=("anger", "fear"), truth=np.array([0, 0, 1]),
        ...     answers=np.array([0, 2, 0]), confidence=np.ones(3))).tolist()
        [[1, 0, 1], [1, 0, 0]]
    """
    height, width = len(decisions.emotions), len(decisions.emotions) + 1
    cells = decisions.truth * width + decisions.answers
    return np.bincount(cells, minlength=height * width).reshape(height, width).astype(np.int64)


def count_by_speaker(decisions: Decisions, speakers: Sequence[str | None]) -> SpeakerCounts | None:
    """Count hits and clips per speaker and emotion.

    Args:
        decisions: The candidate's decisions.
        speakers: Who speaks in each of their clips.

    Returns:
        The counts; None where the speaker of any clip is unknown, since such a clip may be anybody's.
    """
    known = number_speakers(speakers)
    if known is None:
        return None
    width = len(decisions.emotions)
    cells = known.who * width + decisions.truth
    size = known.speakers * width
    return SpeakerCounts(
        hits=np.bincount(cells[decisions.correct], minlength=size).reshape(known.speakers, width).astype(np.int64),
        clips=np.bincount(cells, minlength=size).reshape(known.speakers, width).astype(np.int64),
    )


@dataclass(frozen=True, eq=False)
class NumberedSpeakers:
    """Who speaks in each clip, as numbers.

    Attributes:
        speakers: How many there are.
        who: The speaker of each clip: the place among all names in their order.
    """

    speakers: int
    who: NDArray[np.int64]


def number_speakers(speakers: Sequence[str | None]) -> NumberedSpeakers | None:
    """Give speakers numbers; None where that of any clip is unknown.

    Examples:
        >>> numbered = number_speakers(["eve", "adam", "eve"])
        >>> numbered.speakers, numbered.who.tolist()
        (2, [1, 0, 1])
        >>> number_speakers(["eve", None]) is None
        True
    """
    names = set(speakers)
    if None in names:
        return None
    place = {name: number for number, name in enumerate(sorted(name for name in names if name is not None))}
    who = np.fromiter((place[name] for name in speakers if name is not None), dtype=np.int64, count=len(speakers))
    return NumberedSpeakers(len(place), who)


def unweighted_average_recall(confusion: NDArray[np.int64]) -> float:
    """Mean recall over the emotions that occur in the truth.

    Args:
        confusion: Counts, shape (emotions, answers); row i, column j holds the clips of emotion i answered as j.

    Returns:
        A fraction in [0, 1]; NaN where no emotion occurs.

    Examples:
        >>> unweighted_average_recall(np.array([[3, 1], [0, 4]]))
        0.875
    """
    clips = confusion.sum(axis=1)
    hits = np.diagonal(confusion)
    occurs = clips > 0
    return float(np.mean(hits[occurs] / clips[occurs])) if occurs.any() else float("nan")
