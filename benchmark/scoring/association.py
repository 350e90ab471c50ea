"""How strongly two labellings of the same clips are tied: whether who speaks, or what is said, gives the label away."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

MIN_OCCURRENCES = 2
"""A value that occurs only once fits its label by necessity, and says nothing."""
TIED_FROM = 0.3


def bias_corrected_cramers_v(first: Sequence[str | None], second: Sequence[str | None]) -> float:
    r"""Cramér's V with Bergsma's correction, which is 0 on average where nothing is tied (Bergsma 2013).

    With φ² = χ²/n of the table of counts, r rows and c columns: φ̃² = max(0, φ² − (r−1)(c−1)/(n−1)),
    r̃ = r − (r−1)²/(n−1), c̃ = c − (c−1)²/(n−1), and V = √(φ̃² / min(r̃−1, c̃−1)).

    Args:
        first: A value per clip; clips with None on either side are left out.
        second: Another one, as long.

    Returns:
        A number from 0, nothing in common, to 1, one tells the other; NaN where a side has fewer than two values.

    Raises:
        ValueError: The lengths differ.

    Examples:
        >>> bias_corrected_cramers_v(["a", "b"] * 50, ["x", "y"] * 50)
        1.0
        >>> bias_corrected_cramers_v(["a", "b"] * 50, ["x", "x", "y", "y"] * 25)
        0.0
    """
    pairs = [(one, other) for one, other in zip(first, second, strict=True) if one is not None and other is not None]
    rows, columns = ({value: place for place, value in enumerate(dict.fromkeys(side))} for side in _sides(pairs))
    if min(len(rows), len(columns)) < 2:  # noqa: PLR2004 - one value cannot vary
        return float("nan")
    counts = np.zeros((len(rows), len(columns)))
    for (one, other), number in Counter(pairs).items():
        counts[rows[one], columns[other]] = number
    clips = counts.sum()
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / clips
    phi_squared = float(((counts - expected) ** 2 / expected).sum() / clips)
    spare_rows, spare_columns = len(rows) - 1, len(columns) - 1
    corrected = max(0.0, phi_squared - spare_rows * spare_columns / (clips - 1))
    most = min(spare_rows - spare_rows**2 / (clips - 1), spare_columns - spare_columns**2 / (clips - 1))
    return 0.0 if most <= 0 else float(min(1.0, np.sqrt(corrected / most)))


def association(values: Sequence[str | None], labels: Sequence[str | None]) -> float:
    """How strongly speakers, or texts, are tied to labels (PROTOCOL, Flags).

    Args:
        values: The speaker or the text of each clip; None where nobody knows.
        labels: The label of each clip.

    Returns:
        The bias-corrected Cramér's V over the values that occur at least twice; NaN where there are not two of them.

    Examples:
        >>> association(["s1", "s1", "s2", "s2", "s3"] * 20, ["anger", "anger", "fear", "fear", "joy"] * 20)
        1.0
        >>> association([str(clip) for clip in range(100)], ["anger", "fear"] * 50)
        nan
    """
    often = Counter(value for value, label in zip(values, labels, strict=True) if label is not None)
    kept = [value if often[value] >= MIN_OCCURRENCES else None for value in values]
    return bias_corrected_cramers_v(kept, labels)


def _sides(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [one for one, _ in pairs], [other for _, other in pairs]
