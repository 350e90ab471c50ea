"""How much memory a worker may take, so that a hungry candidate ends itself and not the machine."""

import sys
from pathlib import Path

import psutil

SKELETON_BYTES = 2_000_000_000
"""What building models without weights may take; an honest configuration takes some megabytes."""

_SHARE = 0.8
_CONTROL_GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def load_limit(jobs: int) -> int:
    """Give the memory that one of several workers may take, in bytes.

    Args:
        jobs: How many workers there are at once.

    Returns:
        Its share of four fifths of this machine's memory, or of the container's where that is less.
    """
    return int(_SHARE * _memory()) // jobs


def _memory() -> int:
    machine = int(psutil.virtual_memory().total)
    return min([machine, *_container_limits()]) if sys.platform == "linux" else machine


def _container_limits() -> list[int]:
    limits = []
    for path in _CONTROL_GROUP_LIMITS:
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdecimal() and int(text) > 0:
            limits.append(int(text))
    return limits
