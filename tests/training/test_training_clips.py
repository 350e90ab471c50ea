from benchmark.training.training_clips import class_indices
from tests.support.training_clips import training_clips


def test_class_indices_have_no_holes_and_each_class_has_a_clip() -> None:
    # What is left after a merge: an index per class of the corpus would have a hole.
    labels, classes = class_indices(["neutral", "sadness", "neutral", "anger"])
    assert sorted(set(labels.tolist())) == list(range(len(classes)))
    assert [classes[label] for label in labels] == ["neutral", "sadness", "neutral", "anger"]


def test_clips_without_a_speaker_are_apart_unless_their_audio_is_the_same() -> None:
    clips = training_clips(["anger"] * 5, ["a", "a", None, None, None], hashes=["1", "2", "3", "4", "4"])
    assert clips.groups.tolist() == [0, 0, 1, 2, 2]
    assert clips.has_speakers
    assert clips.speakers_of(clips.groups) == ("a",)
