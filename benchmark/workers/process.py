"""Starting a worker's process: from a fork server with the libraries imported, or as a fresh interpreter.

Neither imports the user's `__main__` again, so a script without `if __name__ == "__main__"` works.
"""

import multiprocessing
import os
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmark.settings import TEMPORARY_FOLDER
from benchmark.temporary import process_folder
from benchmark.workers import child
from benchmark.workers.child import WorkerSetup
from benchmark.workers.protection import WorkerKind

WORKER_ENVIRONMENT: Mapping[str, str] = {
    # Threads that wait must sleep: two spinning pools on two cores made a tiny model 160 times slower.
    "OMP_WAIT_POLICY": "PASSIVE",
    "KMP_BLOCKTIME": "0",
    # numpy's products in feature extraction are small, and its threads spin whatever OMP_WAIT_POLICY says.
    "OPENBLAS_NUM_THREADS": "1",
    # A worker reads local files and nothing else.
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DISABLE_SAFETENSORS_CONVERSION": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Otherwise asking whether there is a GPU starts the driver in the fork server, and forks of it can't use it.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}
"""Variables that a worker needs before anything is imported in it, and that its parent must never see."""

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
)
_WAITS_FOR_SERVER_S = (0.02, 0.2, 1.0)

# Starting changes what the whole process shares, environment and `__main__`: two threads would restore each other's.
_STARTING = threading.Lock()


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
    temporary: Path


def start_process(
    actor: str, *, log: Path, limits: Limits, kind: WorkerKind, writable: Sequence[Path]
) -> WorkerProcess:
    """Start a worker's process (see `Worker`); with a fork server, the first call waits for it, some seconds.

    Raises:
        OSError: The system has no process, file descriptor or temporary folder to spare.
    """
    context: Any = multiprocessing.get_context("forkserver" if _forks() else "spawn")
    temporary = process_folder(log.parent.with_name(TEMPORARY_FOLDER)) / secrets.token_hex(6)
    temporary.mkdir(mode=0o700)
    variables = {**os.environ, **WORKER_ENVIRONMENT, "OMP_NUM_THREADS": str(limits.threads)}
    setup = WorkerSetup(
        actor=actor,
        log=str(log),
        threads=limits.threads,
        memory_bytes=limits.memory_bytes,
        environment=variables,
        temporary=str(temporary),
        kind=kind,
        writable=tuple(map(str, writable)),
    )
    parent_end, child_end = context.Pipe(duplex=True)
    try:
        process = context.Process(target=child.serve, args=(child_end, setup), name=f"worker {actor}", daemon=True)
        _launch_despite_server_death(process, variables)
    except BaseException:
        parent_end.close()
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        child_end.close()
    return WorkerProcess(process, parent_end, temporary)


def _launch_despite_server_death(process: Any, variables: Mapping[str, str]) -> None:
    """Start a process, and the fork server again where it has died.

    It dies when a worker writes into every file descriptor that it has, or when memory runs out. `ensure_running`
    notices a server that is gone; one that is still being taken down looks alive, and is given time.
    """
    for wait_s in _WAITS_FOR_SERVER_S:
        start_server()
        try:
            _launch(process, variables)
            return
        except (ConnectionError, EOFError):
            time.sleep(wait_s)
    start_server()
    _launch(process, variables)


def _launch(process: Any, variables: Mapping[str, str]) -> None:
    # A fork gets its environment as an argument; a fresh interpreter must find it when it starts.
    with _STARTING, environment({} if _forks() else variables), _no_main_module():
        process.start()


def start_server() -> None:
    """Start the fork server, where there is one, without waiting for it; later calls do nothing.

    Call it early: the server takes seconds to import torch and transformers.
    """
    if not _forks():
        return
    # multiprocessing's own helper is started first: starting it unblocks interrupts on the way.
    resource_tracker.ensure_running()
    with _STARTING, environment(WORKER_ENVIRONMENT), _no_main_module(), _interrupts_blocked():
        multiprocessing.get_context("forkserver").set_forkserver_preload(list(_PRELOADED))
        forkserver.ensure_running()


def _forks() -> bool:
    # macOS has fork servers too, but its system libraries don't survive a fork.
    return sys.platform == "linux"


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a process that starts within the block, and restore them."""
    before = {name: os.environ.get(name) for name in variables}
    try:
        os.environ.update(variables)
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


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
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
