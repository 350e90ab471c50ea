import numpy as np
import pytest

from benchmark.emotions.label_map import LabelMap, map_labels
from benchmark.errors import RequestError


def test_classes_come_in_the_order_of_their_first_output() -> None:
    labels = map_labels(["sad", "x1", "joy", "happy", "other"])
    assert labels.classes == ("sadness", "happiness", "other")
    assert labels.indices == (0, None, 1, 1, 2)
    assert labels.unmapped == ("x1",)
    assert labels.scorable == ("sadness", "happiness")


def test_indices_are_contiguous_after_merges_and_there_is_an_emotion_for_each_label() -> None:
    labels = map_labels(["neutral", "calm", "happy"], merges={"calm": "neutral"})
    assert labels.classes == ("neutral", "happiness")
    assert labels.indices == (0, 0, 1)
    empty = map_labels([])
    assert (empty.classes, empty.indices, empty.unmapped) == ((), (), ())
    with pytest.raises(ValueError, match="2 labels and 1 emotions"):
        LabelMap(("a", "b"), (None,))


def test_a_coarse_class_that_stands_for_an_emotion_is_loose() -> None:
    labels = map_labels(["angry", "positive", "negative"], overrides={"positive": "happiness"})
    assert labels.emotions == ("anger", "happiness", "negative")
    assert labels.loose == ("positive",)
    assert map_labels(["LABEL_0"], overrides={"LABEL_0": "positive"}).loose == ()


def test_the_probability_of_a_class_is_the_sum_over_its_labels() -> None:
    labels = map_labels(["neutral", "happy", "speech", "calm"], merges={"calm": "neutral"})
    logits = np.log(np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]]))
    np.testing.assert_allclose(labels.probabilities(logits), [[0.5, 0.2], [0.5, 0.3]], rtol=0, atol=1e-15)


def test_probabilities_are_stable_for_large_logits() -> None:
    logits = np.array([[3e38, 0.0], [-3e38, 0.0], [1000.0, 1001.0]], dtype=np.float32)
    expected = [[1.0, 0.0], [0.0, 1.0], [1 / (1 + np.e), np.e / (1 + np.e)]]
    np.testing.assert_allclose(map_labels(["sad", "happy"]).probabilities(logits), expected, rtol=1e-12)


def test_a_row_does_not_depend_on_the_rows_beside_it() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 9))
    labels = map_labels(["sad", "happy", "joy", "x1", "fear", "calm", "x2", "neutral", "anger"])
    together = labels.probabilities(logits)
    alone = np.concatenate([labels.probabilities(row[np.newaxis]) for row in logits])
    np.testing.assert_array_equal(together, alone)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_row_that_is_not_finite_is_nan_throughout(broken: float) -> None:
    probabilities = map_labels(["sad", "happy"]).probabilities(np.array([[broken, 0.0], [0.0, 0.0]]))
    assert np.isnan(probabilities[0]).all()
    assert probabilities[1].tolist() == [0.5, 0.5]


def test_no_clips_and_no_classes_have_empty_probabilities_and_another_shape_is_an_error() -> None:
    labels = map_labels(["sad", "happy"])
    assert labels.probabilities(np.empty((0, 2))).shape == (0, 2)
    assert map_labels(["x1", "x2"]).probabilities(np.zeros((3, 2))).shape == (3, 0)
    for shape in ((2,), (1, 3), (1, 2, 1)):
        with pytest.raises(ValueError, match="for 2 labels"):
            labels.probabilities(np.zeros(shape))


def test_an_override_names_outputs_and_decides_against_what_the_label_says_wherever_it_occurs() -> None:
    named = map_labels(["LABEL_0", "LABEL_1"], overrides={"LABEL_0": "angry", "LABEL_1": "positive"})
    assert named.emotions == ("anger", "positive")
    assert map_labels(["x", "sad", "x"], overrides={"x": "fear"}).emotions == ("fear", "sadness", "fear")
    assert map_labels(["calm", "sad"], overrides={"calm": "neutral"}).emotions == ("neutral", "sadness")


def test_a_placeholder_must_agree_with_a_revision_that_names_the_output() -> None:
    overrides = {"LABEL_0": "neutral", "LABEL_1": "anger"}
    assert map_labels(["neutral", "angry"], overrides=overrides).emotions == ("neutral", "anger")
    with pytest.raises(RequestError, match="LABEL_0 means neutral, but that output is called 'angry'"):
        map_labels(["angry", "neutral"], overrides={"LABEL_0": "neutral"})


@pytest.mark.parametrize("label", ["hapy", "LABEL_2", "LABEL_00", "LABEL_-1", "label_0"])
def test_an_override_of_an_unknown_label_is_refused_with_the_labels(label: str) -> None:
    with pytest.raises(RequestError, match=f"no label '{label}' to override; the labels are 'happy', 'sad'"):
        map_labels(["happy", "sad"], overrides={label: "happiness"})


def test_the_message_about_many_labels_stays_short() -> None:
    with pytest.raises(RequestError, match=r"'sound 29', …$"):
        map_labels([f"sound {number}" for number in range(527)], overrides={"speech": "neutral"})


def test_an_override_with_an_unknown_emotion_is_refused_with_the_nearest() -> None:
    with pytest.raises(RequestError, match="unknown emotion 'hapiness2'; did you mean 'happiness'"):
        map_labels(["happy"], overrides={"happy": "hapiness2"})
