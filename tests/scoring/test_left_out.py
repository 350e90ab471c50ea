import pytest

from benchmark.results.runs import ClipRecord
from benchmark.scoring.labels import label_clips
from benchmark.scoring.left_out import left_out_clips
from tests.scoring.conftest import clip_record, corpus_record, unreadable


def listed(clips: list[ClipRecord], **fields: object) -> dict[str, str]:
    """What is left out of six ordinary clips and these, by kind."""
    usual = [
        clip_record(f"{emotion}{number}", label=emotion, speaker=f"s{number}")
        for emotion in ("anger", "fear")
        for number in range(5)
    ]
    corpus = corpus_record("calls", [*usual, *clips], **fields)
    return {line.kind: line.sentence for line in left_out_clips(corpus, label_clips(corpus))}


def clip(name: str = "x", **fields: object) -> ClipRecord:
    return clip_record(name, **({"label": "anger", "speaker": "s1"} | fields))


def test_of_a_tidy_corpus_nothing_is_left_out() -> None:
    assert listed([]) == {}


@pytest.mark.parametrize(
    ("clips", "kind", "sentence"),
    [
        (
            [unreadable("z")],
            "unreadable",
            "1 of 11 clips cannot be read, such as z (It is empty): it is left out for all",
        ),
        (
            [clip(label="qwertz")],
            "no-emotion",
            "1 of 11 clips has a label that means no emotion (qwertz 1), such as x: not",
        ),
        (
            [clip(label=None)],
            "no-label",
            "1 of 11 clips has no label, such as x: not scored; fill the labels in, or use",
        ),
        (
            [clip(label=None, votes={"anger": 1, "fear": 1})],
            "tied",
            "1 of 11 clips has a tie of raters, such as x: not",
        ),
        (
            [clip(label=None, votes={"anger": 2, "fear": 1, "joy": 1})],
            "minority",
            "1 of 11 clips has no emotion that most",
        ),
        (
            [clip(clip_hash="anger0")],
            "copy",
            "1 of 11 clips is a copy of another, sample by sample, such as x (as anger0)",
        ),
        (
            [clip("anger0")],
            "copy",
            "1 of 11 clips is a copy of another, sample by sample, such as anger0 (as anger0): each",
        ),
        (
            [clip(speech_share=0.0)],
            "no-speech",
            "1 of 11 clips has no speech, as far as a detector can tell, which takes",
        ),
        (
            [clip(speaker=None), clip("y", speaker=None)],
            "no-speaker",
            "2 of 12 clips name no speaker, such as x, y: more",
        ),
    ],
)
def test_each_kind_is_one_sentence_with_its_number_and_examples(
    clips: list[ClipRecord], kind: str, sentence: str
) -> None:
    lines = listed(clips)
    assert list(lines) == [kind]
    assert lines[kind].startswith(sentence)


def test_clips_that_are_not_read_are_counted_with_the_option_that_asked_for_it() -> None:
    lines = listed([], available_clips=25, silent_clips=2)
    assert lines["limit"] == ("15 of 25 clips are not read: --limit or --sample asked for it; without them all are.")
    assert lines["silent"].startswith("2 clips have no speech, or too little: they are left out, as --skip-silence")


def test_names_of_clips_and_labels_are_shown_as_they_are() -> None:
    lines = listed([clip("[a|b]", label="[is|are]")])
    assert "no emotion ([is|are] 1), such as [a|b]: not scored" in lines["no-emotion"]
