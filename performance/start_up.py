"""How long it takes until something happens: the help, a worker with and without a warm fork server."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LIMIT_S = 300.0
_BENCH = "from benchmark.cli.main import main; main()"
# Ready is a worker that has answered a first question; the second is asked of a second worker.
_WORKERS = """
import sys, time
from pathlib import Path
from benchmark.workers.worker import Worker
log = Path(sys.argv[1])
for _ in range(int(sys.argv[2])):
    begin = time.perf_counter()
    with Worker("benchmark.models.actor:ModelActor", log=log) as worker:
        worker.call("has_cuda", timeout_s=60)
        print(time.perf_counter() - begin, flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Repeated measurements of one thing.

    Attributes:
        name: What, in words.
        seconds: Each measurement.
    """

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)


def start_up_times(folder: Path, *, repeats: int) -> list[Timing]:
    """Measure what a user waits for before anything is computed.

    Args:
        folder: Where logs go.
        repeats: How often.
    """
    cold, warm = [], []
    for _ in range(max(2, repeats // 2)):
        command = [sys.executable, "-c", _WORKERS, str(folder / "worker.log"), str(repeats)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=_LIMIT_S).stdout
        first, *others = (float(line) for line in printed.split())
        cold.append(first)
        warm += others
    return [
        Timing(name="`python -c pass`", seconds=_timed([sys.executable, "-c", "pass"], repeats)),
        Timing(name="`bench --help`", seconds=_timed([sys.executable, "-c", _BENCH, "--help"], repeats)),
        Timing(name="a worker, ready, with torch; the first, which starts the fork server", seconds=tuple(cold)),
        Timing(name="a worker, ready, with torch; every further one", seconds=tuple(warm)),
    ]


def timed_run(arguments: Sequence[object], *, folder: Path, cache: Path) -> float:
    """Run `bench` and say how many seconds it took.

    Raises:
        subprocess.SubprocessError: It failed, or took longer than five minutes.
    """
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", _BENCH, *map(str, arguments)],
        check=True,
        cwd=folder,
        env={**os.environ, "BENCH_CACHE": str(cache), "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=_LIMIT_S,
    )
    return time.perf_counter() - begin


def _timed(command: Sequence[str], repeats: int) -> tuple[float, ...]:
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begin)
    return tuple(seconds)
