"""The canonical classes and the label codes of single corpora, as packaged data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from benchmark.errors import RequestError, did_you_mean

# libyaml, where PyYAML was built with it, reads the aliases ten times faster; start-up time counts.
_FastestSafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Kind(StrEnum):
    """What a class says about a voice."""

    EMOTION = "emotion"
    """One emotion, or the absence of any (neutral). Only these can be scored."""
    COARSE = "coarse"
    """A half of the emotions: positive or negative, activated or deactivated."""
    RESIDUAL = "residual"
    """What annotators could not name: other or unknown."""


@dataclass(frozen=True)
class EmotionClass:
    """A canonical class, with the labels that name it by language; `codes` stands for the abbreviations."""

    name: str
    kind: Kind
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)


def packaged(file_name: str) -> dict[str, dict[str, Any]]:
    """Read one of the data files of this package."""
    text = files("benchmark.emotions").joinpath(file_name).read_text(encoding="utf-8")
    content: dict[str, dict[str, Any]] = yaml.load(text, Loader=_FastestSafeLoader)  # noqa: S506 - it is a safe loader
    return content


@cache
def vocabulary() -> Mapping[str, EmotionClass]:
    """All canonical classes by name: the emotions first, then the coarse and the residual ones.

    Examples:
        >>> list(vocabulary())[:3]
        ['neutral', 'anger', 'happiness']
    """
    classes = {}
    for name, fields in packaged("aliases.yaml").items():
        kind = Kind(fields.pop("kind"))
        aliases = {language: tuple(labels) for language, labels in fields.items()}
        classes[name] = EmotionClass(name, kind, aliases)
    return MappingProxyType(classes)


def emotion_class(name: str) -> EmotionClass:
    """The canonical class of this name; an alias is refused.

    Raises:
        RequestError: There is no such class; the message names the nearest.

    Examples:
        >>> emotion_class("positive").kind
        <Kind.COARSE: 'coarse'>
    """
    known = vocabulary().get(name)
    if known is None:
        raise unknown_emotion(name)
    return known


def unknown_emotion(name: str) -> RequestError:
    """The error about an emotion that is no class."""
    return RequestError(f"unknown emotion {name!r}{did_you_mean(name, vocabulary(), otherwise='the classes are')}")


def label_codes(corpus: str) -> dict[str, str]:
    """The label codes of a corpus, as it writes them, with the canonical class of each.

    Case, hyphens and underscores of its name do not matter.

    Raises:
        RequestError: The codes of this corpus are not known.

    Examples:
        >>> label_codes("EmoDB")["F"], label_codes("savee")["f"]
        ('happiness', 'fear')
    """
    known = packaged("codes.yaml")
    codes = next((codes for name, codes in known.items() if _folded(name) == _folded(corpus)), None)
    if codes is None:
        hint = did_you_mean(corpus, known, otherwise="the known ones are")
        raise RequestError(f"unknown label codes {corpus!r}{hint}")
    return codes


def _folded(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "")
