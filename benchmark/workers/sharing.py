"""Workers that are kept to be used again, by several threads."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

from benchmark.workers.worker import Worker


class SharedWorkers:
    """Workers with the same actor; each is used by one thread at a time.

    Args:
        start: Makes a worker.
        most: How many there are at most; further threads wait.
    """

    def __init__(self, start: Callable[[], Worker], most: int) -> None:
        self._start = start
        self._free = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: list[Worker] = []
        self._closed = False

    @contextlib.contextmanager
    def worker(self) -> Iterator[Worker]:
        """A worker, which is used again afterwards unless its process has ended or an exception leaves the block.

        Raises:
            ValueError: They have been closed.
        """
        with self._free:
            with self._lock:
                if self._closed:
                    raise ValueError("these workers have been closed")
                worker = self._idle.pop() if self._idle else self._start()
                self._busy.append(worker)
            is_usable = False
            try:
                yield worker
                is_usable = worker.pid is not None
            finally:
                with self._lock:
                    self._busy.remove(worker)
                    is_usable = is_usable and not self._closed
                    if is_usable:
                        self._idle.append(worker)
                if not is_usable:
                    worker.close()

    def close(self) -> None:
        """End all workers, also in the middle of a call, which then is answered with a crash."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for worker in self._busy:
                if (pid := worker.pid) is not None:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGTERM)
        for worker in idle:
            worker.close()
