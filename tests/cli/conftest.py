"""The command line in an empty folder, and the demo when it has been run."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import Bench, bench_here, run_bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Give `bench` with an empty folder to run in, in this process."""

    def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
        return bench_here(*arguments, folder=tmp_path, **environment)

    return run


@pytest.fixture
def bench_process(tmp_path: Path) -> Bench:
    """Give `bench` with an empty folder to run in, in a process of its own."""

    def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
        return run_bench(*arguments, folder=tmp_path, **environment)

    return run


@pytest.fixture(scope="session")
def demo(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder in which `bench run` has been run on the demo, with its reports, to go on with."""
    return shutil.copytree(demo_run, tmp_path_factory.mktemp("demo") / "demo")
