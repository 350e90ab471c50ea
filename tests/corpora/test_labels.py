from benchmark.audio.waveform import Waveform
from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.labels import corpus_labels
from benchmark.emotions.merges import chosen_merges


class Unheard:
    def waveform(self) -> Waveform:
        raise AssertionError("labels are known without decoding")


def corpus(*labels: str | None, **fields: object) -> Corpus:
    clips = tuple(Clip(name=str(place), audio=Unheard(), label=label) for place, label in enumerate(labels))
    return Corpus(name="c", source="", clips=clips, available_clips=len(clips), **fields)  # type: ignore[arg-type]


def test_labels_are_counted_and_get_contiguous_classes() -> None:
    found = corpus_labels(corpus("분노", "angry", "радость", None, "x1", "angry"))
    assert found.label_map.labels == ("angry", "x1", "радость", "분노")
    assert found.label_map.emotions == ("anger", None, "happiness", "anger")
    assert found.label_map.indices == (0, None, 1, 0)
    assert (found.clips, found.unlabelled) == ({"분노": 1, "angry": 2, "радость": 1, "x1": 1}, 1)


def test_overrides_and_merges_apply_and_those_of_absent_labels_are_passed_over() -> None:
    one = corpus("x1", "calm", labels={"x1": "fear", "x2": "joy"}, merge={"calm": "neutral"})
    assert corpus_labels(one).label_map.emotions == ("neutral", "fear")
    assert corpus_labels(one, chosen_merges("arousal")).label_map.emotions == ("deactivated", "activated")


def test_votes_are_labels_too() -> None:
    clip = Clip(name="a", audio=Unheard(), votes={"sad": 2, "odd": 1})
    found = corpus_labels(Corpus(name="c", source="", clips=(clip,), available_clips=1))
    assert found.clips == {"sad": 2, "odd": 1}
    assert found.label_map.unmapped == ("odd",)
    assert found.unlabelled == 0
