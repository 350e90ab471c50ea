"""The canonical classes, and what kind of class each is."""

from dataclasses import dataclass
from enum import StrEnum

from benchmark.emotions.suggestions import did_you_mean
from benchmark.emotions.vocabulary import vocabulary
from benchmark.errors import RequestError


class Kind(StrEnum):
    """What a class says about a voice."""

    EMOTION = "emotion"
    """One emotion, or the absence of any (neutral)."""
    COARSE = "coarse"
    """A half of the emotions: positive or negative, activated or deactivated."""
    RESIDUAL = "residual"
    """What annotators could not name: other or unknown."""


@dataclass(frozen=True)
class EmotionClass:
    """A canonical class.

    Attributes:
        name: The word that is used everywhere, such as `anger`.
        kind: What kind of class it is; only emotions can be scored.
    """

    name: str
    kind: Kind


def emotion_class(name: str) -> EmotionClass:
    """The canonical class of this name.

    Args:
        name: A canonical name, such as `anger`; an alias will not do.

    Returns:
        The class with its kind.

    Raises:
        RequestError: There is no such class; the message names the nearest.

    Examples:
        >>> emotion_class("positive").kind
        <Kind.COARSE: 'coarse'>
    """
    entry = vocabulary().get(name)
    if entry is None:
        raise RequestError(f"unknown emotion {name!r}{did_you_mean(name, canonical_names()) or known_classes_hint()}")
    return EmotionClass(name=name, kind=Kind(entry.kind))


def canonical_names() -> tuple[str, ...]:
    """The names of all canonical classes: the emotions first, then the coarse and the residual ones.

    Examples:
        >>> canonical_names()[:3]
        ('neutral', 'anger', 'happiness')
    """
    return tuple(vocabulary())


def known_classes_hint() -> str:
    """The end of a message about an unknown emotion that resembles none."""
    return f"; the classes are {', '.join(canonical_names())}"
