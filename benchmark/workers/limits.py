"""What a worker may take of the machine, and how its own process is held to it."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

_MOST_LIKELY_VICTIM = "1000"


@dataclass(frozen=True)
class Limits:
    """What a worker may take of the machine.

    Attributes:
        threads: Threads that one computation may use.
        memory_bytes: Memory that the actor may take on top of what its process holds when it starts; None for no
            limit of its own. Held on Linux only; not for use with CUDA, whose driver reserves far more than it uses.
    """

    threads: int = 1
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuse what can't be held."""
        if self.threads < 1:
            raise ValueError(f"a worker needs at least one thread, not {self.threads}")
        if self.memory_bytes is not None and self.memory_bytes < 1:
            raise ValueError(f"a worker needs some memory, not {self.memory_bytes} bytes")


NO_LIMITS = Limits()


def hold_this_process_to(limits: Limits) -> None:
    """Limit the process this is called in; called once, in a worker, before its actor is made."""
    if "torch" in sys.modules:
        # The environment is read when torch is loaded, and the fork server has loaded it long ago.
        sys.modules["torch"].set_num_threads(limits.threads)
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - there is none on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits.memory_bytes is not None:
        # RLIMIT_DATA counts private writable memory only: unlike RLIMIT_AS it is not used up by mapped libraries,
        # mapped weight files and address space that is merely reserved.
        most = _private_bytes() + limits.memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    _offer_this_process_when_memory_runs_out()


def _private_bytes() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _offer_this_process_when_memory_runs_out() -> None:
    """Tell the kernel to end a worker rather than the harness when the machine's memory runs out."""
    try:
        Path(f"/proc/{os.getpid()}/oom_score_adj").write_text(_MOST_LIKELY_VICTIM, encoding="ascii")
    except OSError:
        return  # a hardened container forbids it; then the kernel chooses by size, which is usually the worker
