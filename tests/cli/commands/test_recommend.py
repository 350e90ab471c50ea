import json
from pathlib import Path

import pytest

import benchmark
from benchmark.errors import RequestError
from benchmark.registry.loading import load_registry
from benchmark.settings import Settings
from tests.support.command_line import Bench
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.without_torch import bench_without_torch


@pytest.fixture
def finished(tmp_path: Path) -> FinishedRun:
    run = FinishedRun(tmp_path / ".bench", corpus())
    run.add(verification("good"), wrong=0.1, ms=100.0)
    run.add(verification("fast"), wrong=0.3, ms=10.0, seed=1)
    run.save()
    return run


def test_it_recommends_and_writes_a_registry_that_bench_reads(
    finished: FinishedRun, bench: Bench, tmp_path: Path
) -> None:
    ended = bench("recommend", "--max-latency-ms", 50, "--language", "de", "--write", "chosen.yaml", "--json")
    assert ended.returncode == 0, ended.stderr
    content = json.loads(ended.stdout)
    assert content["pick"] == "fast"
    assert content["excluded"][0]["candidate"] == "good"
    (listed,) = load_registry(tmp_path / "chosen.yaml").candidates
    assert listed.revision == finished.verifications[1].revision
    with pytest.raises(RequestError, match="--force"):
        benchmark.recommend(write=tmp_path / "chosen.yaml", settings=Settings(cache=finished.cache))


@pytest.mark.usefixtures("finished")
def test_it_exits_1_if_no_candidate_meets_the_constraints(bench: Bench, tmp_path: Path) -> None:
    ended = bench("recommend", "--license", "gpl-3.0", "--write", "none.yaml")
    assert ended.returncode == 1
    assert "its licence is apache-2.0, not gpl-3.0" in ended.stdout
    assert not (tmp_path / "none.yaml").exists()


def test_it_never_loads_torch(finished: FinishedRun, tmp_path: Path) -> None:
    ended = bench_without_torch("recommend", folder=tmp_path, cache=finished.cache)
    assert ended.returncode == 0, ended.stderr
    assert "Take **good**" in ended.stdout
    assert ", expect about 0." in ended.stdout
    near = bench_without_torch("recommend", "--within", "0.9", folder=tmp_path, cache=finished.cache)
    assert "Take **fast**" in near.stdout
