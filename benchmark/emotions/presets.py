"""Merges that many studies make, under one name each; they become plain merges before anything is counted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from benchmark.emotions.merges import Merges
from benchmark.emotions.suggestions import did_you_mean
from benchmark.emotions.vocabulary import packaged
from benchmark.errors import RequestError


@dataclass(frozen=True)
class MergePreset:
    """Merges under one name.

    Attributes:
        name: What the user calls them.
        why: What they rest on, in sentences for a person.
        merges: Class → the class that it counts as.
    """

    name: str
    why: str
    merges: Mapping[str, str]


def merge_presets() -> tuple[str, ...]:
    """The names of the presets.

    Examples:
        >>> merge_presets()
        ('sentiment', 'arousal', 'big4')
    """
    return tuple(_presets())


def merge_preset(name: str) -> MergePreset:
    """The preset of this name.

    Raises:
        RequestError: There is none.

    Examples:
        >>> merge_preset("sentiment").merges["anger"]
        'negative'
    """
    preset = _presets().get(name)
    if preset is None:
        hint = did_you_mean(name, merge_presets()) or f"; the presets are {', '.join(merge_presets())}"
        raise RequestError(f"unknown preset of merges {name!r}{hint}")
    return preset


def chosen_merges(preset: str | None, merges: Iterable[str] | Mapping[str, str] = ()) -> Merges:
    """What a user asks for by a preset, by single merges, or by both: what is said singly counts.

    Args:
        preset: The name of a preset; None for none.
        merges: Merges such as `calm=neutral`, or as a mapping.

    Returns:
        Plain merges, chains followed to their end.

    Raises:
        RequestError: The preset or an emotion is unknown, or both together go round in a circle.

    Examples:
        >>> chosen_merges("sentiment", ["surprise=happiness"]).apply("surprise")
        'positive'
        >>> chosen_merges("sentiment", ["boredom=neutral"]).apply("boredom")
        'neutral'
    """
    single = Merges(merges).as_dict()
    return Merges({**(merge_preset(preset).merges if preset is not None else {}), **single})


@cache
def _presets() -> dict[str, MergePreset]:
    return {
        name: MergePreset(
            name,
            " ".join(fields["why"].split()),
            MappingProxyType({source: target for target, sources in fields["merges"].items() for source in sources}),
        )
        for name, fields in packaged("presets.yaml").items()
    }
