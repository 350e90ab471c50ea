"""A worker: an actor in a process of its own, whose crash, hang or exception is an answer."""

import contextlib
import errno
import os
import signal
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from benchmark.errors import UnavailableError
from benchmark.workers.answers import Answer, Crashed, TimedOut, from_plain
from benchmark.workers.child import LOG_FLAGS, NO_LINK, kill_descendants
from benchmark.workers.messages import GarbledError, Message, encode, receive, send
from benchmark.workers.process import NO_LIMITS, Limits, WorkerProcess, start_process
from benchmark.workers.protection import WorkerKind

_GRACE_S = 0.5
_REAP_S = 5.0
_BINARY: int = getattr(os, "O_BINARY", 0)  # Windows would change the ends of lines
_LOG_BYTES, _LOG_HEAD_BYTES = 4_000_000, 1_000_000


class Worker:
    """An actor in a process of its own.

    The process starts with the first call and ends with `close`, which the `with` block calls. After a crash or a
    time-out every further call returns the same answer. Use it from one thread.

    Args:
        actor: The class to make in the worker, without arguments, at the first call: `package.module:Class`.
        log: The file for all that it prints; appended to. Its temporary folder lies in `temporary` beside the folder
            of the log, and is removed when the worker ends.
        limits: What it may take of the machine.
        kind: What it may reach.
        writable: Existing folders in which a COMPUTE worker may write, beside its temporary folder.
        preloaded: Fork a COMPUTE worker from the server that has imported torch and transformers, which takes seconds
            once; else it is a fresh interpreter, for actors that need neither.

    Raises:
        UnavailableError: The log can't be written.
    """

    def __init__(
        self,
        actor: str,
        *,
        log: Path,
        limits: Limits = NO_LIMITS,
        kind: WorkerKind = WorkerKind.COMPUTE,
        writable: Sequence[Path] = (),
        preloaded: bool = True,
    ) -> None:
        self._actor = actor
        self._log = _prepare_log(log)
        self._limits = limits
        self._kind = kind
        self._preloaded = preloaded
        self._writable = tuple(path.absolute() for path in writable)
        self._running: WorkerProcess | None = None
        self._end: Crashed | TimedOut | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process id while the process runs, else None."""
        return None if self._running is None else self._running.process.pid

    @property
    def end(self) -> Crashed | TimedOut | None:
        """How the process ended before `close`; None if it has not."""
        return self._end

    def call(self, method: str, *arguments: object, timeout_s: float) -> Answer:
        """Call a method of the actor with plain data, as in `Returned.value`, and wait for the outcome.

        After `timeout_s` seconds the worker is killed. Making the actor counts; starting the process does not.

        Raises:
            NotPlainError: An argument is not plain data.
            ValueError: The worker has been closed.
        """
        if self._closed:
            raise ValueError("this worker has been closed")
        if self._end is not None:
            return self._end
        message = encode([method, arguments])
        try:
            if self._running is None:
                self._running = start_process(
                    self._actor,
                    log=self._log,
                    limits=self._limits,
                    kind=self._kind,
                    writable=self._writable,
                    preloaded=self._preloaded,
                )
            return self._exchange(self._running, message, timeout_s)
        except BaseException:  # Ctrl-C, most of all: an answer that comes later must not be taken for the next one's
            self.close()
            raise

    def close(self) -> None:
        """End the process and release all that it held; a second call does nothing."""
        self._closed = True
        self._dispose(grace_s=_GRACE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, running: WorkerProcess, message: Message, timeout_s: float) -> Answer:
        decided = threading.Lock()  # taken by what comes first, the answer or the end of the time

        def expire() -> None:
            if decided.acquire(blocking=False):
                _kill(running)

        timer = threading.Timer(min(timeout_s, threading.TIMEOUT_MAX), expire)
        timer.daemon = True
        answer: Answer
        try:
            timer.start()
            send(running.pipe, message)
            answer = from_plain(receive(running.pipe))
        except GarbledError:
            answer = Crashed(signal=None, exit_code=None)
        except (EOFError, OSError):
            running.process.join(_REAP_S)
            answer = _crash(running.process.exitcode)
        finally:
            timer.cancel()
            has_expired = not decided.acquire(blocking=False)
            if has_expired:
                timer.join()  # it is killing the worker
        if has_expired:
            answer = TimedOut(timeout_s)
        if isinstance(answer, Crashed | TimedOut):
            self._end = answer
            self._dispose(grace_s=0.0)
        return answer

    def _dispose(self, grace_s: float) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        running.pipe.close()
        try:
            running.process.join(grace_s)
        finally:
            _kill(running)
            running.process.join(_REAP_S)
            if running.process.exitcode is not None:  # else it waits for a device, and not even SIGKILL reaches it
                running.process.close()
            running.temporary.remove()
            _shorten_log(self._log)


def _crash(exit_code: int | None) -> Crashed:
    if exit_code is None or exit_code >= 0:
        return Crashed(signal=None, exit_code=exit_code)
    try:
        return Crashed(signal=signal.Signals(-exit_code).name, exit_code=None)
    except ValueError:
        return Crashed(signal=f"signal {-exit_code}", exit_code=None)


def _kill(running: WorkerProcess) -> None:
    """Kill a worker with all the processes that it has started itself."""
    pid = running.process.pid
    if pid is not None and running.kind.is_foreign:
        kill_descendants(pid)  # while their parent lives, by which they are found
    if pid is not None and hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # gone, or too young to have its own group
            os.killpg(pid, signal.SIGKILL)  # a group bears its leader's number
    running.process.kill()


def _prepare_log(path: Path) -> Path:
    """Create the log where it can be written; returns its absolute path.

    A link, a file with a second name or a pipe in its place is replaced: what a worker prints must reach no other file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.is_symlink():
            raise OSError(errno.ELOOP, "its folder is a link")
        with contextlib.suppress(FileNotFoundError):
            status = path.lstat()
            if not stat.S_ISDIR(status.st_mode) and (not stat.S_ISREG(status.st_mode) or status.st_nlink > 1):
                path.unlink()
        os.close(os.open(path, LOG_FLAGS, 0o644))
    except OSError as error:
        raise UnavailableError(
            f"The log {path} can't be written ({error.strerror}): choose another folder with BENCH_CACHE."
        ) from error
    return path.absolute()


def _shorten_log(path: Path) -> None:
    """Cut the middle out of a log of more than 4 MB, once the worker that wrote it has ended."""
    with contextlib.suppress(OSError), os.fdopen(os.open(path, os.O_RDWR | NO_LINK | _BINARY), "r+b") as log:
        status = os.fstat(log.fileno())
        size = status.st_size
        if size <= _LOG_BYTES or status.st_nlink > 1:
            return
        head = log.read(_LOG_HEAD_BYTES)
        log.seek(size - (_LOG_BYTES - _LOG_HEAD_BYTES))
        tail = log.read()
        log.seek(0)
        log.truncate()
        log.write(head + f"\n[… {size - len(head) - len(tail)} bytes left out …]\n".encode() + tail)
