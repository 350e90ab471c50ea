"""The real command line, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Bench = Callable[..., "subprocess.CompletedProcess[str]"]
_COMMAND = (sys.executable, "-c", "from benchmark.cli.main import main; main()")
_PATIENT_S = 240


def run_bench(*arguments: object, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `bench` in a folder; it never sees a terminal."""
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [*_COMMAND, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "BENCH_CACHE": str(folder / ".bench"), "PYTHONPATH": root, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENT_S,
        check=False,
    )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Give `bench` with an empty folder to run in."""

    def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
        return run_bench(*arguments, folder=tmp_path, **environment)

    return run


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder in which `bench run` has been run on the demo, with its reports."""
    folder = tmp_path_factory.mktemp("demo")
    ended = run_bench("run", "--candidates", "demo", "--min-emotions", 5, "--latency-seconds", 2, folder=folder)
    assert ended.returncode == 0, ended.stderr
    (folder / "stdout.txt").write_text(ended.stdout, encoding="utf-8")
    return folder
