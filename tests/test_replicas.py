"""Every candidate of the packaged registry, as a replica on a Hub of our own, through the real command line."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.registry.loading import PACKAGED_FILE, load_registry
from benchmark.results.status import Status, Verdict
from tests.support.command_line import run_bench
from tests.support.hub_server import HubServer
from tests.support.replicas import OTHER_TOOLKITS, REPLICAS, publish_replicas

CANDIDATES = {candidate.id: candidate for candidate in load_registry(PACKAGED_FILE).candidates}
SHARDS = 2
TABLE = Path(__file__).parents[1] / "docs" / "verification.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    with HubServer() as server:
        publish_replicas(server, tmp_path_factory.mktemp("replicas"))
        yield server


def verify(server: HubServer, folder: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    ended = run_bench(
        "verify", "--candidates", PACKAGED_FILE, *arguments, folder=folder, HF_ENDPOINT=server.url, HF_HOME=str(folder)
    )
    assert ended.returncode == 0, ended.stderr
    report = json.loads((folder / "reports" / "verification.json").read_text(encoding="utf-8"))
    return {each["id"]: each for each in report["candidates"]}


@pytest.fixture(scope="module")
def inspected(server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    server.bytes_sent.clear()
    server.requests.clear()
    found = verify(server, tmp_path_factory.mktemp("inspected"), "--depth", "inspect", "--strict")
    return {id: each | {"bytes": server.bytes_sent[id]} for id, each in found.items()}


def test_every_candidate_but_those_that_do_not_exist_has_a_replica() -> None:
    absent = {id for id, candidate in CANDIDATES.items() if candidate.expect is Status.NOT_FOUND}
    assert set(CANDIDATES) - absent == set(REPLICAS) | set(OTHER_TOOLKITS)


def test_every_replica_gets_its_status_without_weights(inspected: dict[str, dict[str, Any]]) -> None:
    expected = {
        id: Status.INSPECTED if candidate.expect is Status.USABLE else candidate.expect
        for id, candidate in CANDIDATES.items()
    }
    assert {id: each["status"] for id, each in inspected.items()} == expected


def test_inspection_moves_some_kilobytes_of_each(inspected: dict[str, dict[str, Any]]) -> None:
    for id, each in inspected.items():
        further = SHARDS - 1 if id in REPLICAS and REPLICAS[id].storage == "shards" else 0
        assert each["bytes"] <= 300_000 + 100_000 * further, id


def test_no_large_weight_file_is_read_whole(inspected: dict[str, dict[str, Any]], server: HubServer) -> None:
    assert inspected
    for id, replica in REPLICAS.items():
        (folder,) = server.repositories[id].folders.values()
        weights = [path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin")]
        if replica.storage != "shards" and weights[0].stat().st_size > 200_000:
            assert inspected[id]["bytes"] < weights[0].stat().st_size, id


def test_the_page_about_verification_tells_of_every_candidate_what_it_gets(
    inspected: dict[str, dict[str, Any]],
) -> None:
    rows = re.findall(r"^\| ([\w.-]+/[\w.-]+) \| ([a-z-]+) \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == {id: str(candidate.expect) for id, candidate in CANDIDATES.items()}


def test_every_replica_gets_the_status_that_the_registry_expects_when_it_is_loaded_and_asked(
    server: HubServer, tmp_path: Path
) -> None:
    found = verify(server, tmp_path, "--strict", "--free-cache", "--jobs", "2")
    assert {id: each["status"] for id, each in found.items()} == {id: each.expect for id, each in CANDIDATES.items()}
    for each in found.values():
        if Status(each["status"]).verdict is Verdict.USABLE:
            assert each["loads"]
            assert each["findings"][0]["evidence"]["difference between two loads"] == 0.0
            assert each["batching"]["equal_lengths"] < 1e-4
    assert not [path for path in tmp_path.rglob("blobs/*") if path.stat().st_size > 100_000]
