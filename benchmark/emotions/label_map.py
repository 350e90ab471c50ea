"""Label maps: from the labels of one model or corpus to emotions, and from logits to probabilities of emotions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from benchmark.emotions.aliases import emotion_of, resolve_emotion
from benchmark.emotions.classes import Kind, emotion_class
from benchmark.emotions.merges import merged, resolve_merges
from benchmark.errors import RequestError

_NOTHING: Mapping[str, str] = MappingProxyType({})
_MAX_LABELS, _MAX_CHARACTERS = 30, 60  # shown in a message
_PLACEHOLDER = re.compile(r"LABEL_(0|[1-9][0-9]{0,5})")


@dataclass(frozen=True)
class LabelMap:
    """The labels of one model or corpus, in the order of the outputs, with their emotions.

    Attributes:
        emotions: For each label the canonical class, after overrides and merges; None if it maps to nothing.
        loose: Labels that name a coarse class and that an override lets stand for an emotion.

    Raises:
        ValueError: There are not as many emotions as labels.
    """

    labels: tuple[str, ...]
    emotions: tuple[str | None, ...]
    loose: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.emotions):
            raise ValueError(f"{len(self.labels)} labels and {len(self.emotions)} emotions")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The distinct classes, of any kind, in the order of their first output."""
        return tuple(dict.fromkeys(emotion for emotion in self.emotions if emotion is not None))

    @cached_property
    def indices(self) -> tuple[int | None, ...]:
        """For each label the index of its class in `classes`; None if it maps to nothing."""
        index = {name: number for number, name in enumerate(self.classes)}
        return tuple(None if emotion is None else index[emotion] for emotion in self.emotions)

    @cached_property
    def unmapped(self) -> tuple[str, ...]:
        """The labels that map to nothing, in the order of the outputs."""
        return tuple(label for label, emotion in zip(self.labels, self.emotions, strict=True) if emotion is None)

    @cached_property
    def scorable(self) -> tuple[str, ...]:
        """The classes that are emotions, and not coarse or residual ones."""
        return tuple(name for name in self.classes if emotion_class(name).kind is Kind.EMOTION)

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """The probability of each class: p(c) = Σ softmax(logits)_i over the labels i that map to c.

        Labels that map to nothing keep their share of the softmax, so that rows may sum to less than one.

        Args:
            logits: Shape (clips, labels).

        Returns:
            Shape (clips, classes), columns in the order of `classes`. A row with a logit that is not finite (but
            for -inf, a probability of zero) is NaN.

        Raises:
            ValueError: The logits do not have one column per label.

        Examples:
            >>> map_labels(["happy", "joy", "sad"]).probabilities(np.zeros((1, 3))).round(3)
            array([[0.667, 0.333]])
        """
        if logits.shape[1:] != (len(self.labels),):
            raise ValueError(f"logits of shape {logits.shape} for {len(self.labels)} labels")
        shape = (len(logits), len(self.classes))
        if 0 in shape:
            return np.empty(shape, dtype=np.float64)
        with np.errstate(invalid="ignore"):  # inf - inf is NaN, which is what such a row shall be
            shares = softmax(logits.astype(np.float64), axis=1)
        columns = [np.flatnonzero([emotion == name for emotion in self.emotions]) for name in self.classes]
        return np.stack([shares[:, outputs].sum(axis=1) for outputs in columns], axis=1)


def map_labels(
    labels: Sequence[str], *, overrides: Mapping[str, str] = _NOTHING, merges: Mapping[str, str] = _NOTHING
) -> LabelMap:
    """Map labels to emotions; a label that is not known maps to None.

    Args:
        labels: The labels of a model in the order of `id2label[i]`, or those of a corpus.
        overrides: Label, or placeholder such as `LABEL_0`, → what it means.
        merges: Class → the class that it becomes, as for `resolve_merges`.

    Raises:
        RequestError: An override is of an unknown label or emotion, or contradicts a name; or a merge is wrong.

    Examples:
        >>> map_labels(["ang", "hap", "x1"], merges={"happiness": "positive"}).emotions
        ('anger', 'positive', None)
        >>> map_labels(["angry", "positive"], overrides={"positive": "happiness"}).loose
        ('positive',)
    """
    own = [emotion_of(label) for label in labels]
    meant = list(own)
    for label, emotion in {label: resolve_emotion(text) for label, text in overrides.items()}.items():
        outputs = [output for output, known in enumerate(labels) if known == label]
        if not outputs:
            _require_agreeing_placeholder(label, emotion, labels, own)
        for output in outputs:
            meant[output] = emotion
    loose = dict.fromkeys(
        label
        for label, before, after in zip(labels, own, meant, strict=True)
        if _has_kind(before, Kind.COARSE) and _has_kind(after, Kind.EMOTION)
    )
    return LabelMap(tuple(labels), merged(meant, resolve_merges(merges)), tuple(loose))


def is_placeholder(label: str) -> bool:
    """Whether a label is the name that transformers gives to an output without one.

    Examples:
        >>> is_placeholder("LABEL_0"), is_placeholder("angry")
        (True, False)
    """
    return _PLACEHOLDER.fullmatch(label) is not None


def _require_agreeing_placeholder(label: str, emotion: str, labels: Sequence[str], own: Sequence[str | None]) -> None:
    """Accept an override by placeholder of an output that has a name, if both mean the same."""
    match = _PLACEHOLDER.fullmatch(label)
    output = int(match[1]) if match else len(labels)
    if output >= len(labels):
        shown = ", ".join(repr(known[:_MAX_CHARACTERS]) for known in labels[:_MAX_LABELS])
        rest = ", …" if len(labels) > _MAX_LABELS else ""
        raise RequestError(f"there is no label {label!r} to override; the labels are {shown}{rest}")
    if own[output] != emotion:
        name = labels[output][:_MAX_CHARACTERS]
        raise RequestError(
            f"the override says that {label} means {emotion}, but that output is called {name!r}; "
            f"override {name!r} instead, or remove the override"
        )


def _has_kind(emotion: str | None, kind: Kind) -> bool:
    return emotion is not None and emotion_class(emotion).kind is kind
