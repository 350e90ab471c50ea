"""Candidates that are programs of the user's, by the command line."""

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from benchmark.demo.files import checkpoints_path
from tests.support.command_line import bench_here, failure

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are run on Linux and macOS only")
PROGRAM = Path(__file__).parents[1] / "support" / "foreign_program.py"
ALLOWED = ("--candidates", "mine.yaml", "--allow-code")
ON_DEMO = ("--corpus", "demo:", "--latency-seconds", "0", "--limit", "30")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(PROGRAM, tmp_path)
    return tmp_path


def write(folder: Path, *modes: str, more: str = "") -> None:
    candidates = "".join(
        f"  - {{id: {mode}, command: [{sys.executable}, foreign_program.py, {mode}], trained_on: []}}\n"
        for mode in modes
    )
    (folder / "mine.yaml").write_text(f"version: 1\ncandidates:\n{candidates}{more}", encoding="utf-8")


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((folder / "reports" / "leaderboard.json").read_text(encoding="utf-8"))["rows"]
    return {row["candidate"]: row for row in rows}


def statuses(folder: Path) -> dict[str, tuple[str, str]]:
    report = json.loads((folder / "reports" / "verification.json").read_text(encoding="utf-8"))
    return {own["candidate"]: (own["status"], own["reason"]) for own in report["candidates"]}


def test_a_program_runs_only_where_the_command_line_allows_it(folder: Path) -> None:
    write(folder, "counts")
    (folder / "bench.toml").write_text("allow-code = true\n", encoding="utf-8")
    bench_here("verify", "--candidates", "mine.yaml", folder=folder, BENCH_ALLOW_CODE="1")
    assert statuses(folder)["counts"] == (
        "skipped", "It is a program of your own, which runs only where that is allowed: add --allow-code.",
    )  # fmt: skip
    refused = bench_here("verify", "--candidates", "mine.yaml", "--config", "bench.toml", folder=folder)
    assert "allow-code" in failure(refused, 2)
    assert not (folder / "calls.txt").exists()
    metric = bench_here("run", "--candidates", "demo", "--metric", "foreign_program.py", folder=folder)
    assert "--metric foreign_program.py runs its code" in failure(metric, 2)


def test_a_program_a_checkpoint_and_a_table_share_a_board(folder: Path) -> None:
    write(folder, "counts", more=f"  - {{id: '{checkpoints_path() / 'wav2vec2-english'}', trained_on: []}}\n")
    ended = bench_here("run", *ALLOWED, *ON_DEMO, folder=folder)
    assert ended.returncode == 0, ended.stderr
    first = rows_of(folder)
    row = first["counts"]
    assert (row["head"], row["backend"], row["dtype"]) == ("foreign", "foreign", "unknown")
    assert row["rank"] is not None
    assert row["clips"] == 30
    calls = (folder / "calls.txt").read_text(encoding="utf-8")
    assert calls
    table = ("--predictions", "twin=reports/predictions.parquet#counts")
    ended = bench_here("run", *ALLOWED, *ON_DEMO, *table, folder=folder)
    assert ended.returncode == 0, ended.stderr
    assert (folder / "calls.txt").read_text(encoding="utf-8") == calls  # nothing is computed again
    second = rows_of(folder)
    assert second["twin"]["uar"] == second["counts"]["uar"] == first["counts"]["uar"]
    with (folder / "reports" / "pairs.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 3
    skipped = bench_here("run", "--candidates", "mine.yaml", *ON_DEMO, folder=folder)
    assert skipped.returncode == 0, skipped.stderr
    assert "add --allow-code" in (folder / "reports" / "leaderboard.md").read_text(encoding="utf-8")


def test_programs_that_are_no_classifiers_are_told_apart(folder: Path) -> None:
    write(folder, "counts", "ends", "constant", "random", "nothing", "error")
    bench_here("verify", *ALLOWED, folder=folder)
    found = statuses(folder)
    assert found["counts"][0] == "usable"
    assert found["ends"] == ("load-failed", "Starting it failed: CheckpointError: it ended with exit code 3.")
    assert found["constant"][0] == found["random"][0] == "broken-output"
    assert "same answer to clearly different inputs" in found["constant"][1]
    assert "answers the same input differently" in found["random"][1]
    assert "names no label" in found["nothing"][1]
    assert "it says: too loud" in found["error"][1]


def test_a_program_that_always_dies_leaves_the_run_incomplete(folder: Path) -> None:
    write(folder, "counts", more=f"  - {{id: '{checkpoints_path() / 'wav2vec2-english'}', trained_on: []}}\n")
    assert bench_here("verify", *ALLOWED, folder=folder).returncode == 0
    (folder / "die-now").touch()
    ended = bench_here("run", *ALLOWED, *ON_DEMO, folder=folder)
    assert ended.returncode == 1, ended.stderr
    assert "counts: Its worker ended in the middle of the run when it was tried once more, alone" in ended.stderr
    rows = rows_of(folder)
    assert (rows["counts"]["rank"], rows["wav2vec2-english"]["rank"]) == (None, 1)
    (folder / "die-now").unlink()
    assert bench_here("run", *ALLOWED, *ON_DEMO, folder=folder).returncode == 0
    assert rows_of(folder)["counts"]["rank"] is not None


def test_predict_asks_a_program(folder: Path) -> None:
    write(folder, "counts")
    time = np.arange(16_000 * 4) / 16_000
    soundfile.write(folder / "call.wav", 0.3 * np.sin(2 * np.pi * 200 * time) * np.sin(2 * np.pi * time), 16_000)
    ended = bench_here("predict", *ALLOWED, "counts", "call.wav", "--json", folder=folder)
    assert ended.returncode == 0, ended.stderr
    assert "counts" in ended.stdout
    assert "angry" in ended.stdout or "anger" in ended.stdout
