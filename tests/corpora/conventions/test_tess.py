from pathlib import PurePosixPath

import pytest

from benchmark.corpora.conventions.naming import Utterance
from benchmark.corpora.conventions.tess import parse


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("OAF_angry/OAF_back_angry.wav", Utterance(label="angry", speaker="OAF", sex="female", text_id="back")),
        ("YAF_pleasant_surprised/YAF_dog_ps.wav", Utterance(label="ps", speaker="YAF", sex="female", text_id="dog")),
        # Named without its F in the corpus.
        ("OAF_neutral/OA_bite_neutral.wav", Utterance(label="neutral", speaker="OAF", sex="female", text_id="bite")),
        ("yaf_DOG_Fear.flac", Utterance(label="fear", speaker="YAF", sex="female", text_id="dog")),
    ],
)
def test_names_of_the_corpus_are_taken_apart(name: str, expected: Utterance) -> None:
    assert parse(PurePosixPath(name)) == expected


@pytest.mark.parametrize("name", ["OAF_back_calm.wav", "XAF_back_angry.wav", "OAF_back.wav"])
def test_other_names_are_not_guessed(name: str) -> None:
    assert parse(PurePosixPath(name)) is None
