"""The workers that compute at the moment, so that an interruption can end them."""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from benchmark.workers.worker import Worker

_LAST_WORDS_S = 5.0


class OpenWorkers:
    """Knows the workers of several threads."""

    def __init__(self) -> None:
        self._workers: set[Worker] = set()
        self._changed = threading.Condition()
        self._ended = False

    @contextmanager
    def use(self, worker: Worker) -> Iterator[Worker]:
        """Give a worker to the calling thread, and close it afterwards."""
        with self._changed:
            if self._ended:
                raise InterruptedError("no worker is started any more")
            self._workers.add(worker)
        try:
            with worker:
                yield worker
        finally:
            with self._changed:
                self._workers.discard(worker)
                self._changed.notify_all()

    def end(self) -> None:
        """Kill all workers and wait until their threads have closed them; none is given out any more."""
        with self._changed:
            self._ended = True
            for worker in self._workers:
                if (pid := worker.pid) is not None:
                    with contextlib.suppress(psutil.Error):
                        psutil.Process(pid).kill()
            self._changed.wait_for(lambda: not self._workers, timeout=_LAST_WORDS_S)

    @property
    def ended(self) -> bool:
        """Whether somebody has ended them."""
        return self._ended
