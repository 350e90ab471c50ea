"""The workers that compute at the moment, so that an interruption can end them."""

import contextlib
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from pydantic import JsonValue

from benchmark.models.expected_tensors import Skeleton
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.workers.answers import Crashed, Failure, OutOfMemory, Raised, Returned, TimedOut
from benchmark.workers.process import Limits
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


SKELETON_BYTES = 2_000_000_000
"""What building models without weights may take; an honest configuration takes some megabytes."""


_SHARE = 0.8


_CONTROL_GROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def load_limit(jobs: int) -> int:
    """Give the memory that one of several workers may take, in bytes.

    Args:
        jobs: How many workers there are at once.

    Returns:
        Its share of four fifths of this machine's memory, or of the container's where that is less.
    """
    return int(_SHARE * _memory()) // jobs


def _memory() -> int:
    machine = int(psutil.virtual_memory().total)
    return min([machine, *_container_limits()]) if sys.platform == "linux" else machine


def _container_limits() -> list[int]:
    limits = []
    for path in _CONTROL_GROUP_LIMITS:
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdecimal() and int(text) > 0:
            limits.append(int(text))
    return limits


_LONGEST_MESSAGE = 300


_REFUSED = "Weights only load failed"


_NEEDED = re.compile(r"(?:unsupported|Unsupported global:) GLOBAL (\S{1,120})|Unsupported operand (\d+)")


_STATUSES = {
    Raised: Status.LOAD_FAILED,
    Crashed: Status.CRASHED,
    TimedOut: Status.TIMED_OUT,
    OutOfMemory: Status.OUT_OF_MEMORY,
}


def unforeseen(error: Exception) -> Finding:
    """Say that bench itself failed at a candidate; such a verdict is not kept.

    Examples:
        >>> unforeseen(MemoryError()).status.value, unforeseen(KeyError("x")).reason
        ('out-of-memory', "Bench itself failed at it, which says nothing about the model: KeyError: 'x'.")
    """
    message = " ".join(f"{type(error).__name__}: {error}".removesuffix(": ").split())[:_LONGEST_MESSAGE]
    if isinstance(error, MemoryError):
        reason = "This machine had no memory left to look at it; fewer --jobs take less."
        return Finding(status=Status.OUT_OF_MEMORY, reason=reason, evidence={"message": message})
    reason = f"Bench itself failed at it, which says nothing about the model: {message}."
    return Finding(status=Status.CRASHED, reason=reason, evidence={"message": message})


def finding_of(answer: Failure, what: str) -> Finding:
    """Say what a worker's failure means.

    Args:
        answer: How the worker failed.
        what: What it failed at, as the beginning of a sentence.

    Returns:
        `load-failed`, `crashed`, `timed-out` or `out-of-memory`, with what the worker said; `unsafe-weights` where
        torch refuses to read them.

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
            return Finding(status=Status.UNSAFE_WEIGHTS, reason=_why_refused(answer.message), evidence=evidence)
    return Finding(status=_STATUSES[type(answer)], reason=f"{what}: {answer.reason.rstrip('.')}.", evidence=evidence)


def _why_refused(message: str) -> str:
    """Say what torch refuses; its own advice is to execute it."""
    match = _NEEDED.search(message)
    needed = f"; it needs {match[1] or f'the instruction {match[2]}'}" if match else ""
    return f"Its weights cannot be used: reading them would execute code from them{needed}."


_ACTOR = "benchmark.verification.actors:InspectionActor"


_LONGEST_S = 60.0


@dataclass(frozen=True)
class Built:
    """What became of a configuration.

    Attributes:
        skeleton: The model that it describes; None where none could be made of it.
        findings: Why not.
    """

    skeleton: Skeleton | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SkeletonBuilder:
    """Builds the models of a batch of configurations, without weights.

    Attributes:
        log: Where what the worker prints is kept.
        timeout_s: How long one configuration may take, in seconds; never more than a minute.
        workers: Who knows the workers that are open.
    """

    log: Path
    timeout_s: float
    workers: OpenWorkers

    def build(self, configs: Mapping[str, Mapping[str, Any]]) -> dict[str, Built]:
        """Build one model per configuration; one that kills the worker is tried alone.

        Args:
            configs: Contents of `config.json`, by whatever the caller calls them.

        Returns:
            What became of each.
        """
        built: dict[str, Built] = {}
        waiting = dict(configs)
        while waiting:
            built |= self._batch(waiting)
            waiting = {name: config for name, config in waiting.items() if name not in built}
            if waiting:
                killer = next(iter(waiting))
                built[killer] = self._alone(waiting.pop(killer))
        return built

    def _batch(self, configs: Mapping[str, Mapping[str, Any]]) -> dict[str, Built]:
        """Build one after the other, up to the first that takes more than it may."""
        built: dict[str, Built] = {}
        with self._worker() as worker:
            for name, config in configs.items():
                one = self._one(worker, config)
                if not isinstance(one, Built):
                    break
                built[name] = one
        return built

    def _alone(self, config: Mapping[str, Any]) -> Built:
        with self._worker() as worker:
            one = self._one(worker, config)
        return one if isinstance(one, Built) else Built(None, (finding_of(one, "Building it without weights failed"),))

    def _worker(self) -> Any:
        limits = Limits(threads=1, memory_bytes=SKELETON_BYTES)
        return self.workers.use(Worker(_ACTOR, log=self.log, limits=limits))

    def _one(self, worker: Worker, config: Mapping[str, Any]) -> "Built | Failure":
        """Build one; what speaks against the worker's health comes back as it is."""
        timeout_s = min(self.timeout_s, _LONGEST_S)
        checked = worker.call("check_config", config, timeout_s=timeout_s)
        if isinstance(checked, Raised):
            return Built(None, (_invalid(checked),))
        if not isinstance(checked, Returned):
            return checked
        answer = worker.call("build", config, timeout_s=timeout_s)
        if isinstance(answer, Raised):
            return Built(None, (finding_of(answer, "transformers cannot build the model of its configuration"),))
        return Built(Skeleton.from_plain(answer.value)) if isinstance(answer, Returned) else answer


def _invalid(answer: Raised) -> Finding:
    return Finding(
        status=Status.INVALID_CONFIG,
        reason=f"transformers refuses its configuration: {answer.reason.rstrip('.')}.",
        evidence={"message": answer.reason, "outer": answer.outer},
    )
