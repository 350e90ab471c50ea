import os
from pathlib import Path

import pytest

from benchmark.hub.local import local_facts
from benchmark.hub.repository_facts import RepoFacts
from benchmark.results.status import Status
from tests.hub.conftest import failure, success, write_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "model", {"config.json": {"model_type": "hubert"}, "model.safetensors": b"w"})


def facts_of(folder: Path) -> RepoFacts:
    return success(local_facts("./model", folder))


def revision_after_change(folder: Path, weights: str) -> str:
    (folder / weights).write_bytes(b"x")
    os.utime(folder / weights, ns=(1, 1))
    return facts_of(folder).revision


def test_a_local_folder_has_the_same_facts(folder: Path) -> None:
    facts = facts_of(folder)
    assert (facts.id, facts.folder, facts.config) == ("./model", folder.resolve(), {"model_type": "hubert"})
    assert facts.names == {"config.json", "model.safetensors"}


def test_the_revision_follows_what_a_load_reads_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    first = facts_of(folder).revision
    assert len(first) == 40
    (folder / "README.md").write_text("words")
    assert facts_of(folder).revision == first
    assert facts_of(folder.rename(tmp_path / "elsewhere")).revision == first
    assert revision_after_change(tmp_path / "elsewhere", "model.safetensors") != first


def test_the_revision_follows_the_shards_that_the_index_names(tmp_path: Path) -> None:
    index = {"metadata": {}, "weight_map": {"a": "odd.safetensors"}}
    folder = write_files(tmp_path / "m", {"model.safetensors.index.json": index, "odd.safetensors": b"w"})
    first = facts_of(folder).revision
    assert revision_after_change(folder, "odd.safetensors") != first


@pytest.mark.parametrize(("name", "reason"), [("x", "there is no folder"), ("config.json", "is a file")])
def test_what_is_no_folder_is_not_found(folder: Path, name: str, reason: str) -> None:
    absent = failure(local_facts("./x", folder / name))
    assert absent.status is Status.NOT_FOUND
    assert reason in absent.reason


def test_a_folder_that_cannot_be_read_says_nothing_about_the_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    # root, who runs tests in containers, may read everything
    monkeypatch.setattr(Path, "iterdir", refuse)
    unreadable = failure(local_facts("./x", folder))
    assert unreadable.status is Status.UNREACHABLE
    assert "Permission denied" in unreadable.reason


def test_what_lies_one_level_below_is_listed_and_decides_nothing(folder: Path) -> None:
    before = facts_of(folder)
    (folder / "checkpoint-500" / "deeper").mkdir(parents=True)
    for name in ("checkpoint-500/config.json", "checkpoint-500/deeper/config.json"):
        (folder / name).write_text("{}")
    after = facts_of(folder)
    assert after.names - before.names == {"checkpoint-500/config.json"}
    assert after.revision == before.revision


def test_an_empty_folder_has_facts(tmp_path: Path) -> None:
    assert (facts_of(tmp_path).config, facts_of(tmp_path).config_problem) == (None, None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_place_of_a_configuration_is_not_waited_for(folder: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    assert facts_of(folder).config_problem == "it is no file but a pipe or a device"


def test_weights_larger_than_the_memory_of_the_machine_are_skipped_at_once(folder: Path) -> None:
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(12 * 10**12)
    skipped = failure(local_facts(str(folder), folder))
    assert skipped.status is Status.SKIPPED
    assert "a load reads 12000.0 GB of" in skipped.reason
