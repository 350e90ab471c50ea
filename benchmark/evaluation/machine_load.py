"""How busy other processes keep the processors that this one may use, which spoils a measurement of time."""

import os
import time
from dataclasses import dataclass

import psutil

# The system counts in hundredths of a second: over less time than this the share would be a guess.
_SHORTEST_S = 0.5
_REFRESH_S = 1.0
_SAMPLE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class MachineLoad:
    """Shares of the time of the processors that this process may use, 0 to 1; None where the system does not tell.

    Attributes:
        busy: Used by all processes.
        others: Used neither by this process nor by its workers; on a virtual machine, with what its host took away.
    """

    busy: float | None
    others: float | None


class LoadMeter:
    """Measures the load from the moment it is made; a descendant that ends is counted up to the last `follow`."""

    def __init__(self) -> None:
        self._begin_busy_s, self._begin_total_s = _processor_times()
        self._own: dict[int, float] = {}
        self._processes: dict[int, psutil.Process] = {}
        self._listed = 0.0
        self._list_processes()
        self._before = dict(self._own)

    def follow(self) -> None:
        """Note how much time this process and its workers have used; call it now and then, while no call is timed."""
        if time.monotonic() - self._listed > _REFRESH_S:
            self._list_processes()
        else:
            self._note()

    def read(self) -> MachineLoad:
        """The load since the meter was made."""
        self._list_processes()
        busy_s, total_s = _processor_times()
        busy, total = busy_s - self._begin_busy_s, total_s - self._begin_total_s
        if total < _SHORTEST_S:
            return MachineLoad(busy=None, others=None)
        own = sum(used - self._before.get(pid, 0.0) for pid, used in self._own.items())
        return MachineLoad(busy=min(1.0, max(0.0, busy / total)), others=min(1.0, max(0.0, (busy - own) / total)))

    def _list_processes(self) -> None:
        try:
            this = psutil.Process()
            self._processes = {process.pid: process for process in (this, *this.children(recursive=True))}
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
    """Measure the load over a second in which this process does nothing."""
    meter = LoadMeter()
    time.sleep(_SAMPLE_S)
    return meter.read()


def _processor_times() -> tuple[float, float]:
    """Busy and total seconds of the processors that this process may use."""
    processors = psutil.cpu_times(percpu=True)
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(processors))
    busy = total = 0.0
    for number in usable:
        if number >= len(processors):
            continue
        spent = processors[number]._asdict()
        # Linux counts the time of guests as the user's as well.
        whole = sum(spent.values()) - spent.get("guest", 0.0) - spent.get("guest_nice", 0.0)
        total += whole
        busy += whole - spent["idle"] - spent.get("iowait", 0.0)
    return busy, total
