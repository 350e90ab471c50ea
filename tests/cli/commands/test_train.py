import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.command_line import Bench, failure
from tests.support.lost_workers import ALWAYS, end_workers

SMALL = """kind = "network"
network = "cnn"
channels = [4, 4, 6, 6, 8]
[fit]
epochs = 2
"""
COMMAND = (
    *("train", "--corpus", "demo:", "--recipe", "small.toml", "--folds", "3", "--jobs", "1"),
    *("--speaker", "f1", "--speaker", "f2", "--speaker", "m1", "--speaker", "m2", "-o", "mine"),
)
_PATIENT_S = 120


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path


def test_a_killed_training_goes_on_with_the_folds_that_are_left(folder: Path, bench: Bench) -> None:
    root = str(Path(__file__).parents[3])
    process = subprocess.Popen(
        [sys.executable, "-c", "from benchmark.cli.main import main; main()", *COMMAND],
        cwd=folder,
        env={**os.environ, "BENCH_CACHE": str(folder / ".bench"), "PYTHONPATH": root},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + _PATIENT_S
    while len(list(folder.glob("mine/unfinished/*fold-2.json"))) < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(_PATIENT_S)
    kept = {path.name: path.read_bytes() for path in (folder / "mine" / "unfinished").iterdir()}
    assert {"seed-1-fold-1.json", "seed-1-fold-2.json"} <= set(kept)
    assert "--resume goes on from there" in failure(bench(*COMMAND))
    resumed = bench(*COMMAND, "--resume", "--register", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert f"{len([name for name in kept if name.endswith('.json')])} of 3 fits were finished before." in resumed.stderr
    record = json.loads(resumed.stdout)
    seconds = {fold["fold"]: fold["seconds"] for fold in record["folds"]}
    assert json.loads(kept["seed-1-fold-1.json"])["result"]["seconds"] == seconds[1]
    assert not (folder / "mine" / "unfinished").exists()
    left = [path for path in (folder / ".bench" / "temporary").rglob("*") if path.suffix in {".float32", ".float16"}]
    assert left == []
    listed = bench("candidates", "--json")
    (candidate,) = json.loads(listed.stdout)["candidates"]
    assert (candidate["id"], candidate["trained_on"]) == ("./mine", ["demo"])
    assert candidate["trained_speakers"] == ["f1", "f2", "m1", "m2"]


@pytest.mark.parametrize(("calls", "code"), [((0,), 0), (ALWAYS, 3)])
def test_a_worker_that_is_killed_is_tried_once_more(
    calls: range | tuple[int, ...], code: int, folder: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_workers(monkeypatch, "fit", calls=calls, actor="TrainingActor")
    (folder / "small.toml").write_text('kind = "functionals"\n')
    ended = bench(*COMMAND)
    if code:
        assert "finished fits are kept: add --resume to the same command" in failure(ended, code)
    else:
        assert ended.returncode == 0, ended.stderr


def test_a_recipe_is_shown_to_be_copied(folder: Path, bench: Bench) -> None:
    shown = bench("train", "--show-recipe", "multiscale")
    assert shown.stdout.startswith("# ")
    assert 'network = "multiscale"' in shown.stdout
    assert "did you mean 'cnn'" in failure(bench("train", "--show-recipe", "cnm"))
    assert "Say what to train on" in failure(bench("train"))
