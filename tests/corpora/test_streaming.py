from pathlib import Path

import pytest

from benchmark.corpora.streaming import DatasetSpec, parse_dataset
from benchmark.errors import RequestError


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("AbstractTTS/RAVDESS", DatasetSpec("AbstractTTS/RAVDESS")),
        ("org/speech:test", DatasetSpec("org/speech", split="test")),
        ("org/speech:noisy/test", DatasetSpec("org/speech", config="noisy", split="test")),
        ("org/speech@v1.0:test", DatasetSpec("org/speech", revision="v1.0", split="test")),
        ("./my@data", DatasetSpec("./my@data")),
        ("/data/speech:fold1", DatasetSpec("/data/speech", split="fold1")),
    ],
)
def test_every_way_of_naming_a_dataset(location: str, expected: DatasetSpec) -> None:
    assert parse_dataset(location) == expected


@pytest.mark.parametrize("location", ["org/speech:", "org/speech:a b", "not an id", "a/b/c", "org/speech:x/y/z"])
def test_what_names_none_is_one_sentence_with_the_form(location: str) -> None:
    with pytest.raises(RequestError, match="write hf:ID"):
        parse_dataset(location)


def test_a_folder_is_known_by_its_path_or_by_being_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "org/speech").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert parse_dataset("org/speech").folder == tmp_path / "org/speech"
    assert parse_dataset("org/other").folder is None
    assert parse_dataset("./nowhere").folder == tmp_path / "nowhere"
