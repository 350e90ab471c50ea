import json
import os
from pathlib import Path

import pytest

from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.hub.local import local_facts
from benchmark.results.status import Status


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "hubert"}))
    (folder / "model.safetensors").write_bytes(b"w")
    return folder


def revision(folder: Path) -> str:
    facts = local_facts("./model", folder)
    assert isinstance(facts, RepoFacts)
    return facts.revision


def test_a_local_folder_has_the_same_facts(folder: Path) -> None:
    facts = local_facts("./model", folder)
    assert isinstance(facts, RepoFacts)
    assert (facts.id, facts.local, facts.config) == ("./model", True, {"model_type": "hubert"})
    assert facts.names == {"config.json", "model.safetensors"}


def test_the_revision_follows_what_a_load_reads_and_nothing_else(folder: Path) -> None:
    first = revision(folder)
    assert len(first) == 40
    (folder / "README.md").write_text("words")
    assert revision(folder) == first
    (folder / "model.safetensors").write_bytes(b"x")
    os.utime(folder / "model.safetensors", ns=(1, 1))
    assert revision(folder) != first


def test_the_revision_follows_the_shards_that_the_index_names(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "odd.safetensors")
    index = {"metadata": {}, "weight_map": {"a": "odd.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    first = revision(folder)
    (folder / "odd.safetensors").write_bytes(b"x")
    os.utime(folder / "odd.safetensors", ns=(1, 1))
    assert revision(folder) != first


def test_equal_content_has_equal_revisions_wherever_it_lies(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    folder.rename(copy)
    first = revision(copy)
    copy.rename(folder)
    assert revision(folder) == first


def test_a_path_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    failure = local_facts("./x", tmp_path / "x")
    assert isinstance(failure, HubFailure)
    assert failure.status is Status.NOT_FOUND


def test_a_file_in_place_of_a_folder_is_not_found_and_told_so(folder: Path) -> None:
    failure = local_facts("./x", folder / "config.json")
    assert isinstance(failure, HubFailure)
    assert failure.status is Status.NOT_FOUND
    assert "is a file" in failure.reason


def test_a_folder_that_cannot_be_read_says_nothing_about_the_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    # root, who runs tests in containers, may read everything
    monkeypatch.setattr(Path, "iterdir", refuse)
    failure = local_facts("./x", folder)
    assert isinstance(failure, HubFailure)
    assert failure.status is Status.UNREACHABLE
    assert "Permission denied" in failure.reason


def test_what_lies_one_level_below_is_listed_and_decides_nothing(folder: Path) -> None:
    before = local_facts("./model", folder)
    (folder / "checkpoint-500" / "deeper").mkdir(parents=True)
    for name in ("checkpoint-500/config.json", "checkpoint-500/deeper/config.json"):
        (folder / name).write_text("{}")
    after = local_facts("./model", folder)
    assert isinstance(before, RepoFacts)
    assert isinstance(after, RepoFacts)
    assert after.names - before.names == {"checkpoint-500/config.json"}
    assert after.revision == before.revision


def test_an_empty_folder_has_facts(tmp_path: Path) -> None:
    facts = local_facts("./x", tmp_path)
    assert isinstance(facts, RepoFacts)
    assert (facts.config, facts.config_problem) == (None, None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_place_of_a_configuration_is_not_waited_for(folder: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    facts = local_facts("./model", folder)
    assert isinstance(facts, RepoFacts)
    assert facts.config_problem == "it is no file but a pipe or a device"
