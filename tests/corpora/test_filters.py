from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.filters import filtered, sampled, shares_of
from benchmark.errors import RequestError
from benchmark.options.shared import ClipOptions


def corpus_of(labels: Sequence[str | None], meanings: dict[str, str] | None = None) -> Corpus:
    clips = tuple(
        Clip(
            name=f"{index}.wav",
            audio=AudioFile(Path(f"{index}.wav")),
            label=label,
            speaker=f"s{index % 4}",
            language=("ko", "en")[index % 2],
        )
        for index, label in enumerate(labels)
    )
    return Corpus(name="c", source="folder:c", clips=clips, available_clips=len(clips), labels=meanings or {})


MANY = corpus_of(["anger"] * 600 + ["fear"] * 300 + [None] * 95 + ["calm"] * 5)


def test_a_sample_keeps_the_shares_of_the_labels_and_the_order() -> None:
    drawn = sampled(MANY, 100)
    assert Counter(clip.label for clip in drawn.clips) == {"anger": 60, "fear": 30, None: 9, "calm": 1}
    assert (drawn.available_clips, drawn.selection) == (1000, "a sample of 100, seed 0")
    names = [int(clip.name.split(".")[0]) for clip in drawn.clips]
    assert names == sorted(names)
    assert max(names) > 900
    assert sampled(MANY, 1000) is MANY


def test_a_sample_is_the_same_every_time_and_another_for_another_seed() -> None:
    assert sampled(MANY, 50, 1) == sampled(MANY, 50, 1)
    assert {clip.name for clip in sampled(MANY, 50, 1).clips} != {clip.name for clip in sampled(MANY, 50, 2).clips}


def test_clips_with_votes_are_drawn_by_what_most_raters_say() -> None:
    clips = tuple(
        Clip(name=str(index), audio=AudioFile(Path("x")), votes={"anger": 1 + index % 2, "fear": 2 - index % 2})
        for index in range(100)
    )
    drawn = sampled(Corpus(name="c", source="c", clips=clips, available_clips=100), 10)
    assert Counter(clip.stratum for clip in drawn.clips) == {"anger": 5, "fear": 5}


@pytest.mark.parametrize("total", range(13))
def test_shares_add_up_and_are_never_more_than_there_is(total: int) -> None:
    groups = {"a": 7, "b": 3, "c": 1, "d": 1}
    shares = shares_of(groups, total)
    assert sum(shares.values()) == total
    assert all(0 <= shares[group] <= size for group, size in groups.items())
    assert total < 4 or min(shares.values()) >= 1


def test_what_a_filter_leaves_out_is_listed_with_its_option() -> None:
    chosen = filtered(corpus_of(["anger", "fear", "fear"]), ClipOptions(only_labels=["anger"]))
    (line,) = chosen.left_out
    assert (line.clips, line.examples, line.option) == (2, ("1.wav", "2.wav"), "--only-label")
    assert line.sentence.startswith("2 of 3 clips have another label (than anger), such as 1.wav, 2.wav: not read")
    assert filtered(chosen, ClipOptions()).left_out == (line,)


def test_speakers_languages_and_labels_are_filters_that_add_up() -> None:
    kept = filtered(MANY, ClipOptions(speakers=["s1", "s2"], languages=["en"], only_labels=["fear"]))
    assert {(clip.speaker, clip.language, clip.label) for clip in kept.clips} == {("s1", "en", "fear")}
    assert kept.available_clips == len(kept.clips) == 75
    assert kept.selection == "speaker s1, s2; language en; label fear"


@pytest.mark.parametrize("label", ["W", "anger", "angry", "분노"])
def test_a_label_may_be_selected_by_its_code_or_as_an_emotion(label: str) -> None:
    corpus = corpus_of(["W", "F", "W"], {"W": "anger", "F": "happiness"})
    assert [clip.label for clip in filtered(corpus, ClipOptions(only_labels=[label])).clips] == ["W", "W"]


def test_a_label_that_is_written_so_is_not_taken_for_an_emotion_as_well() -> None:
    assert len(filtered(corpus_of(["angry", "anger"]), ClipOptions(only_labels=["angry"])).clips) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (ClipOptions(speakers=["s9"]), "no speaker 's9'; it has s0, s1, s2, s3"),
        (ClipOptions(languages=["de"]), "no language 'de'; it has en, ko"),
        (ClipOptions(only_labels=["surprise"]), "no label 'surprise'; it has anger, calm, fear"),
        (ClipOptions(speakers=["s1"], languages=["ko"]), "no language 'ko'; it has en"),
    ],
)
def test_what_does_not_occur_is_one_sentence(options: ClipOptions, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        filtered(MANY, options)


def test_a_text_that_means_nothing_does_not_select_labels_that_mean_nothing() -> None:
    with pytest.raises(RequestError, match="no label 'x9'; it has anger, x1"):
        filtered(corpus_of(["x1", "anger"]), ClipOptions(only_labels=["x9"]))
