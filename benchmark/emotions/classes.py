"""The canonical classes and the label codes of single corpora, as packaged data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError

# libyaml, where PyYAML was built with it, reads the aliases ten times faster; start-up time counts.
_FastestSafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Entry:
    """One canonical class as aliases.yaml describes it.

    Attributes:
        kind: `emotion`, `coarse` or `residual`.
        aliases: The labels that name it, by language; `codes` holds the abbreviations.
    """

    kind: str
    aliases: Mapping[str, tuple[str, ...]]


def packaged(file_name: str) -> dict[str, dict[str, Any]]:
    """Read one of the data files."""
    text = files("benchmark.emotions").joinpath(file_name).read_text(encoding="utf-8")
    content: dict[str, dict[str, Any]] = yaml.load(text, Loader=_FastestSafeLoader)  # noqa: S506 - it is a safe loader
    return content


@cache
def vocabulary() -> Mapping[str, Entry]:
    """All canonical classes by name, in the order of aliases.yaml."""
    return MappingProxyType(
        {
            name: Entry(
                kind=fields["kind"],
                aliases={language: tuple(labels) for language, labels in fields.items() if language != "kind"},
            )
            for name, fields in packaged("aliases.yaml").items()
        }
    )


@cache
def codes_by_corpus() -> Mapping[str, Mapping[str, str]]:
    """What the codes of each acted or annotated corpus mean: corpus → code → canonical class."""
    return MappingProxyType({corpus: MappingProxyType(codes) for corpus, codes in packaged("codes.yaml").items()})


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


def conventions() -> tuple[str, ...]:
    """The names of the corpora whose codes are known.

    Examples:
        >>> "emodb" in conventions()
        True
    """
    return tuple(codes_by_corpus())


def label_codes(corpus: str) -> Mapping[str, str]:
    """What the codes of one corpus mean, as it writes them.

    Args:
        corpus: The name of a convention; case, hyphens and underscores do not matter.

    Returns:
        Code → canonical class.

    Raises:
        RequestError: The codes of this corpus are not known.

    Examples:
        >>> label_codes("emodb")["F"], label_codes("savee")["f"]
        ('happiness', 'fear')
    """
    by_folded = {_fold(name): name for name in conventions()}
    name = by_folded.get(_fold(corpus))
    if name is None:
        hint = did_you_mean(corpus, conventions()) or f"; the known ones are {', '.join(conventions())}"
        raise RequestError(f"unknown label codes {corpus!r}{hint}")
    return codes_by_corpus()[name]


def emotion_of_code(corpus: str, code: str) -> str | None:
    """The canonical class that a code means in one corpus.

    Args:
        corpus: The name of a convention.
        code: The code; case does not matter.

    Returns:
        The canonical name; None where the corpus has no such code.

    Raises:
        RequestError: The codes of this corpus are not known.

    Examples:
        >>> emotion_of_code("tess", "PS"), emotion_of_code("emodb", "q")
        ('surprise', None)
    """
    folded = {known.casefold(): emotion for known, emotion in label_codes(corpus).items()}
    return folded.get(code.strip().casefold())


def _fold(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "")
