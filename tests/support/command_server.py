"""A process that runs one `bench` command after another: Python, the libraries and the fork server start once.

For commands whose environment is for the Hub's client, which reads it when it is imported.
"""

import io
import json
import os
import runpy
import subprocess
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest

import benchmark
from tests.support.command_line import bench_here

_ROOT = Path(__file__).parents[2]


class CommandServer:
    """Runs commands in the environment of this process and the given variables, in the order in which they come."""

    def __init__(self, **environment: str) -> None:
        self.environment = {**os.environ, "PYTHONPATH": str(_ROOT), **environment}
        self._process: subprocess.Popen[str] | None = None

    def bench(self, *arguments: object, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run `bench` in a folder; it never sees a terminal."""
        return self._ask(
            {"arguments": [str(argument) for argument in arguments], "folder": str(folder), "environment": environment}
        )

    def script(self, script: Path) -> "subprocess.CompletedProcess[str]":
        """Run a Python script in its folder, with `benchmark.run` measuring no latency unless asked to."""
        return self._ask({"script": str(script)})

    def _ask(self, request: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.command_server"],
                cwd=_ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(**answer)

    def __enter__(self) -> Self:
        """Start nothing before the first command."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()


def _serve() -> None:
    """Answer requests, a line of JSON each, until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        if "script" in request:
            ended = _run_script(Path(request["script"]))
        else:
            folder = Path(request["folder"])
            ended = bench_here(*request["arguments"], folder=folder, **request["environment"])
        print(json.dumps(vars(ended)), file=answers, flush=True)


def _run_script(script: Path) -> "subprocess.CompletedProcess[str]":
    output, errors, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
        patch.chdir(script.parent)
        patch.setattr(benchmark, "run", partial(benchmark.run, latency_seconds=0))
        try:
            runpy.run_path(str(script), run_name="__main__")
        except Exception:
            traceback.print_exc()
            code = 1
    return subprocess.CompletedProcess([str(script)], code, output.getvalue(), errors.getvalue())


if __name__ == "__main__":
    _serve()
