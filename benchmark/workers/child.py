"""The side of a worker that runs in a process of its own: it makes one actor and calls its methods one at a time."""

import contextlib
import ctypes
import faulthandler
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import psutil

from benchmark.plugins import use_plugin_files
from benchmark.workers.answers import Returned, describe, to_plain
from benchmark.workers.messages import Message, encode, receive, send
from benchmark.workers.protection import WorkerKind, protect, refuse_network

NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | NO_LINK
"""How a log is opened; what has become a link in the meantime is refused."""

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_KILLED_FIRST = "1000"
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, kw_only=True)
class WorkerSetup:
    """What a worker's process is given by its parent: the arguments of `Worker` and `Limits`.

    Attributes:
        environment: All its environment variables.
        plugins: The files that `--plugin` names.
        temporary: Its own temporary folder, an existing one.
    """

    actor: str
    log: str
    threads: int
    memory_bytes: int | None
    environment: Mapping[str, str]
    temporary: str
    kind: WorkerKind
    writable: tuple[str, ...]
    plugins: tuple[str, ...] = ()


def serve(pipe: "Connection[Any, Any]", setup: WorkerSetup) -> None:
    """Answer calls until the other end of the pipe is closed; the entry point of a worker's process."""
    # A session and process group of its own: out of reach of the terminal's Ctrl-C, and killed as a whole.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()
    _redirect_output(setup.log)
    _close_helpers()
    os.environ.clear()
    os.environ.update(setup.environment)
    tempfile.tempdir = setup.temporary
    logging.getLogger(__name__).info("worker %d for %s, %s", os.getpid(), setup.actor, datetime.now(UTC).isoformat())
    _limit_this_process(setup.threads, setup.memory_bytes)
    if setup.kind is WorkerKind.COMPUTE:
        protect([Path(folder) for folder in (setup.temporary, *setup.writable)])
    elif setup.kind is WorkerKind.FOREIGN:
        refuse_network()
    if setup.kind.is_foreign:
        adopt_orphans()
    use_plugin_files(setup.plugins, load=False)
    _end_with_parent(setup.kind)  # a thread: it must come under the protection, too
    instance: Any = None
    while True:
        try:
            method, arguments = receive(pipe)
        except (EOFError, OSError):
            if setup.kind.is_foreign:
                kill_descendants(os.getpid())  # while this process lives, by which they are found
            return
        try:
            if instance is None:
                module, _, name = setup.actor.partition(":")
                instance = getattr(importlib.import_module(module), name)()
            message = encode(to_plain(Returned(getattr(instance, method)(*arguments))))
        except BaseException as error:  # the edge of a worker: whatever happens in an actor is an answer
            message = _failure(error, method, setup.memory_bytes)
        try:
            send(pipe, message)
        except OSError:
            return


def _failure(error: BaseException, method: str, memory_bytes: int | None) -> Message:
    answer = describe(error, memory_limit=memory_bytes)
    try:
        sys.stderr.write(f"{method} raised:\n")
        traceback.print_exception(error)
    except BaseException:  # an exception may refuse to be printed; the answer must get through all the same
        sys.stderr.write("(its traceback could not be written)\n")
    return encode(to_plain(answer))


def _redirect_output(log: str) -> None:
    """Send everything printed, by Python or by libraries in C, to the log, and read nothing from the terminal."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        output = os.open(log, LOG_FLAGS, 0o644)
    except OSError:  # the cache was deleted meanwhile, or a link was put there: no reason to stop
        output = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, _STDIN)
    for descriptor in (_STDOUT, _STDERR):
        os.dup2(output, descriptor)
    os.close(nothing)
    os.close(output)
    options: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace", "buffering": 1, "closefd": False}
    sys.stdout = open(_STDOUT, "w", **options)  # noqa: SIM115 - a descriptor, kept to the end
    sys.stderr = open(_STDERR, "w", **options)  # noqa: SIM115 - a descriptor, kept to the end
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s", force=True)
    faulthandler.enable(file=_STDERR)


def _close_helpers() -> None:
    """Close the pipes to multiprocessing's own processes: whoever writes into them ends these for all workers."""
    for helper, name in ((forkserver._forkserver, "_forkserver_alive_fd"), (resource_tracker._resource_tracker, "_fd")):
        descriptor = getattr(helper, name, None)
        if isinstance(descriptor, int):
            os.close(descriptor)
            setattr(helper, name, None)


def kill_descendants(pid: int) -> None:
    """Kill all processes that a process has started, and on Linux those whose own parents have ended."""
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                process.kill()


def adopt_orphans() -> None:
    """Let processes whose parent ends become children of this one, on Linux, so that they can be found and killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_with_parent(kind: WorkerKind) -> None:
    """End this process when its parent is gone, even in the middle of a call that would take forever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        if kind.is_foreign:
            kill_descendants(os.getpid())
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def _limit_this_process(threads: int, memory_bytes: int | None) -> None:
    """Limit threads and, on Linux, memory, before the actor is made."""
    if "torch" in sys.modules:
        # The environment is read when torch is loaded, and the fork server has loaded it long ago.
        sys.modules["torch"].set_num_threads(threads)
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - there is none on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes is not None:
        # RLIMIT_DATA counts private writable memory only: unlike RLIMIT_AS it is not used up by mapped libraries,
        # mapped weight files and address space that is merely reserved.
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        private_kb = next((int(line.split()[1]) for line in status if line.startswith("VmData:")), 0)
        limit = private_kb * 1024 + memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        # When the machine's memory runs out, the kernel ends a worker rather than its parent. A hardened container
        # forbids it; then the kernel chooses by size, which is usually the worker.
        Path(f"/proc/{os.getpid()}/oom_score_adj").write_text(_KILLED_FIRST, encoding="ascii")
    except OSError:
        return
