"""Real signals to real workers, before chosen calls."""

import os
import signal
import threading
import time
from collections.abc import Collection

import pytest

from benchmark.workers.answers import Answer
from benchmark.workers.worker import Worker

ALWAYS = range(1_000)
_PATIENT_S = 10.0


def end_workers(
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    *,
    calls: Collection[int] = (0,),
    actor: str = "",
    of: str = "",
    number: signal.Signals = signal.SIGKILL,
) -> list[str]:
    """Send a signal to a worker before calls of a method, counted over all workers from 0.

    Args:
        monkeypatch: Restores `Worker.call`.
        method: The method of the actor.
        calls: Which calls are hit.
        actor: A part of the actor's name; other actors are left alone.
        of: A part of the name of the log, and so of the candidate.
        number: The signal.

    Returns:
        The methods of all calls to these actors from now on.
    """
    call, seen = Worker.call, list[str]()
    lock = threading.Lock()

    def ended(self: Worker, name: str, *arguments: object, timeout_s: float) -> Answer:
        if actor in self._actor and of in self._log.name:
            with lock:
                index = seen.count(name)
                seen.append(name)
            if name == method and index in calls:
                if self.pid is None:  # the process starts with the call
                    threading.Thread(target=_end_once_started, args=(self, number)).start()
                else:
                    os.kill(self.pid, number)
        return call(self, name, *arguments, timeout_s=timeout_s)

    monkeypatch.setattr(Worker, "call", ended)
    return seen


def _end_once_started(worker: Worker, number: signal.Signals) -> None:
    end = time.monotonic() + _PATIENT_S
    while (pid := worker.pid) is None and time.monotonic() < end:
        time.sleep(0.001)
    if pid is not None:
        os.kill(pid, number)
