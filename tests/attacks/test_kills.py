"""Runs whose processes are killed at any moment: what they claim is true, and the repetition gives the same scores."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

from benchmark.errors import EXIT_INTERRUPTED
from tests.support.attacks import ATTACKS, PROGRAM, SEED, slowness

ROOT = Path(__file__).parents[2]
KILLS = max(1, ATTACKS // 10)
RUN = ("run", "--candidates", "demo", "--min-emotions", "5", "--latency-seconds", "0.5", "--json")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
PATIENT_S = 300
# Workers notice within this time that their parent has gone.
LINGER_S = 10
# What one run measures and another cannot repeat.
MEASURED = ("latency_", "rtfx", "load_s", "peak_memory_mb", "flag_reasons")
MEASURED_FLAGS = ("noisy",)
_SET_CHILD_SUBREAPER = 36

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="orphans are counted as Linux lets one count them"),
]


@dataclass(frozen=True)
class Ended:
    """How a run ended, and the processes that outlived it."""

    code: int
    out: str
    err: str
    survivors: tuple[str, ...]
    seconds: float


@pytest.fixture(scope="module", autouse=True)
def orphans_come_here() -> Iterator[None]:
    """Make this process the parent of all orphans among its descendants, so that none escapes."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    yield
    prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """Give the folder of a run that nobody disturbs, and its seconds."""
    folder = tmp_path_factory.mktemp("undisturbed")
    ended = run(folder)
    assert ended.code == 0, ended.err
    return folder, ended.seconds


@pytest.mark.usefixtures("hangup_ends_processes")
@pytest.mark.parametrize("seed", [f"{SEED}.{turn}" for turn in range(KILLS)])
def test_a_run_that_is_killed_claims_nothing_false_and_is_repeated_with_the_same_scores(
    seed: str, undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    reference, seconds = undisturbed
    random = Random(f"kill {seed}")  # noqa: S311 - repeatable, not secret
    victim = random.choice(sorted(VICTIMS))
    number = random.choice(SIGNALS)
    after_s = random.uniform(0, seconds)
    story = f"{number.name} to the {victim} after {after_s:.2f} s"

    killed = run(tmp_path, lambda process: kill(process, VICTIMS[victim], number, after_s))
    assert "Traceback" not in killed.err, f"{story}: {killed.err}"
    assert killed.survivors == (), story
    check_claims(killed, tmp_path, reference, story)

    repeated = run(tmp_path)
    assert repeated.code == 0, f"{story}: {repeated.err}"
    assert json.loads(repeated.out)["complete"] is True, story
    assert scores(tmp_path) == scores(reference), story
    assert repeated.survivors == (), story
    assert list((tmp_path / "tmp").iterdir()) == [], story


def check_claims(killed: Ended, folder: Path, reference: Path, story: str) -> None:
    """Hold that exit code and JSON of a killed run are true."""
    assert killed.code in {0, 1, 3, EXIT_INTERRUPTED, *(-number for number in SIGNALS)}, f"{story}: {killed.code}"
    if killed.code == 0:
        assert json.loads(killed.out)["complete"] is True, story
        assert scores(folder) == scores(reference), story
    elif killed.code > 0:
        assert "Error: " in killed.err, story
        if killed.out:
            assert json.loads(killed.out)["complete"] is False, f"{story}: exit code {killed.code}"


def run(folder: Path, disturb: "Callable[[subprocess.Popen[bytes]], None] | None" = None) -> Ended:
    """Run the demo in a folder with its own cache, home and temporary folder."""
    for name in ("tmp", "home"):
        (folder / name).mkdir(exist_ok=True)
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "BENCH_CACHE": str(folder / ".bench"), "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder / "home"),
    }  # fmt: skip
    others = {child.pid for child in psutil.Process().children(recursive=True)}
    out, err, start = folder / "out.json", folder / "err.txt", time.monotonic()
    with out.open("wb") as out_file, err.open("wb") as err_file:
        process = subprocess.Popen(
            [str(PROGRAM), *RUN],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out_file, stderr=err_file,
            start_new_session=True,
        )  # fmt: skip
        if disturb is not None:
            disturb(process)
        code = process.wait(PATIENT_S * slowness())
    seconds = time.monotonic() - start
    return Ended(code, out.read_text("utf-8"), err.read_text("utf-8"), survivors(others), seconds)


def kill(process: "subprocess.Popen[bytes]", victim: Callable[[int], int | None], number: int, after_s: float) -> None:
    """Send a signal to a victim at a moment, or as soon as it exists."""
    time.sleep(after_s)
    while process.poll() is None:
        target = victim(process.pid)
        if target is not None:
            with suppress(ProcessLookupError):
                if target < 0:
                    os.killpg(-target, number)
                else:
                    os.kill(target, number)
                return
        time.sleep(0.01)


def survivors(others: Collection[int]) -> tuple[str, ...]:
    """Descendants that are still there some time after the end of their parent; they are killed then.

    Args:
        others: Those that do not count.
    """
    end = time.monotonic() + LINGER_S * slowness()
    while living := [child for child in _living() if child.pid not in others]:
        if time.monotonic() > end:
            names = tuple(" ".join(_words(child.pid)) for child in living)
            for child in living:
                child.kill()
            return names
        time.sleep(0.05)
    return ()


def _living() -> list[psutil.Process]:
    living = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, ChildProcessError):
            if child.status() != psutil.STATUS_ZOMBIE:
                living.append(child)
            elif child.ppid() == os.getpid():
                os.waitpid(child.pid, os.WNOHANG)
    return living


def _fork_server(pid: int) -> int | None:
    """A process that others are forked from: the first of its line with multiprocessing's command."""
    servers = [child for child in _descendants(pid) if _is_fork_server(child)]
    return next((child for child in servers if not _is_fork_server(_parent(child))), None)


def _worker(pid: int) -> int | None:
    """The youngest worker: forked from a server, or a fresh interpreter."""
    workers = [
        child
        for child in _descendants(pid)
        if _is_fork_server(_parent(child)) or any("multiprocessing.spawn" in word for word in _words(child))
    ]
    return workers[-1] if workers else None


VICTIMS: dict[str, Callable[[int], int | None]] = {
    "parent": lambda pid: pid, "group": lambda pid: -pid, "worker": _worker, "fork server": _fork_server,
}  # fmt: skip


def _descendants(pid: int) -> list[int]:
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


def _parent(pid: int) -> int:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).ppid()
    return 0


def _words(pid: int) -> list[str]:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess, ValueError):
        return psutil.Process(pid).cmdline()
    return []


def _is_fork_server(pid: int) -> bool:
    return pid > 0 and any("multiprocessing.forkserver" in word for word in _words(pid))


def scores(folder: Path) -> tuple[Any, ...]:
    """All that a run says of its candidates, without what it measures in seconds and bytes."""
    reports = folder / "reports"
    leaderboard = json.loads((reports / "leaderboard.json").read_text("utf-8"))
    rows = [
        {name: value for name, value in row.items() if not name.startswith(MEASURED)}
        | {"flags": [flag for flag in row["flags"] if flag not in MEASURED_FLAGS]}
        for row in leaderboard["rows"]
    ]
    verdicts = json.loads((reports / "verification.json").read_text("utf-8"))["candidates"]
    statuses = [(verdict["candidate"], verdict["status"], verdict["reason"]) for verdict in verdicts]
    parts = [
        leaderboard[part] for part in ("classes", "hard_clips", "groups", "failures", "agreements", "failed_clips")
    ]
    return rows, statuses, parts, pq.read_table(reports / "predictions.parquet").to_pylist()
