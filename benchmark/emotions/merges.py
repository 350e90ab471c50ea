"""Merges of classes that a user asks for, such as calm=neutral, and presets of merges."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from benchmark.emotions.aliases import resolve_emotion
from benchmark.emotions.classes import Kind, emotion_class, packaged
from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError


class Merges:
    """Which classes count as another class; nothing is ever merged silently.

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
        if isinstance(merges, Mapping):
            pairs = list(merges.items())
        else:
            pairs = [_pair(text) for text in ([merges] if isinstance(merges, str) else merges)]
        for source, target in pairs:
            _add_step(steps, source, target)
        self._ends: Mapping[str, str] = MappingProxyType({source: _end_of(source, steps) for source in steps})

    def apply(self, emotion: str | None) -> str | None:
        """The class that a class has become; the same if it is not merged, None for None."""
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


def _pair(text: str) -> tuple[str, str]:
    source, _, target = text.partition("=")
    if not (source.strip() and target.strip()) or "=" in target:
        raise RequestError(f"{text!r} is not a merge; write the class that goes, =, the class it becomes: calm=neutral")
    return source, target


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
    chain = [source]
    while chain[-1] in steps:
        chain.append(steps[chain[-1]])
        if chain[-1] in chain[:-1]:
            circle = chain[chain.index(chain[-1]) :]
            raise RequestError(f"the merges go round in a circle, {' = '.join(circle)}; remove one of them")
    return chain[-1]


NO_MERGES = Merges()


@dataclass(frozen=True)
class MergePreset:
    """Merges under one name, which many studies make.

    Attributes:
        name: What the user calls them.
        why: What they rest on, in sentences for a person.
        merges: Class → the class that it counts as.
    """

    name: str
    why: str
    merges: Mapping[str, str]


@cache
def _presets() -> dict[str, MergePreset]:
    presets = {}
    for name, fields in packaged("presets.yaml").items():
        merges = {source: target for target, sources in fields["merges"].items() for source in sources}
        presets[name] = MergePreset(name, " ".join(fields["why"].split()), MappingProxyType(merges))
    return presets


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
    """The merges of a preset and single ones, which take precedence.

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
