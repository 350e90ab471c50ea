"""Merges of classes that a user asks for, such as calm=neutral, and presets of merges."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from benchmark.emotions.aliases import resolve_emotion
from benchmark.emotions.classes import Kind, emotion_class, packaged
from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError


class Merges:
    """Which classes count as another class.

    Args:
        merges: Texts such as `calm=neutral`, or a mapping from the class that goes to the class it becomes. Both
            sides may be any alias. Chains are followed to their end.

    Raises:
        RequestError: A text has no `=`; an emotion is unknown; a class is merged into itself, into two different
            classes, or round a circle; a coarse class is merged into an emotion, which only an override may do.

    Examples:
        >>> merges = Merges(["calm=neutral", "excited=joy"])
        >>> merges.apply("calm"), merges.apply("excitement"), merges.apply("fear"), merges.apply(None)
        ('neutral', 'happiness', 'fear', None)
    """

    __slots__ = ("_ends",)

    def __init__(self, merges: Mapping[str, str] | Iterable[str] = ()) -> None:
        steps: dict[str, str] = {}
        for source, target in _pairs(merges):
            _add_step(steps, source, target)
        self._ends: Mapping[str, str] = MappingProxyType({source: _end_of(source, steps) for source in steps})

    def apply(self, emotion: str | None) -> str | None:
        """The class that a class has become.

        Args:
            emotion: A canonical name, or None for what maps to nothing.

        Returns:
            The end of its chain of merges; the same where nothing is merged.
        """
        return None if emotion is None else self._ends.get(emotion, emotion)

    def as_dict(self) -> dict[str, str]:
        """Every merged class and what it becomes in the end, by canonical names.

        Examples:
            >>> Merges({"calm": "neutral", "serene": "neutral"}).as_dict()
            {'calm': 'neutral'}
        """
        return dict(self._ends)

    def __bool__(self) -> bool:
        return bool(self._ends)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Merges) and self._ends == other._ends

    def __hash__(self) -> int:
        return hash(frozenset(self._ends.items()))

    def __repr__(self) -> str:
        return f"Merges({[f'{source}={target}' for source, target in self._ends.items()]})"


def _pairs(merges: Mapping[str, str] | Iterable[str]) -> Iterator[tuple[str, str]]:
    if isinstance(merges, Mapping):
        yield from merges.items()
        return
    for text in [merges] if isinstance(merges, str) else merges:
        source, equals, target = text.partition("=")
        if not (equals and source.strip() and target.strip()) or "=" in target:
            raise RequestError(
                f"{text!r} is not a merge; write the class that goes, =, the class it becomes: calm=neutral"
            )
        yield source, target


def _add_step(steps: dict[str, str], source_text: str, target_text: str) -> None:
    source, target = resolve_emotion(source_text), resolve_emotion(target_text)
    if source == target:
        raise RequestError(f"merge {source_text}={target_text}: both sides are {source}; remove it")
    if emotion_class(source).kind is Kind.COARSE and emotion_class(target).kind is Kind.EMOTION:
        raise RequestError(
            f"merge {source_text}={target_text}: a coarse class is not one emotion; "
            f"where a model means {target} by it, say so in the registry, under `labels` of that candidate"
        )
    if steps.setdefault(source, target) != target:
        raise RequestError(f"{source} is merged into both {steps[source]} and {target}; keep one of the two")


def _end_of(source: str, steps: Mapping[str, str]) -> str:
    way = [source]
    while way[-1] in steps:
        way.append(steps[way[-1]])
        if way[-1] in way[:-1]:
            circle = way[way.index(way[-1]) :]
            raise RequestError(f"the merges go round in a circle, {' = '.join(circle)}; remove one of them")
    return way[-1]


NO_MERGES = Merges()


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
