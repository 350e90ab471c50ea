import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from benchmark.registry.loading import load_registry
from tests.support.command_line import Bench, failure
from tests.support.command_server import CommandServer
from tests.support.foreign_heads import Foreign, write_foreign
from tests.support.hub_server import Fault, HubServer
from tests.support.tiny_models import edit_json, write_tiny


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    folder = tmp_path_factory.mktemp("repositories")
    good = write_tiny("wav2vec2", folder / "good")
    unnamed = write_tiny("hubert", folder / "unnamed")
    edit_json(unnamed / "config.json", id2label={str(index): f"LABEL_{index}" for index in range(5)}, label2id=None)
    write_foreign(folder / "foreign", Foreign())
    with HubServer() as server:
        server.page = 2
        card = {"language": ["ko", "not a language"], "datasets": ["org/RAVDESS", "org/ravdess"]}
        server.add("org/emotion-ko", good, info={"tags": ["ko"], "cardData": card, "downloads": 5})
        server.add("org/emotion-speech", unnamed, info={"downloads": 9})
        server.add("org/emotion-copied", folder / "foreign", info={"downloads": 7})
        server.add("org/music", good)
        yield server


@pytest.fixture(scope="module")
def commands(server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandServer]:
    with CommandServer(HF_ENDPOINT=server.url, HF_HOME=str(tmp_path_factory.mktemp("hf"))) as commands:
        yield commands


@pytest.fixture
def bench(commands: CommandServer, tmp_path: Path) -> Bench:
    return partial(commands.bench, folder=tmp_path)


def test_what_would_work_stands_first_and_what_would_not_has_a_reason(bench: Bench, commands: CommandServer) -> None:
    ended = bench("discover", "--json")
    assert ended.returncode == 0, ended.stderr
    assert not list(Path(commands.environment["HF_HOME"]).rglob("*.safetensors"))
    repositories = json.loads(ended.stdout)
    assert [(each["id"], each["status"], each["works"]) for each in repositories] == [
        ("org/emotion-copied", "repaired", True),
        ("org/emotion-ko", "inspected", True),
        ("org/emotion-speech", "unnamed-labels", False),
    ]
    assert all(each["reason"] for each in repositories)


def test_language_limit_and_emotions_narrow_the_search(bench: Bench, tmp_path: Path) -> None:
    korean = bench("discover", "--language", "ko", "--json")
    assert [each["id"] for each in json.loads(korean.stdout)] == ["org/emotion-ko"]
    first = bench("discover", "--limit", 1, "--json")
    assert [each["id"] for each in json.loads(first.stdout)] == ["org/emotion-speech"]
    picky = bench("discover", "--min-emotions", 6, "--json", "--write", "none.yaml")
    assert not any(each["works"] for each in json.loads(picky.stdout))
    assert "at least 6" in picky.stdout
    assert "Nothing was written to none.yaml" in failure(picky)
    assert not (tmp_path / "none.yaml").exists()


def test_a_registry_is_written_that_can_be_read_and_never_over_another(bench: Bench, tmp_path: Path) -> None:
    ended = bench("discover", "--write", "found.yaml")
    assert ended.returncode == 0, ended.stderr
    candidates = {each.id: each for each in load_registry(tmp_path / "found.yaml").candidates}
    assert set(candidates) == {"org/emotion-copied", "org/emotion-ko"}
    assert candidates["org/emotion-ko"].languages == ("ko",)
    assert candidates["org/emotion-ko"].trained_on == ("ravdess",)
    assert candidates["org/emotion-copied"].trained_on is None
    assert all(len(each.revision or "") == 40 for each in candidates.values())
    again = bench("discover", "--write", "found.yaml")
    assert "--force" in failure(again)
    assert bench("discover", "--write", "found.yaml", "--force").returncode == 0


def test_a_hub_that_cannot_be_searched_is_exit_3(bench_process: Bench) -> None:
    with HubServer() as server:
        server.faults.append(Fault(500, at="/api/models"))
        ended = bench_process("discover", HF_ENDPOINT=server.url)
    assert "could not be searched" in failure(ended, 3)
