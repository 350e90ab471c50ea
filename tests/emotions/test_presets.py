import pytest

from benchmark.emotions.classes import Kind, canonical_names, emotion_class
from benchmark.emotions.label_map import map_labels
from benchmark.emotions.presets import chosen_merges, merge_preset, merge_presets
from benchmark.errors import RequestError

RAVDESS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


@pytest.mark.parametrize("name", ["sentiment", "arousal", "big4"])
def test_a_preset_is_plain_merges_of_known_classes_with_a_reason(name: str) -> None:
    preset = merge_preset(name)
    assert set(preset.merges) | set(preset.merges.values()) <= set(canonical_names())
    assert chosen_merges(name).as_dict() == dict(preset.merges)
    assert "20" in preset.why


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("sentiment", {"neutral", "positive", "negative", "surprise"}),
        ("arousal", {"activated", "deactivated"}),
        ("big4", {"neutral", "happiness", "sadness", "anger", "other"}),
    ],
)
def test_the_eight_labels_of_ravdess_become_the_classes_of_a_preset(name: str, classes: set[str]) -> None:
    label_map = map_labels(RAVDESS, merges=chosen_merges(name))
    assert set(label_map.classes) == classes
    assert sorted({index for index in label_map.indices if index is not None}) == list(range(len(classes)))


def test_no_class_of_big4_but_its_four_stays_an_emotion() -> None:
    merges = chosen_merges("big4")
    left = {merges.apply(name) for name in canonical_names() if emotion_class(name).kind is Kind.EMOTION}
    assert left == {"anger", "happiness", "neutral", "sadness", "other"}


def test_what_is_said_singly_counts_more_than_the_preset() -> None:
    assert chosen_merges("arousal", ["disgust=anger"]).apply("disgust") == "activated"


def test_a_circle_of_preset_and_merge_is_refused() -> None:
    with pytest.raises(RequestError, match="circle"):
        chosen_merges("sentiment", ["neutral=calm"])


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(RequestError, match="sentiment"):
        merge_preset("sentimnt")
    assert set(merge_presets()) == {"sentiment", "arousal", "big4"}
