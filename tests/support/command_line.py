"""The command line in a process of its own, or in this process, which is faster.

Start and end of the interpreter, signals, imports, and what the Hub's client reads at import (`HF_ENDPOINT`,
`HF_HOME`) need a process of their own.
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
_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def run_bench(*arguments: object, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `bench` in a folder and a process of its own, without a terminal."""
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


class _Terminal(io.BytesIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


def bench_here(
    *arguments: object, folder: Path, columns: int | str | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run `bench` in a folder and in this process.

    Args:
        columns: Width of the terminal it writes to; None for no terminal.

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
        if columns is not None:
            patch.setenv("COLUMNS", str(columns))
        written = {name: io.BytesIO() if columns is None else _Terminal() for name in ("stdout", "stderr")}
        for name, buffer in written.items():
            patch.setattr(sys, name, io.TextIOWrapper(buffer, encoding="utf-8"))
        patch.setattr(sys, "stdin", nothing)
        patch.setattr(sys, "argv", command)
        code = _exit_code()
        sys.stdout.flush()  # bench has replaced the streams
        sys.stderr.flush()
        out, err = (written[name].getvalue().decode() for name in ("stdout", "stderr"))
    return subprocess.CompletedProcess(command, code, out, err)


def failure(ended: "subprocess.CompletedProcess[str]", code: int = 2) -> str:
    """Give the error of a command, and hold that it is one line with this exit code and no traceback."""
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    return line


def _exit_code() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


@contextmanager
def _as_found() -> Iterator[None]:
    """Restore what a command changes in its process."""
    logger = logging.getLogger("benchmark")
    level, handlers = logger.level, list(logger.handlers)
    at_signals = {number: signal.getsignal(number) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in at_signals.items():
            signal.signal(number, handler)
        for added in set(logger.handlers) - set(handlers):
            added.close()
        logger.setLevel(level)
        logger.handlers[:] = handlers
