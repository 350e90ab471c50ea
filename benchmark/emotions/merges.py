"""Merges of classes that a user asks for, such as calm=neutral, and presets of merges."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from benchmark.emotions.aliases import resolve_emotion
from benchmark.emotions.classes import Kind, emotion_class, packaged
from benchmark.errors import RequestError, did_you_mean

NEAREST: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("annoyance", "frustration", "hatred"), "anger"),
        **dict.fromkeys(("excitement", "enthusiasm", "amusement", "pleasure", "contentment"), "happiness"),
        **dict.fromkeys(("hurt", "grief", "despair", "depression", "disappointment"), "sadness"),
        "anxiety": "fear",
        "contempt": "disgust",
        "calm": "neutral",
    }
)
"""The class that studies most often merge an emotion into; of all others nothing is suggested."""


def resolve_merges(merges: Mapping[str, str] | Iterable[str] = ()) -> dict[str, str]:
    """Map each merged class to the class that it becomes in the end, both by canonical names.

    Args:
        merges: Texts such as `calm=neutral`, or a mapping. Both sides may be any alias. Chains are followed to their
            end.

    Raises:
        RequestError: A text has no `=`; an emotion is unknown; a class is merged into itself, into two different
            classes, or round a circle; a coarse class is merged into an emotion, which only an override may do.

    Examples:
        >>> resolve_merges(["calm=neutral", "excited=joy"])
        {'calm': 'neutral', 'excitement': 'happiness'}
    """
    if isinstance(merges, Mapping):
        pairs = list(merges.items())
    else:
        pairs = [_split(text) for text in ([merges] if isinstance(merges, str) else merges)]
    steps: dict[str, str] = {}
    for source_text, target_text in pairs:
        source, target = resolve_emotion(source_text), resolve_emotion(target_text)
        merge = f"merge {source_text}={target_text}"
        if source == target:
            raise RequestError(f"{merge}: both sides are {source}; remove it")
        if emotion_class(source).kind is Kind.COARSE and emotion_class(target).kind is Kind.EMOTION:
            raise RequestError(
                f"{merge}: a coarse class is not one emotion; "
                f"where a model means {target} by it, say so in the registry, under `labels` of that candidate"
            )
        if steps.setdefault(source, target) != target:
            raise RequestError(f"{source} is merged into both {steps[source]} and {target}; keep one of the two")
    return {source: _end_of(source, steps) for source in steps}


def merged(emotions: Iterable[str | None], merges: Mapping[str, str]) -> tuple[str | None, ...]:
    """Replace classes by what they are merged into, according to `resolve_merges`; None stays None.

    Examples:
        >>> merged(["calm", "fear", None], {"calm": "neutral"})
        ('neutral', 'fear', None)
    """
    return tuple(None if emotion is None else merges.get(emotion, emotion) for emotion in emotions)


def _split(text: str) -> tuple[str, str]:
    source, _, target = text.partition("=")
    if not (source.strip() and target.strip()) or "=" in target:
        raise RequestError(f"{text!r} is not a merge; write the class that goes, =, the class it becomes: calm=neutral")
    return source, target


def _end_of(source: str, steps: Mapping[str, str]) -> str:
    chain = [source]
    while chain[-1] in steps:
        chain.append(steps[chain[-1]])
        if chain[-1] in chain[:-1]:
            circle = chain[chain.index(chain[-1]) :]
            raise RequestError(f"the merges go round in a circle, {' = '.join(circle)}; remove one of them")
    return chain[-1]


@dataclass(frozen=True)
class MergePreset:
    """Merges under one name, which many studies make; `why` says in sentences what they rest on."""

    name: str
    why: str
    merges: Mapping[str, str]


@cache
def merge_presets() -> Mapping[str, MergePreset]:
    """The presets by name.

    Examples:
        >>> list(merge_presets())
        ['sentiment', 'arousal', 'big4']
    """
    presets = {}
    for name, fields in packaged("presets.yaml").items():
        merges = {source: target for target, sources in fields["merges"].items() for source in sources}
        presets[name] = MergePreset(name, " ".join(fields["why"].split()), MappingProxyType(merges))
    return MappingProxyType(presets)


def merge_preset(name: str) -> MergePreset:
    """The preset of this name.

    Raises:
        RequestError: There is none.
    """
    presets = merge_presets()
    if name not in presets:
        hint = did_you_mean(name, presets, otherwise="the presets are")
        raise RequestError(f"unknown preset of merges {name!r}{hint}")
    return presets[name]


def chosen_merges(preset: str | None, merges: Iterable[str] | Mapping[str, str] = ()) -> dict[str, str]:
    """Resolve a preset together with single merges, which take precedence.

    Raises:
        RequestError: The preset or an emotion is unknown, or both together go round in a circle.

    Examples:
        >>> chosen_merges("sentiment", ["surprise=happiness"])["surprise"]
        'positive'
        >>> chosen_merges("sentiment", ["boredom=neutral"])["boredom"]
        'neutral'
    """
    single = resolve_merges(merges)
    return resolve_merges({**(merge_preset(preset).merges if preset is not None else {}), **single})
