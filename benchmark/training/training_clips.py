"""The clips of a training as columns, and the contiguous indices of their classes and speakers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmark.results.training_record import OutOfFold
from benchmark.scoring.texts import numbered

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingClips:
    """Clips with an emotion and readable audio; all sequences are parallel.

    Attributes:
        labels: Index into `classes` of each clip's emotion.
        classes: The emotions, in the order of the model's outputs; each has a clip.
        speakers: None where unknown.
        texts: The sentence that is spoken; None where unknown.
        hashes: Of the decoded audio.
        attributes: The other columns of the corpus.
    """

    names: tuple[str, ...]
    labels: Indices
    classes: tuple[str, ...]
    speakers: tuple[str | None, ...]
    texts: tuple[str | None, ...]
    hashes: tuple[str, ...]
    attributes: tuple[Mapping[str, str], ...] = ()

    @property
    def has_speakers(self) -> bool:
        """Whether any clip names its speaker."""
        return any(speaker is not None for speaker in self.speakers)

    @cached_property
    def groups(self) -> Indices:
        """The index of each clip's speaker; a clip without one is alone, or with clips of identical audio."""
        keys = [
            ("audio", audio) if speaker is None else ("speaker", speaker)
            for speaker, audio in zip(self.speakers, self.hashes, strict=True)
        ]
        return numbered(keys)

    def out_of_fold(
        self,
        indices: Indices,
        folds: Sequence[int],
        probabilities: NDArray[np.float32],
        classes: tuple[str, ...] | None = None,
    ) -> OutOfFold:
        """The answers to some clips, to which `folds` and `probabilities` are parallel.

        Args:
            classes: Of the outputs, if they are not those of the clips.
        """
        return OutOfFold(
            clips=tuple(self.names[index] for index in indices),
            clip_hashes=tuple(self.hashes[index] for index in indices),
            speakers=tuple(self.speakers[index] for index in indices),
            folds=tuple(folds),
            labels=tuple(self.classes[self.labels[index]] for index in indices),
            classes=classes or self.classes,
            probabilities=probabilities,
            texts=tuple(self.texts[index] for index in indices),
        )

    def speakers_of(self, indices: Indices) -> tuple[str, ...]:
        """The known speakers of some clips, by name."""
        return tuple(sorted({speaker for index in indices if (speaker := self.speakers[index]) is not None}))


def class_indices(emotions: Sequence[str]) -> tuple[Indices, tuple[str, ...]]:
    """Number the classes that occur, without holes, in alphabetical order.

    Examples:
        >>> labels, classes = class_indices(["sadness", "anger", "sadness"])
        >>> labels.tolist(), classes
        ([1, 0, 1], ('anger', 'sadness'))
    """
    classes = tuple(sorted(set(emotions)))
    index = {name: number for number, name in enumerate(classes)}
    return np.array([index[name] for name in emotions], dtype=np.int64), classes


def class_counts(labels: Indices, groups: Indices, classes: int) -> NDArray[np.int64]:
    """Count clips by speaker and class, shape (speakers, classes); speakers are numbered without holes."""
    _, numbers = np.unique(groups, return_inverse=True)
    speakers = int(numbers.max(initial=-1)) + 1
    counts = np.bincount(numbers * classes + labels, minlength=speakers * classes)
    return counts.reshape(speakers, classes).astype(np.int64)
