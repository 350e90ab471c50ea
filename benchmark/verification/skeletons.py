"""The models that configurations describe, without weights: all of a batch in one worker with a memory limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.models.expected_tensors import Skeleton
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.failures import finding_of
from benchmark.verification.memory import SKELETON_BYTES
from benchmark.verification.open_workers import OpenWorkers
from benchmark.workers.answers import Failure, Raised, Returned
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.verification.inspection_actor:InspectionActor"
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
