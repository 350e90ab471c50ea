from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from benchmark.corpora.clips import Corpus
from benchmark.corpora.conventions.emodb import parse
from benchmark.corpora.conventions.naming import Utterance
from benchmark.emotions.aliases import emotion_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("03a01Fa.wav", Utterance(label="F", speaker="03", sex="male", text_id="a01")),  # the documentation's example
        ("16b10Wb.wav", Utterance(label="W", speaker="16", sex="female", text_id="b10")),
        ("08a07La.flac", Utterance(label="L", speaker="08", sex="female", text_id="a07")),
        ("99a01N.wav", Utterance(label="N", speaker="99", sex=None, text_id="a01")),
    ],
)
def test_names_of_the_documentation_are_taken_apart(name: str, expected: Utterance) -> None:
    assert parse(PurePosixPath(name)) == expected


@pytest.mark.parametrize("name", ["03a01Xa.wav", "3a01Fa.wav", "03a01Faa.wav", "03c01Fa.wav"])
def test_other_names_are_not_guessed(name: str) -> None:
    assert parse(PurePosixPath(name)) is None


def test_convention_and_table_give_the_same_clips_emotions_and_speakers(
    shared: Path, opened: Callable[..., Corpus]
) -> None:
    by_name = opened(f"emodb:{shared}/corpora/emodb_4class")
    by_table = opened(f"table:{shared}/corpora/emodb_4class/metadata.csv")
    assert len(by_name.clips) == 339
    assert {
        (clip.name, by_name.labels[clip.label or ""], clip.speaker, clip.sex, clip.language, clip.text_id)
        for clip in by_name.clips
    } == {
        (clip.name, emotion_of(clip.label or ""), clip.speaker, clip.sex, clip.language, clip.text_id)
        for clip in by_table.clips
    }
