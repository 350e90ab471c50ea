"""Every candidate of the packaged registry, as a replica on a Hub of our own, through the real command line."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.registry.loading import PACKAGED_FILE, load_registry
from benchmark.results.status import Status, Verdict
from tests.support.command_server import CommandServer
from tests.support.hub_server import HubServer
from tests.support.replicas import NATIVE, OTHER_TOOLKITS, REPLICAS, one_of_each_kind, publish_replicas

CANDIDATES = {candidate.id: candidate for candidate in load_registry(PACKAGED_FILE).candidates}
TABLE = Path(__file__).parents[1] / "docs" / "verification.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    with HubServer() as server:
        publish_replicas(server, tmp_path_factory.mktemp("replicas"))
        yield server


@pytest.fixture(scope="module")
def bench(server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandServer]:
    """Both verifications run in one process, which imports the libraries once."""
    with CommandServer(HF_ENDPOINT=server.url, HF_HOME=str(tmp_path_factory.mktemp("hf"))) as bench:
        yield bench


def verify(bench: CommandServer, folder: Path, *arguments: str) -> dict[str, dict[str, Any]]:
    ended = bench.bench("verify", "--candidates", PACKAGED_FILE, "--strict", *arguments, folder=folder)
    assert ended.returncode == 0, ended.stderr
    report = json.loads((folder / "reports" / "verification.json").read_text(encoding="utf-8"))
    return {verification["id"]: verification for verification in report["candidates"]}


def test_every_candidate_but_those_that_do_not_exist_has_a_replica_and_a_row_in_the_documentation() -> None:
    absent = {id for id, candidate in CANDIDATES.items() if candidate.expect is Status.NOT_FOUND}
    assert set(CANDIDATES) - absent == set(REPLICAS) | set(OTHER_TOOLKITS) | set(NATIVE)
    rows = re.findall(r"^\| ([\w.-]+/[\w.-]+) \| ([a-z-]+) \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == {id: str(candidate.expect) for id, candidate in CANDIDATES.items()}


def test_inspection_gives_every_replica_its_status_from_some_kilobytes(
    bench: CommandServer, server: HubServer, tmp_path: Path
) -> None:
    server.bytes_sent.clear()
    verifications = verify(bench, tmp_path, "--depth", "inspect")
    assert {id: verification["status"] for id, verification in verifications.items()} == {
        id: Status.INSPECTED if candidate.expect is Status.USABLE else candidate.expect
        for id, candidate in CANDIDATES.items()
    }
    for id, replica in REPLICAS.items():
        is_sharded = replica.storage == "shards"
        assert server.bytes_sent[id] <= 300_000 + 100_000 * is_sharded, id
        (folder,) = server.repositories[id].folders.values()
        weights = max(path.stat().st_size for path in folder.iterdir())
        if not is_sharded and weights > 200_000:
            assert server.bytes_sent[id] < weights, id
    assert all(server.bytes_sent[id] <= 300_000 for id in (*OTHER_TOOLKITS, *NATIVE))


def test_replicas_that_are_loaded_and_probed_get_the_status_that_the_registry_expects(
    bench: CommandServer, tmp_path: Path
) -> None:
    working = (Status.USABLE, Status.REPAIRED)
    loaded = [id for id in (*one_of_each_kind(), *NATIVE) if CANDIDATES[id].expect in working]
    models = [argument for id in loaded for argument in ("--model", id)]
    verifications = verify(bench, tmp_path, *models, "--free-cache", "--jobs", "2")
    assert verifications.keys() == set(loaded)
    for id, verification in verifications.items():
        assert verification["status"] == CANDIDATES[id].expect
        assert Status(verification["status"]).verdict is Verdict.USABLE
        assert verification["loads"]
        assert verification["findings"][0]["evidence"]["difference between two loads"] == 0.0
        assert verification["batching"]["equal_lengths"] < 1e-4
    cached = Path(bench.environment["HF_HOME"]).rglob("blobs/*")
    assert not [path for path in cached if path.stat().st_size > 100_000]
