from pathlib import PurePosixPath

import pytest

from benchmark.corpora.conventions.emovo import parse
from benchmark.corpora.conventions.naming import Utterance


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("f1/dis-f1-b1.wav", Utterance(label="dis", speaker="f1", sex="female", text_id="b1")),
        ("m3/gio-m3-l4.wav", Utterance(label="gio", speaker="m3", sex="male", text_id="l4")),
        ("neu-f2-n5.flac", Utterance(label="neu", speaker="f2", sex="female", text_id="n5")),
        ("sor-m1-d2.wav", Utterance(label="sor", speaker="m1", sex="male", text_id="d2")),
    ],
)
def test_names_of_the_corpus_are_taken_apart(name: str, expected: Utterance) -> None:
    assert parse(PurePosixPath(name)) == expected


@pytest.mark.parametrize("name", ["dis-f4-b1.wav", "dis-f1-b4.wav", "cal-f1-b1.wav", "dis-f1.wav"])
def test_other_names_are_not_guessed(name: str) -> None:
    assert parse(PurePosixPath(name)) is None
