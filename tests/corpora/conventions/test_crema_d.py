from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from benchmark.corpora.conventions.crema_d import parse, read
from benchmark.corpora.conventions.naming import Utterance
from benchmark.errors import RequestError

Record = Callable[..., Path]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1001_DFA_ANG_XX.wav", Utterance(label="ANG", speaker="1001", text_id="DFA")),
        ("1001_IEO_DIS_HI.mp3", Utterance(label="DIS", speaker="1001", text_id="IEO", intensity="high")),
        ("1091_IEO_SAD_LO.wav", Utterance(label="SAD", speaker="1091", text_id="IEO", intensity="low")),
        ("1091_IEO_HAP_MD.wav", Utterance(label="HAP", speaker="1091", text_id="IEO", intensity="medium")),
        ("1040_ITH_SAD_X.wav", Utterance(label="SAD", speaker="1040", text_id="ITH")),  # named so in the corpus
    ],
)
def test_names_of_the_documentation_are_taken_apart(name: str, expected: Utterance) -> None:
    assert parse(PurePosixPath(name)) == expected


@pytest.mark.parametrize("name", ["1001_DFA_SUR_XX.wav", "1001_DFA_ANG.wav", "DFA_1001_ANG_XX.wav"])
def test_other_names_are_not_guessed(name: str) -> None:
    assert parse(PurePosixPath(name)) is None


@pytest.mark.parametrize("place", ["corpus", "corpus/AudioWAV"])
def test_the_sex_comes_from_the_table_of_actors(place: str, record: Record, tmp_path: Path) -> None:
    record("corpus/AudioWAV/1001_DFA_ANG_XX.wav")
    record("corpus/AudioWAV/1002_DFA_ANG_XX.wav")
    record("corpus/AudioWAV/1003_DFA_ANG_XX.wav")
    table = (
        "ActorID,Age,Sex,Race,Ethnicity\n1001,51,Male,Caucasian,Not Hispanic\n1002,21,Female,Caucasian,Not Hispanic\n"
    )
    (tmp_path / "corpus/VideoDemographics.csv").write_text(table)
    contents = read(tmp_path / place)
    assert [clip.sex for clip in contents.clips] == ["male", "female", None]
    assert contents.notes == ()


def test_without_the_table_nobody_knows_the_sex_and_a_note_says_so(record: Record, tmp_path: Path) -> None:
    record("corpus/1001_DFA_ANG_XX.wav")
    contents = read(tmp_path / "corpus")
    assert contents.clips[0].sex is None
    assert "VideoDemographics.csv" in contents.notes[0]


def test_a_table_of_actors_that_is_none_is_one_sentence(record: Record, tmp_path: Path) -> None:
    record("corpus/1001_DFA_ANG_XX.wav")
    (tmp_path / "corpus/VideoDemographics.csv").write_text("a,b\n1,2\n")
    with pytest.raises(RequestError, match="ActorID"):
        read(tmp_path / "corpus")
