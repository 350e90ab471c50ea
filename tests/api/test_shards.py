"""A run in shards, and what `merge` makes of them: the reports of the undivided run."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import benchmark
from benchmark.api.shards import ShardOutcome
from benchmark.cli.summaries import finish_shard
from benchmark.evaluation import plan
from benchmark.options.shared import QuietOptions
from benchmark.settings import Settings
from tests.support.command_line import bench_here, failure
from tests.support.equal_reports import report_differences

CANDIDATES = ("hubert-german", "wav2vec2-english")
SHARDS = 3
NOT_VERDICTS = shutil.ignore_patterns("temporary", "predictions", "converted", "runs", "logs")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Divided:
    """An undivided run and the same in shards, each with a cache of its own, whose names begin alike.

    Attributes:
        outcomes: Of the shards, by index.
    """

    folder: Path
    whole: benchmark.RunOutcome
    outcomes: dict[int, ShardOutcome]

    @property
    def caches(self) -> list[str]:
        return [str(self.folder / f"cache-{index}") for index in self.outcomes]

    def merge(self, cache: Path, *caches: str, output: Path | None = None) -> benchmark.RunOutcome:
        return benchmark.merge(
            caches or self.caches, output=output or self.folder / "reports", settings=Settings(cache=cache)
        )


@pytest.fixture(scope="module")
def patient() -> Iterator[pytest.MonkeyPatch]:
    """Let a faster engine pay for fewer clips, and leave some answers too close."""
    with pytest.MonkeyPatch.context() as context:
        context.setattr(plan, "PAYS_FROM_CLIPS", 64)
        context.setattr(plan, "rerun_margin", lambda difference: 0.02)
        yield context


def request_in(folder: Path) -> dict[str, Any]:
    return {
        "candidates": "demo",
        "models": CANDIDATES,
        "corpora": ["demo"],
        "limit": 70,
        "latency_seconds": 0,
        "focus": ["anger"],
        "output": folder / "reports",
    }


@pytest.fixture(scope="module")
def divided(demo_run: Path, tmp_path_factory: pytest.TempPathFactory, patient: pytest.MonkeyPatch) -> Divided:
    """Give a run whose shards ended in another order, each too small for `auto` to convert a model."""
    folder = tmp_path_factory.mktemp("divided")
    request = request_in(folder)

    def settings(cache: object) -> Settings:
        shutil.copytree(demo_run / ".bench", folder / f"cache-{cache}", ignore=NOT_VERDICTS)
        return Settings(cache=folder / f"cache-{cache}", jobs=1)

    whole = benchmark.run(**request, settings=settings("whole"))
    (folder / "reports").rename(folder / "undivided")
    shards = {
        index: benchmark.run_shard(**request, shard=f"{index}/{SHARDS}", settings=settings(index))
        for index in (3, 1, 2)
    }
    return Divided(folder, whole, dict(sorted(shards.items())))


def test_the_merged_reports_are_those_of_the_undivided_run(divided: Divided, tmp_path: Path) -> None:
    merged = divided.merge(tmp_path / "cache-merged", *reversed(divided.caches))
    assert (merged.exit_code, merged.problems) == (0, ())
    same = (str(tmp_path / "cache-merged"), str(divided.folder / "cache-whole"))
    assert report_differences(divided.folder / "undivided", divided.folder / "reports", *same) == []
    again = benchmark.report(output=tmp_path / "again", settings=Settings(cache=tmp_path / "cache-merged"))
    assert again.record == merged.record


def test_shards_take_the_engine_of_the_whole_and_rerun_the_same_clips(divided: Divided) -> None:
    whole = {record.candidate: record for record in divided.whole.record.evaluations}
    redone = dict.fromkeys(CANDIDATES, 0)
    for outcome in divided.outcomes.values():
        assert (outcome.exit_code, outcome.complete) == (0, True)
        for record in outcome.record.run.evaluations:
            assert record.setup == whole[record.candidate].setup
            assert record.setup.backend == "openvino"
            assert record.inference is not None
            redone[record.candidate] += record.inference.redone_clips
    assert min(redone.values()) > 0
    for name, record in whole.items():
        assert record.inference is not None
        assert record.inference.redone_clips == redone[name]


def test_a_shard_run_again_changes_nothing(divided: Divided, tmp_path: Path) -> None:
    cache = tmp_path / "cache-2"
    shutil.copytree(divided.caches[1], cache)
    own_settings = Settings(cache=cache, jobs=1)
    again = benchmark.run_shard(**request_in(divided.folder), shard=f"2/{SHARDS}", settings=own_settings)
    assert again.record.ranges == divided.outcomes[2].record.ranges
    assert all(record.log is None for record in again.record.run.evaluations)  # nothing was computed
    assert len(list((cache / "shards").rglob("*.json"))) == 1
    merged = divided.merge(tmp_path / "cache-merged", *divided.caches, str(cache))
    assert merged.exit_code == 0
    same = (str(tmp_path / "cache-merged"), str(divided.folder / "cache-whole"))
    assert report_differences(divided.folder / "undivided", divided.folder / "reports", *same) == []


def test_missing_shards_are_named_and_no_report_is_written(divided: Divided, tmp_path: Path) -> None:
    ended = bench_here("merge", *divided.caches[:1], divided.caches[2], "-o", "reports", folder=tmp_path)
    assert failure(ended, 1).startswith(f"Error: Shard 2 of {SHARDS} is not in ")
    assert not (tmp_path / "reports").exists()
    ended = bench_here("merge", "nowhere", folder=tmp_path)
    assert failure(ended).startswith("Error: There is no folder nowhere: name the caches of the shards")


def test_lost_answers_of_a_shard_make_the_merged_run_incomplete(divided: Divided, tmp_path: Path) -> None:
    broken = tmp_path / "cache-1"
    shutil.copytree(divided.caches[0], broken)
    for folder in list(broken.rglob("predictions")):
        shutil.rmtree(folder)
    merged = divided.merge(tmp_path / "merged", str(broken), *divided.caches[1:], output=tmp_path / "reports")
    assert merged.exit_code == 1
    assert "answers are not in the caches of the shards" in " ".join(merged.problems)
    assert not merged.complete


def test_a_complete_shard_prints_no_rank(divided: Divided, capsys: pytest.CaptureFixture[str]) -> None:
    assert finish_shard(divided.outcomes[2], QuietOptions()) == 0
    captured = capsys.readouterr()
    assert re.fullmatch(r"Shard 2 of 3 is complete: \d+ answers of 2 candidates\.\n", captured.out)
    assert "bench merge" in captured.err
    finish_shard(divided.outcomes[2], QuietOptions(as_json=True))
    content = json.loads(capsys.readouterr().out)
    assert (content["shard"], content["shards"], content["complete"]) == (2, 3, True)
    assert not (divided.folder / "cache-2" / "runs").exists()


def test_what_is_no_shard_and_metrics_are_refused_before_work(tmp_path: Path) -> None:
    ended = bench_here("run", "--candidates", "demo", "--shard", "4/3", folder=tmp_path)
    assert "write I/N" in failure(ended)
    ended = bench_here("run", "--candidates", "demo", "--shard", "1/3", "--metric", "own.py", folder=tmp_path)
    assert failure(ended).startswith("Error: --metric needs all answers")
    (tmp_path / "answers.csv").write_text("file,predicted\na.wav,anger\nb.wav,sad\n", encoding="utf-8")
    tables = ("--candidates", "demo", "--corpus", "demo", "--predictions", "vendor=answers.csv")
    ended = bench_here("run", *tables, "--shard", "1/3", folder=tmp_path)
    assert failure(ended).startswith("Error: vendor: a table of answers has nothing to compute")


@pytest.mark.slow
def test_twenty_shards_in_random_order_two_twice_one_killed_give_the_same_reports(
    demo_run: Path, tmp_path: Path
) -> None:
    """A Slurm array, simulated by a loop over the script of docs/scale."""
    models = [word for name in (*CANDIDATES, "ast-english-five") for word in ("--model", name)]
    rest = ("--candidates", "demo", *models, "--latency-seconds", "0", "--output", "reports")
    for cache in ("whole", *range(1, 21)):
        shutil.copytree(demo_run / ".bench", tmp_path / f"cache-{cache}", ignore=NOT_VERDICTS)
    assert run_bench_in(tmp_path, "whole", "run", *rest) == 0
    (tmp_path / "reports").rename(tmp_path / "undivided")
    order = [*range(1, 21), 5, 11]
    random.Random(20).shuffle(order)  # noqa: S311 - repeatable, guards no secret
    for position, index in enumerate(order):
        if position == 7:
            kill_shard(tmp_path, index, *rest)
        assert start_shard(tmp_path, index, *rest).wait(timeout=600) == 0
    caches = [f"cache-{index}" for index in range(1, 21)]
    assert run_bench_in(tmp_path, "merged", "merge", *caches, "-o", "reports") == 0
    same = (str(tmp_path / "cache-merged"), str(tmp_path / "cache-whole"))
    assert report_differences(tmp_path / "undivided", tmp_path / "reports", *same) == []


def environment_of(folder: Path, cache: object, **variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "BENCH_CACHE": str(folder / f"cache-{cache}"), **variables}


def run_bench_in(folder: Path, cache: str, *arguments: str) -> int:
    command = [sys.executable, "-m", "benchmark", *arguments]
    return subprocess.run(command, cwd=folder, env=environment_of(folder, cache), check=False).returncode


def start_shard(folder: Path, index: int, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a task of the array, with a `bench` that is this one."""
    program = folder / "bin" / "bench"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/bash\nexec {sys.executable} -m benchmark "$@"\n')
    program.chmod(0o755)
    variables = {"SLURM_ARRAY_TASK_ID": str(index), "SLURM_ARRAY_TASK_COUNT": "20"}
    environment = environment_of(folder, index, PATH=f"{program.parent}{os.pathsep}{os.environ['PATH']}", **variables)
    script = str(ROOT / "docs" / "scale" / "slurm.sbatch")
    return subprocess.Popen(["bash", script, *arguments], cwd=folder, env=environment, start_new_session=True)


def kill_shard(folder: Path, index: int, *arguments: str) -> None:
    """Kill a task, and all that it has started, in the middle of its work."""
    process = start_shard(folder, index, *arguments)
    deadline = time.monotonic() + 300
    while not any((folder / f"cache-{index}").glob("*/*/predictions")) and time.monotonic() < deadline:
        if process.poll() is not None:
            break
        time.sleep(0.05)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (folder / f"cache-{index}" / "shards").exists()
