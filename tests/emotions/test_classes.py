"""The canonical classes."""

import pytest

from benchmark.emotions.classes import EmotionClass, Kind, canonical_names, emotion_class
from benchmark.errors import RequestError


def test_exactly_the_halves_of_valence_and_arousal_are_coarse() -> None:
    assert _names_of(Kind.COARSE) == {"positive", "negative", "activated", "deactivated"}


def test_exactly_other_and_unknown_are_residual() -> None:
    assert _names_of(Kind.RESIDUAL) == {"other", "unknown"}


@pytest.mark.parametrize(
    "name",
    [
        "anger", "boredom", "calm", "contempt", "disgust", "embarrassment", "enthusiasm", "fear", "happiness",
        "neutral", "sadness", "surprise", "anxiety", "hurt", "frustration", "excitement", "amusement", "confusion",
        "disappointment", "love", "pride", "relief", "shame", "guilt", "sarcasm", "tenderness", "interest", "stress",
    ],
)  # fmt: skip
def test_an_emotion_of_the_field_is_a_class_of_its_own(name: str) -> None:
    assert emotion_class(name) == EmotionClass(name, Kind.EMOTION)


def test_an_alias_is_not_the_name_of_a_class() -> None:
    with pytest.raises(RequestError, match="unknown emotion 'neutrall'; did you mean 'neutral'"):
        emotion_class("neutrall")


def _names_of(kind: Kind) -> set[str]:
    return {name for name in canonical_names() if emotion_class(name).kind is kind}
