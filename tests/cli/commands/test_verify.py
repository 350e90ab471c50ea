import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.support.command_line import Bench, failure
from tests.support.lost_workers import ALWAYS, end_workers
from tests.support.tiny_models import edit_json, write_tiny

PATIENT_S = 120
PACKAGED = 20  # at least so many candidates are in the packaged registry


def test_the_demo_gets_the_statuses_that_it_expects(bench: Bench, tmp_path: Path) -> None:
    ended = bench("verify", "--candidates", "demo", "--strict")
    assert ended.returncode == 0, ended.stderr
    table = pd.read_csv(tmp_path / "reports" / "verification.csv")
    assert (table["status"] == table["expect"]).all()
    assert len(table) == 11
    content = json.loads((tmp_path / "reports" / "verification.json").read_text())
    assert {row["candidate"] for row in content["candidates"]} == set(table["candidate"])
    assert all(name in (tmp_path / "reports" / "verification.md").read_text() for name in table["candidate"])


def test_without_a_network_all_are_unreachable_exit_3_and_the_demo_is_pointed_to(bench: Bench, tmp_path: Path) -> None:
    assert "--candidates demo" in failure(bench("verify"), 3)
    table = pd.read_csv(tmp_path / "reports" / "verification.csv")
    assert len(table) >= PACKAGED
    assert set(table["status"]) == {"unreachable"}
    assert set(table["verdict"]) == {"undecided"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1\ncandidates:\n  - id: a/b\n    langauges: [en]\n", ["candidates.yaml:4", "languages"]),
        ("version: 1\ncandidates:\n  - id: a/b\n  - id: a/b\n", ["candidates.yaml:4", "a/b"]),
        ("version: 1\ncandidates:\n  - id: a/b\n    labels: {LABEL_0: happynes}\n", ["candidates.yaml:4", "happiness"]),
        ("", ["candidates.yaml"]),
    ],
)
def test_a_mistake_in_the_registry_is_one_line_with_its_place_and_fix(
    bench: Bench, tmp_path: Path, text: str, words: list[str]
) -> None:
    (tmp_path / "candidates.yaml").write_text(text, encoding="utf-8")
    line = failure(bench("verify"))
    assert all(word in line for word in words)


class Bomb:
    """A pickle that writes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.write_text, (self.path, "boom"))


def test_what_would_run_code_leaves_no_trace_and_gets_its_status(bench: Bench, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    module = f"from pathlib import Path\nPath({str(trace)!r}).write_text('boom')\nclass Model: pass\n"
    models = tmp_path / "models"
    for name in ("pickle", "old-pickle", "code", "code-of-the-extractor"):
        folder = write_tiny("wav2vec2", models / name)
        if "pickle" in name:
            (folder / "model.safetensors").unlink()
            weights = {"classifier.weight": torch.zeros(2), "bomb": Bomb(trace)}
            torch.save(weights, folder / "pytorch_model.bin", _use_new_zipfile_serialization=name == "pickle")
            continue
        (folder / "modeling.py").write_text(module)
        described = "config.json" if name == "code" else "preprocessor_config.json"
        classes = {"AutoConfig", "AutoModelForAudioClassification", "AutoFeatureExtractor"}
        edit_json(folder / described, auto_map=dict.fromkeys(classes, "modeling.Model"))
    folders = sorted(models.iterdir())
    trace.unlink(missing_ok=True)
    ended = bench("verify", *(argument for folder in folders for argument in ("-m", folder)))
    assert not trace.exists()
    assert ended.returncode == 0, ended.stderr
    table = pd.read_csv(tmp_path / "reports" / "verification.csv").set_index("candidate")
    assert table["status"].to_dict() == {
        "code": "custom-code",
        "code-of-the-extractor": "custom-code",
        "old-pickle": "unsafe-weights",
        "pickle": "unsafe-weights",
    }


@pytest.mark.parametrize(("killed", "code"), [("first", 1), ("", 3)])
def test_a_load_that_is_killed_twice_is_no_verdict_and_exit_1_or_3_where_all_are(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str, code: int
) -> None:
    models = [write_tiny("wav2vec2", tmp_path / name) for name in ("first", "second")]
    end_workers(monkeypatch, "load", actor="LoadActor", of=killed, calls=ALWAYS)
    ended = bench("verify", *(word for model in models for word in ("-m", model)), "--json")
    assert ended.returncode == code, ended.stderr
    content = json.loads(ended.stdout)
    assert content["complete"] is False
    assert [row["incomplete"] for row in content["candidates"]] == [True, code == 3]
    assert "first has no verdict: Loading it failed: the worker was killed (SIGKILL)" in ended.stderr.replace("\n", " ")
    assert "**Incomplete**: this machine failed at first" in (tmp_path / "reports" / "verification.md").read_text()


def test_unexpected_statuses_are_a_table_and_exit_1_under_strict_only(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "candidates.yaml").write_text(
        "version: 1\ncandidates:\n  - {id: ./gone, expect: usable}\n  - {id: ./away, expect: not-found}\n",
        encoding="utf-8",
    )
    lenient = bench("verify", "--json")
    assert lenient.returncode == 0
    assert json.loads(lenient.stdout)["candidates"][0]["status"] == "not-found"
    ended = bench("verify", "--strict", COLUMNS="120")
    assert ended.returncode == 1
    table = ended.stdout.partition("Not as the registry expects")[2]
    assert table, ended.stdout
    row = next(line for line in table.splitlines() if "gone" in line)
    assert "usable" in row
    assert "not-found" in row
    assert "away" not in table.partition("not-found")[0]
    assert "gone is not-found, where usable was expected" in ended.stderr.replace("\n", " ")


def test_a_folder_that_could_be_a_repository_is_told_apart(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "org" / "model").mkdir(parents=True)
    assert "org/model is the folder" in bench("verify", "-m", "org/model").stderr
    assert "is the folder" not in bench("verify", "-m", "./org/model").stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM to catch")
@pytest.mark.usefixtures("hangup_ends_processes")
@pytest.mark.parametrize("signals", [["SIGTERM", "SIGTERM"], ["SIGHUP", "SIGHUP"]])  # as `timeout`, shell and kernel do
def test_sigterm_and_sighup_end_a_run_as_ctrl_c_does_and_keep_what_was_finished(
    tmp_path: Path, signals: list[str]
) -> None:
    three = ("-m", "wav2vec2-english", "-m", "hubert-german", "-m", "wavlm-korean", "--backend", "torch")
    command = ["run", "--candidates", "demo", *three, "--corpus", "demo", "--latency-seconds", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from benchmark.cli.main import main; main()", *command],
        cwd=tmp_path,
        env={**os.environ, "BENCH_CACHE": str(tmp_path / ".bench"), "PYTHONPATH": str(Path(__file__).parents[3])},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + PATIENT_S
    while time.monotonic() < end and not list((tmp_path / ".bench").rglob("*.parquet")):
        assert process.poll() is None
        time.sleep(0.1)
    for name in signals:
        process.send_signal(signal.Signals[name])
        time.sleep(0.05)
    _, stderr = process.communicate(timeout=PATIENT_S)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "Interrupted" in stderr
    assert (tmp_path / "reports" / "leaderboard.json").is_file()
