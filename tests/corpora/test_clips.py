from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.corpora.clips import AudioFile, Clip, Corpus


def corpus_of(labels: Sequence[str | None]) -> Corpus:
    clips = tuple(
        Clip(name=f"{index}.wav", audio=AudioFile(Path(f"{index}.wav")), label=label)
        for index, label in enumerate(labels)
    )
    return Corpus(name="c", source="folder:c", clips=clips, available_clips=len(clips))


def test_a_limit_takes_the_labels_in_turn() -> None:
    limited = corpus_of(["anger"] * 50 + ["sadness"] * 5 + ["fear"] * 45).limited(9)
    assert Counter(clip.label for clip in limited.clips) == {"anger": 3, "sadness": 3, "fear": 3}
    assert limited.available_clips == 100


def test_a_limit_keeps_the_corpus_order_and_is_the_same_every_time() -> None:
    corpus = corpus_of([None] * 30)
    names = [clip.name for clip in corpus.limited(10).clips]
    assert names == [clip.name for clip in corpus.limited(10).clips]
    assert names == sorted(names, key=lambda name: int(name.split(".")[0]))
    assert names != [clip.name for clip in corpus.clips[:10]]


def test_a_limit_above_the_number_of_clips_changes_nothing() -> None:
    corpus = corpus_of(["anger", None])
    assert corpus.limited(5) is corpus
    assert corpus.limited(None) is corpus


def test_clips_of_the_same_name_count_one_by_one() -> None:
    clip = Clip(name="a.wav", audio=AudioFile(Path("a.wav")))
    corpus = Corpus(name="c", source="table:c", clips=(clip,) * 4, available_clips=4)
    assert len(corpus.limited(2).clips) == 2


def test_what_is_merged_in_addition_counts_more_and_chains_are_followed() -> None:
    corpus = replace(corpus_of(["calm"]), merge={"calm": "neutral", "boredom": "calm"})
    assert corpus.merging({"calm": "sadness"}).merge == {"calm": "sadness", "boredom": "sadness"}
    assert corpus.merging({}).merge == {"calm": "neutral", "boredom": "neutral"}
