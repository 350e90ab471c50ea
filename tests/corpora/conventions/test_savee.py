from pathlib import PurePosixPath

import pytest

from benchmark.corpora.conventions.naming import Utterance
from benchmark.corpora.conventions.savee import parse


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AudioData/DC/a01.wav", Utterance(label="a", speaker="DC", sex="male", text_id="01")),
        ("DC_a01.wav", Utterance(label="a", speaker="DC", sex="male", text_id="01")),
        ("JE/d03.wav", Utterance(label="d", speaker="JE", sex="male", text_id="03")),  # the example of Info.txt
        ("KL/su15.wav", Utterance(label="su", speaker="KL", sex="male", text_id="su15")),
        ("JK_sa04.wav", Utterance(label="sa", speaker="JK", sex="male", text_id="sa04")),
        ("JK/n30.wav", Utterance(label="n", speaker="JK", sex="male", text_id="n30")),
    ],
)
def test_both_layouts_are_taken_apart(name: str, expected: Utterance) -> None:
    assert parse(PurePosixPath(name)) == expected


@pytest.mark.parametrize("name", ["a01.wav", "XX/a01.wav", "DC/x01.wav", "DC/a1.wav"])
def test_other_names_are_not_guessed(name: str) -> None:
    assert parse(PurePosixPath(name)) is None
