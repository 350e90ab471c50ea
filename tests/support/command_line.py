"""The command line: in a process of its own, or in this one, which costs no start of Python and of its libraries.

In this process `bench` does all that it does in its own: arguments, environment, files, streams and exit code. What
belongs to a process takes one: how the interpreter starts and ends, signals, what may be imported, and what the Hub's
client reads when it is imported (`HF_ENDPOINT`, `HF_HOME`).
"""

import io
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmark.cli.main import main

Bench = Callable[..., "subprocess.CompletedProcess[str]"]
_COMMAND = (sys.executable, "-c", "from benchmark.cli.main import main; main()")
_PATIENT_S = 240


def run_bench(*arguments: object, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `bench` in a folder and a process of its own; it never sees a terminal."""
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


def bench_here(*arguments: object, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `bench` in a folder and in this process; it never sees a terminal.

    Raises:
        ValueError: The environment is for the Hub's client, which has read its own already.
    """
    if any(name.startswith("HF_") for name in environment):
        raise ValueError("what the Hub's client reads when it is imported needs `run_bench`")
    command = ["bench", *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch, _as_found(), Path(os.devnull).open(encoding="utf-8") as nothing:
        patch.chdir(folder)
        for name, value in {"BENCH_CACHE": str(folder / ".bench"), **environment}.items():
            patch.setenv(name, value)
        streams = {name: io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for name in ("stdout", "stderr")}
        said = {name: stream.buffer for name, stream in streams.items()}
        for name, stream in {**streams, "stdin": nothing}.items():
            patch.setattr(sys, name, stream)
        patch.setattr(sys, "argv", command)
        code = _exit_code()
        sys.stdout.flush()  # which is another now: bench puts its own around it
        sys.stderr.flush()
        told = {name: _text(buffer) for name, buffer in said.items()}
    return subprocess.CompletedProcess(command, code, told["stdout"], told["stderr"])


def _exit_code() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _text(buffer: object) -> str:
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


@contextmanager
def _as_found() -> Iterator[None]:
    """Put back what a command changes for the rest of its process."""
    logger = logging.getLogger("benchmark")
    level, handlers = logger.level, list(logger.handlers)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
        for added in set(logger.handlers) - set(handlers):
            added.close()
        logger.setLevel(level)
        logger.handlers[:] = handlers
