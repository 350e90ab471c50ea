from collections.abc import Mapping

import pytest

from benchmark.emotions.classes import Kind, vocabulary
from benchmark.emotions.label_map import map_labels
from benchmark.emotions.merges import chosen_merges, merge_preset, merge_presets, merged, resolve_merges
from benchmark.errors import RequestError


@pytest.mark.parametrize(
    ("merges", "ends"),
    [
        ([], {}),
        ("calm=neutral", {"calm": "neutral"}),
        ([" Excited = joy "], {"excitement": "happiness"}),
        ({"serene": "neutral"}, {"calm": "neutral"}),
        (["calm=neutral", "serene=neutral"], {"calm": "neutral"}),
        (
            ["amusement=excitement", "excitement=happiness", "happiness=positive"],
            {"amusement": "positive", "excitement": "positive", "happiness": "positive"},
        ),
        (["positive=other"], {"positive": "other"}),
    ],
)
def test_merges_are_followed_to_their_end(merges: list[str] | Mapping[str, str], ends: dict[str, str]) -> None:
    assert resolve_merges(merges) == ends


@pytest.mark.parametrize(
    ("merges", "message"),
    [
        (["calm"], "'calm' is not a merge"),
        (["=calm"], "is not a merge"),
        (["calm=neutral=sad"], "is not a merge"),
        (["calm=neutrall"], "unknown emotion 'neutrall'; did you mean 'neutral'"),
        (["joy=happy"], "both sides are happiness"),
        (["calm=neutral", "neutral=calm"], "circle, calm = neutral = calm"),
        (["anger=fear", "fear=sadness", "sadness=fear"], "circle, fear = sadness = fear"),
        (["calm=neutral", "calm=sadness"], "calm is merged into both neutral and sadness"),
        (["anger=negative", "negative=fear"], "a coarse class is not one emotion"),
    ],
)
def test_a_merge_that_makes_no_sense_is_refused_with_the_reason(merges: list[str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        resolve_merges(merges)


RAVDESS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


@pytest.mark.parametrize(
    ("name", "classes", "of_all"),
    [
        ("sentiment", "negative neutral positive surprise", None),
        ("arousal", "activated deactivated", None),
        ("big4", "anger happiness neutral other sadness", "anger happiness neutral other sadness"),
    ],
)
def test_a_preset_is_plain_merges_of_known_classes_with_a_reason(name: str, classes: str, of_all: str | None) -> None:
    preset = merge_preset(name)
    assert set(preset.merges) | set(preset.merges.values()) <= set(vocabulary())
    assert chosen_merges(name) == dict(preset.merges)
    assert "20" in preset.why
    label_map = map_labels(RAVDESS, merges=preset.merges)
    assert " ".join(sorted(label_map.classes)) == classes
    assert {index for index in label_map.indices if index is not None} == set(range(len(label_map.classes)))
    emotions = [label for label, entry in vocabulary().items() if entry.kind is Kind.EMOTION]
    assert of_all in (None, " ".join(sorted({str(name) for name in merged(emotions, preset.merges)})))


def test_single_merges_take_precedence_over_the_preset() -> None:
    assert chosen_merges("arousal", ["disgust=anger"])["disgust"] == "activated"
    with pytest.raises(RequestError, match="circle"):
        chosen_merges("sentiment", ["neutral=calm"])


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(RequestError, match="sentiment"):
        merge_preset("sentimnt")
    assert set(merge_presets()) == {"sentiment", "arousal", "big4"}
