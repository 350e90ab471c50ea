import json
from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.results.schema import StoredFile


class Note(StoredFile):
    schema_version: int = 3
    text: str = ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"\xff\xfe",
        b'{"text": "without a version"}',
        b'{"schema_version": 2, "text": "an older one"}',
        b'{"schema_version": 2, "gone": "an older one with other fields"}',
        b'{"schema_version": 3, "text": 5}',
        b'{"schema_version": 3, "unheard": "of"}',
        b'{"schema_version": "3"',
    ],
)
def test_what_is_older_or_broken_is_absent(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "note.json").write_bytes(content)
    assert Note.read(tmp_path / "note.json") is None


@pytest.mark.parametrize("content", [{"schema_version": 4, "text": ""}, {"schema_version": 4, "new": 1}])
def test_what_is_newer_is_refused_whether_or_not_it_has_our_fields(tmp_path: Path, content: dict[str, object]) -> None:
    (tmp_path / "note.json").write_text(json.dumps(content))
    with pytest.raises(RequestError, match="newer version"):
        Note.read(tmp_path / "note.json")


def test_what_was_written_is_read_and_what_is_not_there_is_absent(tmp_path: Path) -> None:
    (tmp_path / "note.json").write_text(Note(text="분노").model_dump_json(), encoding="utf-8")
    assert Note.read(tmp_path / "note.json") == Note(text="분노")
    assert Note.read(tmp_path / "none.json") is None
    assert Note.read(tmp_path / "note.json" / "below") is None
