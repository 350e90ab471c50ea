"""Runs on a Ray cluster of three nodes: the reports of a run on one machine, whatever is lost meanwhile."""

import csv
import json
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmark.results.environment import available_cores
from tests.support.command_line import bench_here
from tests.support.equal_reports import report_differences
from tests.support.ray_cluster import ThreeNodes, three_nodes

CANDIDATES = ("hubert-german", "wav2vec2-english")
REQUEST = ("--candidates", "demo", "-m", CANDIDATES[0], "-m", CANDIDATES[1], "--corpus", "demo")
NOT_VERDICTS = shutil.ignore_patterns("temporary", "predictions", "converted", "runs", "logs")
NODES = re.compile(r"Computed on \d nodes?: .*?\)(; latency was measured on \S+)?\. ")


@pytest.fixture(scope="module")
def nodes() -> Iterator[ThreeNodes]:
    """Give a cluster; the paths of its sockets have to be short."""
    with tempfile.TemporaryDirectory(prefix="ray-") as folder, three_nodes(Path(folder)) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def local(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a run on this machine alone."""
    folder = tmp_path_factory.mktemp("local")
    shutil.copytree(demo_run / ".bench", folder / ".bench", ignore=NOT_VERDICTS)
    # As many threads as on a node: a sum may depend on how many threads share it.
    ended = bench_here("run", *REQUEST, "--latency-seconds", 0, "--jobs", available_cores(), folder=folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def without_answers(demo_run: Path, folder: Path) -> Path:
    """Give a folder whose cache has verdicts and no answer."""
    shutil.copytree(demo_run / ".bench", folder / ".bench", ignore=NOT_VERDICTS)
    return folder


@pytest.fixture(scope="module")
def incomplete(
    nodes: ThreeNodes, demo_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """Give a run of which the first three actors of a candidate were killed, and its folder."""
    folder = without_answers(demo_run, tmp_path_factory.mktemp("incomplete"))
    with nodes.killing(CANDIDATES[0], times=3):
        return folder, nodes.run(folder, *REQUEST, "--latency-seconds", 0.2)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def differences(local: Path, folder: Path) -> list[str]:
    """Compare reports apart from times, the request, and the names of the nodes."""
    for name in ("leaderboard.md", "leaderboard.html"):
        path = folder / "reports" / name
        path.write_text(NODES.sub("", path.read_text("utf-8")), encoding="utf-8")
    requests = [json.loads((own / "reports/leaderboard.json").read_text())["request"] for own in (local, folder)]
    same = [request["command_line"] for request in requests]
    same += [str(own / ".bench") for own in (local, folder)]
    return report_differences(local / "reports", folder / "reports", *same, ignored=("nodes", "request"))


def answers(folder: Path) -> set[Path]:
    """The files of answers in the store, which are merged now and then."""
    return set(folder.glob(".bench/*/*/predictions/*/part-*.parquet"))


def test_a_candidate_whose_actors_are_killed_thrice_is_incomplete_and_the_others_are_ranked(
    incomplete: tuple[Path, "subprocess.CompletedProcess[str]"],
) -> None:
    folder, ended = incomplete
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert f"{CANDIDATES[0]}: Its computation was lost 3 times" in ended.stderr
    with (folder / "reports/leaderboard.csv").open(encoding="utf-8") as file:
        rows = {row["candidate"]: row for row in csv.DictReader(file)}
    assert "incomplete" in rows[CANDIDATES[0]]["flags"]
    assert rows[CANDIDATES[1]]["rank"] == "1"
    assert float(rows[CANDIDATES[1]]["latency_p50_ms"]) > 0
    record = json.loads((folder / "reports/leaderboard.json").read_text())
    assert [node["timed"] for node in record["nodes"]].count(True) == 1
    assert NODES.search((folder / "reports/leaderboard.md").read_text("utf-8"))


@pytest.mark.slow
def test_a_run_that_goes_on_and_loses_a_node_writes_the_reports_of_a_local_one(
    nodes: ThreeNodes,
    local: Path,
    incomplete: tuple[Path, "subprocess.CompletedProcess[str]"],
    tmp_path: Path,
) -> None:
    shutil.copytree(incomplete[0] / ".bench", tmp_path / ".bench")
    running = nodes.start(tmp_path, *REQUEST, "--latency-seconds", 0)
    wait_for(lambda: nodes.kill_a_node_that_computes() or running.poll() is not None)
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 0, errors
    assert "its Ray worker was lost" in errors
    assert differences(local, tmp_path) == []


@pytest.mark.slow
def test_a_race_on_a_cluster_ends_as_on_this_machine(nodes: ThreeNodes, demo_run: Path, tmp_path: Path) -> None:
    """Each look has actors of its own, which takes a minute."""
    request = (*REQUEST, "-m", "hubert-always-neutral", "--race", "--latency-seconds", 0)
    folders = {name: without_answers(demo_run, tmp_path / name) for name in ("here", "cluster")}
    ended = bench_here("run", *request, "--jobs", available_cores(), folder=folders["here"])
    assert ended.returncode == 0, ended.stderr
    ended = nodes.run(folders["cluster"], *request)
    assert ended.returncode == 0, ended.stderr
    assert differences(folders["here"], folders["cluster"]) == []
    assert "stopped after" in ended.stdout


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_answered(nodes: ThreeNodes, demo_run: Path, tmp_path: Path) -> None:
    folder = without_answers(demo_run, tmp_path)
    running = nodes.start(folder, *REQUEST, "--latency-seconds", 0)
    wait_for(lambda: answers(folder) or running.poll() is not None)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    assert answers(folder)
    record = json.loads((folder / "reports/leaderboard.json").read_text())
    assert record["interrupted"]
    assert list((folder / ".bench/temporary").glob("*")) == []
