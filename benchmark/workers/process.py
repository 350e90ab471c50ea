"""Starting a worker's process: from a fork server with the libraries imported, or as a fresh interpreter.

The fork server has the environment of a COMPUTE worker, so its forks inherit no credentials. Its socket lies in the
cache, where a later run removes what a killed one left. FETCH workers, and those that need no torch, are fresh
interpreters. Neither imports the user's `__main__` again, so a script without `if __name__ == "__main__"` works.
"""

import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess, current_process
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil

from benchmark.errors import UnavailableError
from benchmark.plugins import plugin_files
from benchmark.settings import TEMPORARY_FOLDER
from benchmark.temporary import PrivateFolder, private_folder, process_folder
from benchmark.workers import child
from benchmark.workers.child import WorkerSetup
from benchmark.workers.environment import started_with, worker_environment
from benchmark.workers.protection import WorkerKind

# What takes long to import. Only imported: no tensor operation, no CUDA; those don't survive a fork.
_PRELOADED = (
    "torch",
    "transformers",
    "transformers.modeling_utils",
    "transformers.feature_extraction_sequence_utils",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.feature_extraction_auto",
    "scipy.special",
    "benchmark.models.backends.preloading",
    "benchmark.workers.preloading",
)
_END_OF_SERVER_S = 5.0
_WAITS_FOR_SERVER_S = (0.02, 0.2, 1.0)

_Started = tuple[BaseProcess, "Connection[Any, Any]"]

# Starting changes what the whole process shares, environment and `__main__`: two threads would restore each other's.
_STARTING = threading.Lock()
_socket_folders: dict[Path, str | None] = {}


@dataclass(frozen=True)
class Limits:
    """What a worker may take of the machine.

    Attributes:
        threads: Threads that one computation may use.
        memory_bytes: Memory that the actor may take on top of what its process holds when it starts; None for no
            limit. Enforced on Linux only; not for use with CUDA, whose driver reserves far more than it uses.
    """

    threads: int = 1
    memory_bytes: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class WorkerProcess:
    """A worker's process that runs, with its temporary folder and the parent's end of the pipe to it."""

    process: BaseProcess
    pipe: "Connection[Any, Any]"
    temporary: PrivateFolder
    kind: WorkerKind


def start_process(
    actor: str, *, log: Path, limits: Limits, kind: WorkerKind, writable: Sequence[Path], preloaded: bool
) -> WorkerProcess:
    """Start a worker's process (see `Worker`); with a fork server, the first call waits for it, some seconds.

    Raises:
        OSError: The system has no process or file descriptor to spare.
        UnavailableError: There can be no temporary folder.
    """
    forks = preloaded and kind is WorkerKind.COMPUTE and _forks()
    folders = log.parent.with_name(TEMPORARY_FOLDER)
    temporary = _worker_folder(folders)
    setup = WorkerSetup(
        actor=actor,
        log=str(log),
        threads=limits.threads,
        memory_bytes=limits.memory_bytes,
        environment=worker_environment(kind, threads=limits.threads, temporary=temporary.path),
        temporary=str(temporary.path),
        kind=kind,
        writable=tuple(map(str, writable)),
        plugins=plugin_files(),
    )
    try:
        process, pipe = _fork_despite_server_death(setup, folders) if forks else _spawn(setup)
    except BaseException:
        temporary.remove()
        raise
    return WorkerProcess(process, pipe, temporary, kind)


def _worker_folder(parent: Path) -> PrivateFolder:
    try:
        return private_folder(parent)
    except OSError as error:
        raise UnavailableError(
            f"No temporary folder can be made in {parent} ({error.strerror or error}): choose another folder with "
            "BENCH_CACHE."
        ) from error


def _fork_despite_server_death(setup: WorkerSetup, temporary: Path) -> _Started:
    """Start a process, and the fork server again where it has died.

    It dies when a worker writes into every file descriptor that it has, or when memory runs out. One that is still
    being taken down looks alive and refuses; one whose socket was deleted, with the cache, is no longer found. Both are
    ended and given time.
    """
    for wait_s in _WAITS_FOR_SERVER_S:
        start_server(temporary)
        try:
            return _fork(setup)
        except (FileNotFoundError, ConnectionRefusedError):
            _end_server()
        except (ConnectionError, EOFError):
            pass
        time.sleep(wait_s)
    start_server(temporary)
    return _fork(setup)


def _fork(setup: WorkerSetup) -> _Started:
    with _STARTING, _no_main_module():
        return _start(setup, multiprocessing.get_context("forkserver"))


def _spawn(setup: WorkerSetup) -> _Started:
    with _STARTING, _no_main_module():
        _start_tracker()
        with started_with(setup.environment), _interrupts_blocked():  # until it ignores them itself
            return _start(setup, multiprocessing.get_context("spawn"))


def _start(setup: WorkerSetup, context: Any) -> _Started:
    """Start a process with a new pipe: that of a failed attempt may still be read by a process whose server died.

    multiprocessing must not keep it among its children: whenever a thread starts one, it asks all of them how they
    ended, and takes that answer from the thread that waits for it. From a descriptor that this thread has just closed
    it would read what belongs to whoever got its number, who then waits forever.
    """
    parent_end, child_end = context.Pipe(duplex=True)
    process = context.Process(target=child.serve, args=(child_end, setup), name=f"worker {setup.actor}", daemon=True)
    try:
        process.start()
        multiprocessing.process._children.discard(process)  # type: ignore[attr-defined] # there is no public way
    except BaseException:
        parent_end.close()
        raise
    finally:
        child_end.close()
    return process, parent_end


def _start_tracker() -> None:
    """Start multiprocessing's own helper before any other process: it needs no credentials, and unblocks interrupts."""
    if sys.platform != "win32":
        with started_with(worker_environment(WorkerKind.COMPUTE, threads=1)):
            resource_tracker.ensure_running()


def start_server(temporary: Path) -> None:
    """Start the fork server, where there is one, without waiting for it; later calls do nothing.

    Call it early: the server takes seconds to import torch and transformers.

    Args:
        temporary: `Settings.temporary`, for its socket; where that can't be, it lies in the system's folder.
    """
    if not _forks() or _server_runs():
        return
    parents = (temporary, Path(tempfile.gettempdir()))
    folder = next(filter(None, map(_process_folder, parents)), None)
    variables = worker_environment(WorkerKind.COMPUTE, threads=1, temporary=folder)
    with _STARTING, _no_main_module():
        _start_tracker()
        with started_with(variables), _interrupts_blocked(), _socket_in(parents):
            multiprocessing.get_context("forkserver").set_forkserver_preload(list(_PRELOADED))
            forkserver.ensure_running()


def _process_folder(parent: Path) -> Path | None:
    try:
        return process_folder(parent)
    except OSError:
        return None


@contextmanager
def _socket_in(parents: Sequence[Path]) -> Iterator[None]:
    """Let multiprocessing make its socket in our folder rather than in a `pymp-…` that nobody removes after a kill."""
    path = next(filter(None, map(_socket_path, filter(None, map(_process_folder, parents)))), None)
    if path is None:
        yield
        return
    settings: dict[str, Any] = current_process()._config  # type: ignore[attr-defined] # where it looks first
    before = settings.get("tempdir")
    try:
        settings["tempdir"] = path
        yield
    finally:
        settings["tempdir"] = before


def _socket_path(folder: Path) -> str | None:
    """A short path of a folder, since that of a socket has 107 bytes at most; None where it can't hold sockets."""
    try:
        if folder not in _socket_folders:
            _socket_folders[folder] = None
            path = f"/proc/self/fd/{os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)}"  # kept open
            with socket.socket(socket.AF_UNIX) as probe:  # not every file system has sockets
                probe.bind(f"{path}/probe")
            (folder / "probe").unlink()
            _socket_folders[folder] = path
        return _socket_folders[folder]
    except OSError:
        return None


def _server_pid() -> int | None:
    pid: int | None = getattr(forkserver._forkserver, "_forkserver_pid", None)
    return pid


def _server_runs() -> bool:
    pid = _server_pid()
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _end_server() -> None:
    if (pid := _server_pid()) is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + _END_OF_SERVER_S
        while _server_runs() and time.monotonic() < deadline:
            time.sleep(0.01)


def _forks() -> bool:
    # macOS has fork servers too, but its system libraries don't survive a fork.
    return sys.platform == "linux"


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the user's `__main__`, which multiprocessing would otherwise import again in the child."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start a process in which Ctrl-C is blocked for good; this process gets one that arrives meanwhile afterwards.

    By itself the server ignores Ctrl-C only once its imports are done.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
