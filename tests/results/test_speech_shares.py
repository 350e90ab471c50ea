from pathlib import Path

import pytest

from benchmark.results.cache_entries import EntryParts
from benchmark.results.speech_shares import read_speech_shares, save_speech_shares


def test_shares_of_a_detector_come_back_and_those_of_another_are_not_used(tmp_path: Path) -> None:
    save_speech_shares(tmp_path, "one 1", {"a": 0.25})
    save_speech_shares(tmp_path, "one 1", {"b": 0.5})
    assert read_speech_shares(tmp_path, "one 1") == {"a": 0.25, "b": 0.5}
    assert read_speech_shares(tmp_path, "one 2") == {}
    assert len(list((tmp_path / "speech").glob("*.json"))) == 1


def test_of_two_processes_that_save_at_once_none_loses_its_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        context.setattr(EntryParts, "names", lambda self: ())
        save_speech_shares(tmp_path, "one", {"a": 0.25})
        save_speech_shares(tmp_path, "one", {"b": 0.5})
    assert read_speech_shares(tmp_path, "one") == {"a": 0.25, "b": 0.5}
