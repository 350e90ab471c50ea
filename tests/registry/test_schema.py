"""Candidates as typed data."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from benchmark.registry.schema import FOLDER, Candidate


@pytest.mark.parametrize(
    ("candidate_id", "path", "name"),
    [
        ("org/model", None, "org/model"),
        ("model", None, "model"),
        ("./model", "model", "model"),
        ("../model/", "../model", "model"),
        (".", "", None),
        ("./a/..", "", None),
        ("/abs/model", "/abs/model", "model"),
        (" org/model ", None, "org/model"),
    ],
)
def test_an_id_is_a_path_where_it_can_only_be_one(
    candidate_id: str, path: str | None, name: str | None, tmp_path: Path
) -> None:
    candidate = Candidate.model_validate({"id": candidate_id}, context={FOLDER: tmp_path})
    assert candidate.local_path == (None if path is None else (tmp_path / path).resolve())
    assert candidate.name == (tmp_path.name if name is None else name)


def test_the_home_folder_is_a_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Candidate(id="~/model", name="mine").local_path == tmp_path / "model"


def test_a_candidate_does_not_change_and_its_copy_keeps_the_folder(tmp_path: Path) -> None:
    candidate = Candidate.model_validate({"id": "./model"}, context={FOLDER: tmp_path})
    with pytest.raises(ValidationError, match="frozen"):
        candidate.name = "other"  # type: ignore[misc] # that it is refused is what is tested
    assert candidate.model_copy(update={"name": "other"}).local_path == tmp_path / "model"
