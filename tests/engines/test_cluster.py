"""Which clusters and nodes a run refuses, each in a sentence."""

import importlib.util
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.engines.cluster import ClusterNode, Share, marked
from benchmark.engines.node import NodeTerms
from benchmark.results.environment import Environment
from benchmark.settings import Settings
from tests.support.command_line import bench_here, failure, run_bench

ON_RAY = ("run", "--candidates", "demo", "-m", "hubert-german", "--engine", "ray")


@pytest.fixture
def terms(tmp_path: Path) -> Iterator[NodeTerms]:
    recording = tmp_path / "a.wav"
    recording.touch()
    with marked(Settings(cache=tmp_path / "cache"), [str(recording)], Environment.here()) as own:
        yield own


def test_a_node_that_sees_the_same_files_and_has_the_same_versions_takes_part(terms: NodeTerms) -> None:
    assert terms.problem() is None


def test_a_node_with_other_versions_or_without_the_files_is_refused(terms: NodeTerms, tmp_path: Path) -> None:
    older = replace(terms, versions={**terms.versions, "ser-bench": "0.0.1"})
    assert "and this machine 0.0.1: install the same" in (older.problem() or "")
    assert "has Python 3." in (replace(terms, python="2.7").problem() or "")
    elsewhere = replace(terms, files=["/no/such/file.wav"])
    assert elsewhere.problem() == "does not see /no/such/file.wav: put it where all nodes find it by the same path"
    own_folder = replace(terms, content="of another store")
    assert own_folder.problem() == (
        f"does not see the store {tmp_path / 'cache'}: name a folder that all nodes share with BENCH_CACHE"
    )
    terms.mark.unlink()
    assert "does not see the store" in (terms.problem() or "")


def test_the_mark_leaves_nothing_behind(tmp_path: Path) -> None:
    with marked(Settings(cache=tmp_path / "cache"), (), Environment.here()) as terms:
        assert terms.mark.is_file()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_node_has_as_many_actors_as_its_processors_and_gpus_hold() -> None:
    node = ClusterNode(id="a", host="a", cpus=8, gpus=1)
    assert Share(cpus=4).fit(node) == 2
    assert Share(cpus=2, gpus=0.5).fit(node) == 2
    assert Share(cpus=2, gpus=1 / 3).fit(node) == 3
    assert Share(cpus=16).fit(node) == 0


def test_without_ray_a_sentence_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "ray" else find(name, *rest))
    assert failure(bench_here(*ON_RAY, folder=tmp_path)) == (
        'Error: --engine ray needs the extra `ray`: `pip install "ser-bench[ray]"`.'
    )


def test_a_wrong_choice_of_an_engine_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    ended = bench_here(*ON_RAY[:-2], "--address", "auto", folder=tmp_path)
    assert failure(ended) == "Error: --address names a Ray cluster: add --engine ray, or leave it out."
    assert "is no address of a Ray cluster" in failure(bench_here(*ON_RAY, "--address", "nowhere", folder=tmp_path))
    assert "take one of them" in failure(bench_here(*ON_RAY, "--shard", "1/2", folder=tmp_path))


def test_an_address_where_nothing_listens_is_an_error_of_the_environment(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    address = f"ray://127.0.0.1:{port}"
    ended = run_bench(*ON_RAY, "--address", address, folder=tmp_path)
    sentence = "Error: No Ray cluster answers at {}: start it with `ray start`, or correct --address."
    assert failure(ended, 3) == sentence.format(address)
    # A cluster that has ended without a word.
    known = {"RAY_ADDRESS": f"127.0.0.1:{port}", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    ended = run_bench(*ON_RAY, "--address", "auto", folder=tmp_path, **known)
    assert failure(ended, 3) == sentence.format(f"127.0.0.1:{port}")
