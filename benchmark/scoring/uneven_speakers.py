"""Candidates that do better on a usual training set of speakers than the others do: a suspicion of training on them."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.trained_on import Seen

PUBLISHED_SPLITS: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "ravdess": (
        (21, 22, 23, 24),
        # Five folds that notebooks and papers on it share.
        (2, 5, 14, 15, 16),
        (3, 6, 7, 13, 18),
        (10, 11, 12, 19, 20),
        (8, 17, 21, 23, 24),
        (1, 4, 9, 22),
    )
}
"""Speakers that published splits hold out, by corpus in the form of `main_name`, as the numbers in their names."""
MIN_SPEAKERS = 9
MIN_OTHERS = 2
MIN_HELD_OUT = 2
MOST_HELD_OUT = 1 / 3
LEAST_DIFFERENCE = 0.20
PUBLISHED_SIGNIFICANCE, RANGE_SIGNIFICANCE = 0.03, 0.02
"""With the least difference, together wrong about one candidate in a hundred; published splits are likelier."""
_SHARED = 0.05
_PERMUTATIONS = 999
_SEED = 20_261_130
_SIZES = 8
_LISTED = 6


@dataclass(frozen=True, eq=False, kw_only=True)
class Split:
    """The split on which a candidate is most uneven.

    Attributes:
        held_out: Positions of the speakers on which it is worse.
        difference: How much better it is on the others, each speaker's accuracy less that of the other candidates.
        p_value: By permutation of the speakers, over all splits of the family.
    """

    held_out: tuple[int, ...]
    difference: float
    p_value: float


def uneven_speakers(
    evaluations: Sequence[Evaluation], corpus_names: Collection[str], twins: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """The reason for a suspicion by candidate, of those about whose training nothing is declared.

    Args:
        evaluations: The complete evaluations of one corpus.
        corpus_names: What the corpus is called, in the form of `main_name`.
        twins: Near-twins by candidate, who are no others.
    """
    counts = [own.counts for own in evaluations]
    known = [own for own in counts if own is not None]
    if len(known) < len(counts) or not known or len(known[0].clips) < MIN_SPEAKERS:
        return {}
    names = sorted({speaker for speaker in evaluations[0].speakers if speaker is not None})
    order = sorted(range(len(names)), key=lambda position: _natural(names[position]))
    speakers = [names[position] for position in order]
    accuracies = np.stack([own.hits.sum(axis=1) / own.clips.sum(axis=1) for own in known])[:, order]
    candidates = [own.candidate for own in evaluations]
    others = np.array([
        [other != own and other not in twins.get(own, ()) for other in candidates] for own in candidates
    ]).reshape(len(candidates), -1)  # fmt: skip
    asked = [own.seen is Seen.UNKNOWN for own in evaluations]
    found = uneven_splits(accuracies, others, published_splits(speakers, corpus_names))
    return {
        name: _reason(split, speakers)
        for name, split, is_asked in zip(candidates, found, asked, strict=True)
        if split is not None and is_asked
    }


def published_splits(speakers: Sequence[str], corpus_names: Collection[str]) -> list[tuple[int, ...]]:
    """Positions of the speakers that each published split of the corpus holds out."""
    numbers = [int(found[-1]) if (found := re.findall(r"\d+", name)) else None for name in speakers]
    splits = (split for name in corpus_names for split in PUBLISHED_SPLITS.get(name, ()))
    positions = (tuple(place for place, number in enumerate(numbers) if number in split) for split in splits)
    return [
        held_out
        for held_out in dict.fromkeys(positions)
        if MIN_HELD_OUT <= len(held_out) <= len(speakers) * MOST_HELD_OUT
    ]


def uneven_splits(
    accuracies: NDArray[np.float64], others: NDArray[np.bool_], published: Sequence[Sequence[int]]
) -> list[Split | None]:
    """The split that makes each candidate suspicious, or None.

    A candidate's accuracy on each speaker, less the mean of the others', is compared between speakers that are held out
    and the rest: those of published splits, and ranges of neighbours. The largest difference of each family, in units
    of its deviation under permutation, is held against those of permuted speakers. A split that another candidate is
    uneven on, too, is a property of the speakers and no suspicion.

    Args:
        accuracies: Shape (candidates, speakers), speakers in the order of their names.
        others: Whether each candidate counts among the others of each, shape (candidates, candidates).
        published: Positions of the speakers that each published split holds out.
    """
    number = accuracies.shape[1]
    shuffled = np.random.default_rng(_SEED).permuted(np.tile(np.arange(number), (_PERMUTATIONS, 1)), axis=1)
    enough = others.sum(axis=1) >= MIN_OTHERS
    panels = (others @ accuracies) / np.maximum(others.sum(axis=1), 1)[:, None]
    differences = accuracies - panels
    families = [
        (_members(family, number), significance)
        for family, significance in ((published, PUBLISHED_SIGNIFICANCE), (_ranges(number), RANGE_SIGNIFICANCE))
        if family
    ]
    found: list[Split | None] = []
    for candidate, own in enumerate(differences):
        split = _most_uneven(own, shuffled, families) if enough[candidate] else None
        if split is not None:
            shared = any(_shares(split, differences[other], shuffled) for other in np.flatnonzero(others[candidate]))
            split = None if shared else split
        found.append(split)
    return found


def _most_uneven(
    own: NDArray[np.float64], shuffled: NDArray[np.int64], families: Sequence[tuple[NDArray[np.float64], float]]
) -> Split | None:
    for splits, significance in families:
        values = _unevenness(own[None], splits)[0]
        best = splits[int(values.argmax())] > 0
        difference = float(own[~best].mean() - own[best].mean())
        if difference < LEAST_DIFFERENCE:  # most candidates, which so need no permutation
            continue
        luck = _unevenness(own[shuffled], splits).max(axis=1)
        p_value = float((1 + np.count_nonzero(luck >= values.max())) / (1 + len(luck)))
        if p_value <= significance:
            return Split(held_out=tuple(np.flatnonzero(best).tolist()), difference=difference, p_value=p_value)
    return None


def _shares(split: Split, other: NDArray[np.float64], shuffled: NDArray[np.int64]) -> bool:
    members = _members([split.held_out], len(other))
    value, luck = _unevenness(other[None], members)[0, 0], _unevenness(other[shuffled], members)[:, 0]
    return bool((1 + np.count_nonzero(luck >= value)) / (1 + len(luck)) <= _SHARED)


def _ranges(number: int) -> list[tuple[int, ...]]:
    """Ranges of neighbours, the first following the last, of up to a third of the speakers in at most eight sizes."""
    sizes = np.unique(np.linspace(MIN_HELD_OUT, number * MOST_HELD_OUT, _SIZES).astype(int)).tolist()
    return [tuple((start + np.arange(size)) % number) for size in sizes for start in range(number)]


def _members(splits: Sequence[Sequence[int]], number: int) -> NDArray[np.float64]:
    """1 where a split holds out a speaker, shape (splits, speakers)."""
    members = np.zeros((len(splits), number))
    for row, held_out in enumerate(splits):
        members[row, list(held_out)] = 1.0
    return members


def _unevenness(values: NDArray[np.float64], members: NDArray[np.float64]) -> NDArray[np.float64]:
    """(Mean of the rest − mean of the held out) · √(u(n − u)/n), where u of n are held out, shape (rows, splits)."""
    number, sizes = values.shape[1], members.sum(axis=1)
    held_out = values @ members.T
    rest = values.sum(axis=1, keepdims=True) - held_out
    unevenness = (rest / (number - sizes) - held_out / sizes) * np.sqrt(sizes * (number - sizes) / number)
    return np.asarray(unevenness, dtype=np.float64)


def _reason(split: Split, speakers: Sequence[str]) -> str:
    held_out = [speakers[position] for position in split.held_out]
    more = f" and {len(held_out) - _LISTED} more" if len(held_out) > _LISTED else ""
    return (
        f"next to the other candidates its accuracy is {split.difference:.2f} lower on {', '.join(held_out[:_LISTED])}"
        f"{more} than on the rest (p = {split.p_value:.3f}), as if it had been trained on the rest. If so, declare "
        "`trained_on` and `trained_speakers`."
    )


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts numbers in names by their value."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part)
