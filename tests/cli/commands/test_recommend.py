import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import benchmark
from benchmark.errors import RequestError
from benchmark.registry.loading import load_registry
from benchmark.results.environment import Environment
from benchmark.results.runs import StoredRequest
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


def timed_run(cache: Path, day: int, fast_ms: float | None, *, backend: str = "torch", **fields: object) -> None:
    """Keep a run of two candidates, which timed one of them, or none."""
    run = FinishedRun(cache, corpus())
    run.add(verification("good"), wrong=0.1, ms=None)
    run.add(verification("fast"), wrong=0.3, ms=fast_ms, seed=1)
    run.latencies = [latency.model_copy(update={"backend": backend}) for latency in run.latencies]
    run.save(created=datetime(2026, 3, day, tzinfo=UTC), **fields)


def test_a_latency_that_the_run_lacks_is_the_latest_that_another_run_measured_on_this_machine(
    bench: Bench, tmp_path: Path
) -> None:
    cache, here = tmp_path / ".bench", Environment.here()
    elsewhere = here.model_copy(update={"processor": "another processor"})
    timed_run(cache, 1, 30.0, name="older")
    timed_run(cache, 2, 20.0, name="timed")
    timed_run(cache, 3, 1.0, environment=elsewhere)
    timed_run(cache, 4, 2.0, backend="openvino")
    timed_run(cache, 5, None)
    content = json.loads(bench("recommend", "--max-latency-ms", 50, "--price-per-hour", 0.6, "--json").stdout)
    (choice,) = content["choices"]
    assert choice["cost_per_hour"] == pytest.approx(0.6 * 0.020 / 3), "20 ms for a segment of 3 s"
    assert (choice["candidate"], choice["latency_p50_ms"], choice["latency_from"]["run"]) == ("fast", 20.0, "timed")
    assert "its latency on cpu is not known" in content["excluded"][0]["reasons"][0]
    text = bench("recommend").stdout
    assert "other runs on this machine: **fast**, measured 2026-03-02 00:00 UTC by `timed`." in text
    # The run's own latency counts, whatever others measured.
    (own,) = json.loads(bench("recommend", "--run", "older", "--max-latency-ms", 50, "--json").stdout)["choices"]
    assert (own["latency_p50_ms"], own["latency_from"]) == (30.0, None)


@pytest.mark.parametrize("fields", [{"environment": "elsewhere"}, {"request": "5 s"}])
def test_a_run_of_another_machine_or_of_other_segments_takes_no_latency_from_here(
    fields: dict[str, str], bench: Bench, tmp_path: Path
) -> None:
    elsewhere = Environment.here().model_copy(update={"cores": 512})
    longer = StoredRequest(command="run", options={"segment-seconds": 5.0}, command_line="bench run", folder=".")
    timed_run(tmp_path / ".bench", 1, 20.0)
    update = {"environment": elsewhere} if "environment" in fields else {"request": longer}
    timed_run(tmp_path / ".bench", 2, None, **update)
    content = json.loads(bench("recommend", "--json").stdout)
    assert (content["device"], [choice["latency_p50_ms"] for choice in content["choices"]]) == (None, [None, None])
