"""The other side of `engine_process.py`: an engine that can fail or hang without anybody else's figures suffering."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DEFAULT_THREADS = frozenset({"pipeline-default"})
"""Engines whose threads are left as a user finds them: their number, and what they do while they wait."""
_THREADS = {
    # Several processes with threads on the same cores: who waits must sleep.
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
}
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONWARNINGS": "ignore",
}


class EngineError(Exception):
    """An engine failed, hung, or was not made; the message says how."""


class RemoteEngine:
    """An engine in a process of its own.

    Args:
        name: As `engine_process.ENGINES` names it.
        folder: The checkpoint.
        log: Where all that it prints goes.
        threads: Threads that it may compute with.
        limit_s: How long one request may take.

    Raises:
        EngineError: It is not ready in time.
    """

    def __init__(self, name: str, folder: Path, *, log: Path, threads: int, limit_s: float) -> None:
        self.name = name
        self.limit_s = limit_s
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "performance.engine_process", name, str(folder), str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=_environment(name, threads),
                cwd=Path(__file__).parents[1],
                start_new_session=True,
            )
        self._log = log
        self._rest = b""
        self.ready_s = float(self._receive()["ready_s"])

    def answer(self, clips: Sequence[Path]) -> dict[str, Any]:
        """Answer clips.

        Returns:
            `seconds`, `probabilities`, `memory_mb` and `details`.

        Raises:
            EngineError: It failed or took too long; it is ended then.
        """
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - it was asked for
        try:
            pipe.write(json.dumps({"clips": [str(clip) for clip in clips]}).encode() + b"\n")
            pipe.flush()
        except OSError as error:
            raise EngineError(f"{self.name} has ended; see {self._log}") from error
        return self._receive()

    def close(self) -> None:
        """End it, with everything that it has started."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _receive(self) -> dict[str, Any]:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - it was asked for
        deadline = time.monotonic() + self.limit_s
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                self.close()
                raise EngineError(f"{self.name} took longer than {self.limit_s:g} s")
            block = os.read(pipe.fileno(), 1 << 20)
            if not block:
                self.close()
                raise EngineError(f"{self.name} has ended; see {self._log}")
            self._rest += block
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _environment(name: str, threads: int) -> dict[str, str]:
    if name in DEFAULT_THREADS:
        own = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "KMP_", "MKL_"))}
        return own | _ENVIRONMENT
    return {**os.environ, **_ENVIRONMENT, **_THREADS, "OMP_NUM_THREADS": str(threads)}
