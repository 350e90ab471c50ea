"""The most memory that a process has had."""

import os
from pathlib import Path


def peak_mb(pid: int | None = None) -> float:
    """Read the largest resident memory of a process so far, in MB (10⁶ bytes); NaN where the system does not tell.

    Args:
        pid: Which process; by default this one.
    """
    try:
        status = Path(f"/proc/{pid or os.getpid()}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return float("nan")
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")
