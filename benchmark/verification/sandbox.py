"""Workers under limits: how much memory one may take, how all of them end, and what it means when one fails."""

import contextlib
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import psutil
from pydantic import JsonValue

from benchmark.errors import BenchError
from benchmark.models.head_rules import Skeleton
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.workers.answers import Answer, Crashed, Failure, OutOfMemory, Raised, Returned, TimedOut, WorkerLostError
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker

Item = TypeVar("Item")
Result = TypeVar("Result")

INSPECTION_BYTES = 2_000_000_000
"""Memory of the inspection worker; an honest configuration takes some megabytes."""
_INSPECTION_ACTOR = "benchmark.verification.actors:InspectionActor"
_LONGEST_INSPECTION_S = 60.0
_END_GRACE_S = 5.0
_MEMORY_SHARE = 0.8
_CONTROL_GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

_REFUSED = "Weights only load failed"
_REFUSED_GLOBAL = re.compile(r"(?:unsupported|Unsupported global:) GLOBAL (\S{1,120})|Unsupported operand (\d+)")
_STATUSES = {
    Raised: Status.LOAD_FAILED,
    Crashed: Status.CRASHED,
    TimedOut: Status.TIMED_OUT,
    OutOfMemory: Status.OUT_OF_MEMORY,
}


logger = logging.getLogger(__name__)


class WorkerPool:
    """The workers that compute for several threads, so that an interruption can end all of them."""

    def __init__(self) -> None:
        self._workers: set[Worker] = set()
        self._changed = threading.Condition()
        self._ended = False

    @contextmanager
    def watch(self, worker: Worker) -> Iterator[Worker]:
        """Let `end` kill a worker while the calling thread uses it; raises InterruptedError after the end."""
        with self._changed:
            if self._ended:
                raise InterruptedError("no worker is started any more")
            self._workers.add(worker)
        try:
            yield worker
        finally:
            with self._changed:
                self._workers.discard(worker)
                self._changed.notify_all()

    def end(self) -> None:
        """Kill all workers and wait until their threads have let go of them."""
        with self._changed:
            self._ended = True
            for worker in self._workers:
                if (pid := worker.pid) is not None:
                    with contextlib.suppress(psutil.Error):
                        psutil.Process(pid).kill()
            self._changed.wait_for(lambda: not self._workers, timeout=_END_GRACE_S)


class InspectionWorker:
    """The one worker that looks at all configurations, for several threads; a new one replaces one that fails.

    Args:
        pool: Ends it on an interruption.
        log: Where what it prints is kept.
        timeout_s: How long one call may take; never more than a minute.
    """

    def __init__(self, pool: WorkerPool, log: Path, timeout_s: float) -> None:
        self._pool = pool
        self._log = log
        self._timeout_s = min(timeout_s, _LONGEST_INSPECTION_S)
        self._turn = threading.RLock()
        self._worker: Worker | None = None

    def skeleton(self, config: Mapping[str, Any], names: Iterable[str] = ()) -> Skeleton | Finding:
        """Build the model that a configuration describes, without weights; a finding where that fails.

        As `read_pickle`, it raises what `call` raises.

        Args:
            config: The content of a `config.json`.
            names: The names of the checkpoint's tensors, to be looked up as a load does.
        """
        checked = self.call("check_config", config)
        if isinstance(checked, Raised):
            return Finding(
                status=Status.INVALID_CONFIG,
                reason=f"transformers refuses its configuration: {checked.reason.rstrip('.')}.",
                evidence={"message": checked.reason, "outer": checked.outer},
            )
        built = self.call("build", config, list(names)) if isinstance(checked, Returned) else checked
        if isinstance(built, Returned):
            return Skeleton.from_plain(built.value)
        if isinstance(built, Raised):
            return finding_of(built, "transformers cannot build the model of its configuration")
        return finding_of(built, "Building it without weights failed")

    def read_pickle(self, content: bytes, name: str, *, pickles: int, load: bool) -> dict[str, Any] | None:
        """Describe the pickle of a weight file, as a `PickleReader`; None where the worker failed."""
        answer = self.call("read_pickle", np.frombuffer(content, np.uint8), name, pickles, load)
        return answer.value if isinstance(answer, Returned) else None

    def call(self, method: str, *arguments: object) -> Answer:
        """Call a method of `InspectionActor`.

        A call that kills the worker is tried once more, and so is one that hangs or runs out of memory in a worker in
        which something may be left of earlier calls.

        Raises:
            WorkerLostError: The system or a person may have ended the second worker.
        """
        with self._turn:
            is_new = self._worker is None
            answer = self._try(method, *arguments)
            if isinstance(answer, Crashed) or not (is_new or isinstance(answer, Returned | Raised)):
                answer = self._try(method, *arguments)
            if isinstance(answer, Crashed) and answer.is_from_outside:
                raise WorkerLostError(answer)
            return answer

    def close(self) -> None:
        """End the process; a later call starts another."""
        with self._turn:
            if self._worker is not None:
                self._worker.close()
                self._worker = None

    def _try(self, method: str, *arguments: object) -> Answer:
        if self._worker is None:
            limits = Limits(threads=1, memory_bytes=INSPECTION_BYTES)
            self._worker = Worker(_INSPECTION_ACTOR, log=self._log, limits=limits)
        answer: Answer | None = None
        with self._pool.watch(self._worker) as worker:
            try:
                answer = worker.call(method, *arguments, timeout_s=self._timeout_s)
            finally:
                if not isinstance(answer, Returned | Raised):
                    self.close()
        return answer


def load_limit(jobs: int) -> int:
    """Bytes that one of several load workers may take: its share of 4/5 of the machine's or the container's memory."""
    limits = [int(psutil.virtual_memory().total)]
    for path in _CONTROL_GROUP_LIMITS if sys.platform == "linux" else ():
        with contextlib.suppress(OSError):
            text = path.read_text(encoding="ascii").strip()
            limits += [int(text)] if text.isdecimal() and int(text) > 0 else []
    return int(_MEMORY_SHARE * min(limits)) // jobs


def isolate_errors(
    task: Callable[[Item], Result], replacement: Callable[[Item, Exception], Result]
) -> Callable[[Item], Result]:
    """Let an unforeseen error, such as a want of memory, cost the item that it happened to, and no other.

    Args:
        task: What to do.
        replacement: Gives the result for an item whose task raised.

    Returns:
        The task; it raises only what ends all: a wrong request, a full disk, an interruption.

    Examples:
        >>> [isolate_errors(len, lambda item, error: -1)(item) for item in ("ab", 3)]
        [2, -1]
    """

    def isolated(item: Item) -> Result:
        try:
            return task(item)
        except (BenchError, InterruptedError):
            raise
        except Exception as error:  # the edge of one candidate: whatever it is becomes its verdict
            logger.info("unforeseen", exc_info=error)
            return replacement(item, error)

    return isolated


def finding_of(answer: Failure, what: str) -> Finding:
    """Say what a worker's failure means for its candidate; `what` it failed at begins the sentence.

    The status follows from the kind of failure; it is `unsafe-weights` where torch refuses to read the weights.

    Examples:
        >>> finding_of(TimedOut(5.0), "Loading it failed").reason
        'Loading it failed: no answer within 5 s.'
        >>> finding_of(Raised("UnpicklingError", "Weights only load failed. … unsupported GLOBAL os.system …", ""), "")
        ... # doctest: +ELLIPSIS
        Finding(status=<Status.UNSAFE_WEIGHTS: 'unsafe-weights'>, reason='...; it needs os.system.', evidence={...})
    """
    evidence: dict[str, JsonValue] = {"message": answer.reason}
    if isinstance(answer, Raised):
        evidence["outer"] = answer.outer
        if answer.message.startswith(_REFUSED):
            # torch's own advice is to execute the file, so its message is not shown.
            match = _REFUSED_GLOBAL.search(answer.message)
            needed = f"; it needs {match[1] or f'the instruction {match[2]}'}" if match else ""
            reason = f"Its weights cannot be used: reading them would execute code from them{needed}."
            return Finding(status=Status.UNSAFE_WEIGHTS, reason=reason, evidence=evidence)
    return Finding(status=_STATUSES[type(answer)], reason=f"{what}: {answer.reason.rstrip('.')}.", evidence=evidence)
