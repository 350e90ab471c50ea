"""How busy other processes keep the processors that this one may use: what spoils a measurement of time."""

import os
import time
from dataclasses import dataclass

import psutil

_SHORTEST_S = 0.5
"""The system counts in hundredths of a second: over less time than this the share would be a guess."""


_REFRESH_S = 1.0


_SAMPLE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class MachineLoad:
    """Shares of the time of the processors that this process may use, 0 to 1; None where the system does not tell.

    Attributes:
        busy: What everybody used.
        others: What neither this process nor its workers used; on a virtual machine, with what its host took away.
    """

    busy: float | None
    others: float | None


class LoadMeter:
    """Watches the processors from the moment it is made.

    The time of this process and of all its descendants is taken off what everybody used. A process that ends is
    counted up to the last `follow`.
    """

    def __init__(self) -> None:
        self._begin = _processor_times()
        self._before: dict[int, float] = {}
        self._own: dict[int, float] = {}
        self._processes: dict[int, psutil.Process] = {}
        self._listed = 0.0
        self._list_processes()
        self._before = dict(self._own)

    def follow(self) -> None:
        """Note how much time this process and its workers have used; now and then, and not while a call is timed."""
        if time.monotonic() - self._listed > _REFRESH_S:
            self._list_processes()
        else:
            self._note()

    def read(self) -> MachineLoad:
        """Say what was used since the meter was made."""
        self._list_processes()
        now = _processor_times()
        total = now.total_s - self._begin.total_s
        if total < _SHORTEST_S:
            return MachineLoad(busy=None, others=None)
        busy = now.busy_s - self._begin.busy_s
        own = sum(used - self._before.get(pid, 0.0) for pid, used in self._own.items())
        return MachineLoad(busy=_share(busy, total), others=_share(busy - own, total))

    def _list_processes(self) -> None:
        try:
            me = psutil.Process()
            self._processes = {process.pid: process for process in (me, *me.children(recursive=True))}
        except psutil.Error:
            return
        finally:
            self._listed = time.monotonic()
        self._note()

    def _note(self) -> None:
        for pid, process in self._processes.items():
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            self._own[pid] = max(self._own.get(pid, 0.0), times.user + times.system)


def sample_load() -> MachineLoad:
    """Watch the processors for a second in which this process does nothing."""
    meter = LoadMeter()
    time.sleep(_SAMPLE_S)
    return meter.read()


@dataclass(frozen=True)
class _Times:
    busy_s: float
    total_s: float


def _processor_times() -> _Times:
    every = psutil.cpu_times(percpu=True)
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(every))
    busy = total = 0.0
    for number in usable:
        if number >= len(every):
            continue
        spent = every[number]._asdict()
        # Linux counts the time of guests as the user's as well.
        whole = sum(spent.values()) - spent.get("guest", 0.0) - spent.get("guest_nice", 0.0)
        total += whole
        busy += whole - spent["idle"] - spent.get("iowait", 0.0)
    return _Times(busy, total)


def _share(part: float, whole: float) -> float:
    return min(1.0, max(0.0, part / whole))
