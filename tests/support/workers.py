"""The processes of workers, found by their log."""

import os
import re
import signal
from pathlib import Path

import psutil


def worker_pids(log: Path) -> list[int]:
    """The processes of the workers that write this log and still run, in the order of their start."""
    started = [int(pid) for pid in re.findall(r"worker (\d+) for ", log.read_text(encoding="utf-8"))]
    return [pid for pid in started if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def signal_workers(log: Path, number: int = signal.SIGKILL) -> None:
    """Send a signal to these workers."""
    for pid in worker_pids(log):
        os.kill(pid, number)
