"""Which output an override is about."""

import pytest

from benchmark.emotions.label_map import map_labels
from benchmark.errors import RequestError


def test_an_override_names_unnamed_outputs() -> None:
    overrides = {"LABEL_0": "neutral", "LABEL_1": "angry", "LABEL_2": "positive"}
    assert map_labels(["LABEL_0", "LABEL_1", "LABEL_2"], overrides=overrides).emotions == (
        "neutral", "anger", "positive",
    )  # fmt: skip


def test_an_override_of_a_label_that_occurs_twice_is_about_both() -> None:
    assert map_labels(["x", "sad", "x"], overrides={"x": "fear"}).emotions == ("fear", "sadness", "fear")


def test_an_override_decides_against_what_the_label_says() -> None:
    assert map_labels(["calm", "sad"], overrides={"calm": "neutral"}).emotions == ("neutral", "sadness")


def test_a_placeholder_agrees_with_a_revision_that_names_the_output() -> None:
    overrides = {"LABEL_0": "neutral", "LABEL_1": "anger"}
    assert map_labels(["neutral", "angry"], overrides=overrides).emotions == ("neutral", "anger")


def test_a_placeholder_that_contradicts_the_name_of_its_output_is_refused() -> None:
    with pytest.raises(RequestError, match="LABEL_0 means neutral, but that output is called 'angry'"):
        map_labels(["angry", "neutral"], overrides={"LABEL_0": "neutral"})


def test_an_override_of_an_unknown_label_is_refused_with_the_labels() -> None:
    with pytest.raises(RequestError, match="no label 'hapy' to override; the labels are 'happy', 'sad'"):
        map_labels(["happy", "sad"], overrides={"hapy": "happiness"})


@pytest.mark.parametrize("label", ["LABEL_2", "LABEL_00", "LABEL_-1", "label_0"])
def test_a_placeholder_beyond_the_outputs_is_an_unknown_label(label: str) -> None:
    with pytest.raises(RequestError, match="to override; the labels are"):
        map_labels(["happy", "sad"], overrides={label: "happiness"})


def test_the_message_about_many_labels_stays_short() -> None:
    with pytest.raises(RequestError, match=r"'sound 29', …$"):
        map_labels([f"sound {number}" for number in range(527)], overrides={"speech": "neutral"})


def test_an_override_to_an_unknown_emotion_is_refused() -> None:
    with pytest.raises(RequestError, match="unknown emotion 'hapiness2'; did you mean 'happiness'"):
        map_labels(["happy"], overrides={"happy": "hapiness2"})
