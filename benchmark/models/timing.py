"""The clock over single calls of a model, and the memory of a process; nothing heavy here."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

BYTES_PER_MB = 1_000_000


def time_calls(
    call: Callable[[NDArray[np.float32]], Any],
    segments: Sequence[NDArray[np.float32]],
    *,
    warmup: int,
    calls: int,
    synchronize: Callable[[], None] = lambda: None,
) -> list[float]:
    """Time single calls, one at a time.

    Args:
        call: What is timed.
        segments: What it is called with; taken in turn, again from the first after the last.
        warmup: Calls that are not timed.
        calls: Calls that are.
        synchronize: Waits for a device that computes behind the program's back.

    Returns:
        Milliseconds of each timed call.

    Examples:
        >>> len(time_calls(np.sum, [np.ones(3, np.float32)], warmup=1, calls=4))
        4
    """
    for index in range(warmup):
        call(segments[index % len(segments)])
    milliseconds = []
    for index in range(calls):
        segment = segments[index % len(segments)]
        synchronize()
        begin = time.perf_counter()
        call(segment)
        synchronize()
        milliseconds.append((time.perf_counter() - begin) * 1000)
    return milliseconds


def peak_process_mb() -> float:
    """The most memory that this process has held so far, in MB (10⁶ bytes).

    Examples:
        >>> 1 < peak_process_mb() < 1_000_000
        True
    """
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset) / BYTES_PER_MB
    import resource  # noqa: PLC0415 - there is none on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024) / BYTES_PER_MB
