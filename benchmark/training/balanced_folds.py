"""Splits of clips by group with classes spread evenly: the folds of a corpus, and splits of their training parts."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from benchmark.training.training_clips import Indices, class_counts

MIN_FOLDS = 2
_ATTEMPTS = 5
_RANDOM_ATTEMPTS = 200
_DRAWS = 20
"""So many sets of validation speakers are drawn, of which the best is taken."""


@dataclass(frozen=True, eq=False, kw_only=True)
class InnerSplit:
    """A division of the training part of a fold: indices of clips, in ascending order."""

    train: Indices
    validation: Indices


def balanced_folds(labels: Indices, groups: Indices, count: int, seed: int) -> Indices:
    """Divide clips into folds such that no group is in two of them and each has a like share of every class.

    Of several divisions by `StratifiedGroupKFold` of scikit-learn, and of random ones if those lack a class, the first
    is taken that lacks classes in the fewest training parts, and of equals in the fewest test parts.

    Args:
        labels: Class of each clip, shape (clips,).
        groups: Group of each clip, such as its speaker.
        count: The number of folds; fewer are made where there are fewer groups.

    Returns:
        Fold of each clip, from 0 without holes; all 0 if there is only one group.
    """
    labels, groups = np.unique(labels, return_inverse=True)[1], np.unique(groups, return_inverse=True)[1]
    # scikit-learn refuses more folds than the largest class has clips.
    largest = min(count, int(groups.max(initial=-1)) + 1, int(np.bincount(labels, minlength=1).max()))
    for folds in range(largest, MIN_FOLDS - 1, -1):
        best = _best_division(labels, groups, folds, seed)
        if best is not None:
            return best
    return np.zeros(len(labels), dtype=np.int64)


def _best_division(labels: Indices, groups: Indices, count: int, seed: int) -> Indices | None:
    """The best of several divisions into `count` folds; None where each leaves a fold empty."""
    classes = int(labels.max()) + 1
    groups_of_class = (class_counts(labels, groups, classes) > 0).sum(axis=0)
    best, fewest = None, (np.inf, np.inf)
    for drawn, folds in enumerate(_divisions(labels, groups, count, seed), start=1):
        clips = class_counts(labels, folds, classes)
        lacking = float((clips == clips.sum(axis=0)).sum()), float((clips == 0).sum())
        if len(clips) == count and lacking < fewest:
            best, fewest = folds, lacking
        # Random divisions spread classes less evenly: they are for training parts only.
        if fewest <= (0, np.maximum(count - groups_of_class, 0).sum() if drawn < _ATTEMPTS else np.inf):
            break
    return best


def _divisions(labels: Indices, groups: Indices, count: int, seed: int) -> Iterator[Indices]:
    """Divisions with classes spread evenly, which are much alike, then random ones for where these lack a class."""
    generator = np.random.default_rng(seed)
    # Without groups of several clips the result is as good, and much faster with thousands of them.
    kind = StratifiedKFold if int(groups.max()) + 1 == len(groups) else StratifiedGroupKFold
    for attempt in range(_ATTEMPTS):
        folds = np.empty(len(labels), dtype=np.int64)
        with warnings.catch_warnings():
            # Of classes with fewer clips than folds; what they lack is counted instead.
            warnings.simplefilter("ignore", UserWarning)
            splitter = kind(count, shuffle=True, random_state=(seed * _ATTEMPTS + attempt) % 2**32)
            for fold, (_, test) in enumerate(splitter.split(labels, labels, groups)):
                folds[test] = fold
        yield folds
    for _ in range(_RANDOM_ATTEMPTS):
        yield (generator.permutation(int(groups.max()) + 1) % count)[groups]


def inner_split(train: Indices, labels: Indices, groups: Indices, share: float, seed: int) -> InnerSplit:
    """Take validation speakers from training speakers, such that each class keeps a speaker to train on.

    Speakers are drawn in random orders until their clips are about `share` of all. Of several draws the one is taken
    whose classes are nearest to `share` of each class.

    Args:
        train: Clips to divide.
        labels: Class of every clip of the corpus, shape (clips,).
        groups: Speaker of every clip of the corpus.
        share: Of the clips, for validation.

    Returns:
        The split; the validation part is empty where `share` is 0 or no speaker can be spared.
    """
    names, numbers = np.unique(groups[train], return_inverse=True)
    counts = class_counts(labels[train], numbers, int(labels.max()) + 1)
    generator = np.random.default_rng(seed)
    best, smallest = np.array([], dtype=np.int64), np.inf
    for _ in range(_DRAWS if share > 0 else 0):
        chosen = _draw_speakers(counts, share, generator.permutation(len(names)))
        error = float(np.abs(counts[chosen].sum(axis=0) - share * counts.sum(axis=0)).sum())
        if len(chosen) and error < smallest:
            best, smallest = chosen, error
    held_out = np.isin(numbers, best)
    return InnerSplit(train=np.sort(train[~held_out]), validation=np.sort(train[held_out]))


def _draw_speakers(counts: Indices, share: float, order: Indices) -> Indices:
    """Take speakers in this order while each class keeps clips and their number comes nearer to the share of all."""
    total = counts.sum(axis=0)
    wanted, taken = share * total.sum(), np.zeros_like(total)
    chosen: list[int] = []
    for speaker in order:
        after = taken + counts[speaker]
        nearer = abs(after.sum() - wanted) < abs(taken.sum() - wanted)
        if (nearer or not chosen) and not ((after == total) & (total > 0)).any():
            chosen.append(int(speaker))
            taken = after
        if taken.sum() >= wanted:
            break
    return np.array(chosen, dtype=np.int64)


def inner_folds(train: Indices, labels: Indices, groups: Indices, count: int, seed: int) -> list[InnerSplit]:
    """Divide training clips into speaker-disjoint folds, to choose hyper-parameters on.

    Where there is only one speaker, its clips are divided; where there is only one clip, the list is empty.

    Args:
        train: Clips to divide.
        labels: Class of every clip of the corpus, shape (clips,).
        groups: Speaker of every clip of the corpus.
        count: The number of folds; fewer are made where there are fewer speakers.
    """
    folds = balanced_folds(labels[train], groups[train], count, seed)
    if not folds.any():
        folds = balanced_folds(labels[train], np.arange(len(train)), count, seed)
    if not folds.any():
        return []
    return [
        InnerSplit(train=np.sort(train[folds != fold]), validation=np.sort(train[folds == fold]))
        for fold in range(int(folds.max()) + 1)
    ]
