"""The load check: what `from_pretrained` really does with a checkpoint, in a worker whose end is an answer too."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.models.reports import LoadOptions, LoadReport
from benchmark.registry.schema import Candidate
from benchmark.results.environment import available_cores
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.settings import Settings
from benchmark.verification.open_workers import OpenWorkers
from benchmark.verification.weights_found import judge_weights
from benchmark.workers.answers import Crashed, Failure, OutOfMemory, Raised, Returned, TimedOut
from benchmark.workers.limits import Limits
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.verification.load_actor:LoadActor"


@dataclass(frozen=True)
class LoadCheck:
    """What a real load brought.

    Attributes:
        loads: Whether `from_pretrained` succeeded; None where the worker ended before it could tell.
        report: What the load found out; None where it failed.
        findings: What speaks against the candidate.
    """

    loads: bool | None
    report: LoadReport | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class LoadSetup:
    """How checkpoints are loaded.

    Attributes:
        settings: Limits and places.
        workers: Who knows the workers that are open.
    """

    settings: Settings
    workers: OpenWorkers

    @property
    def threads(self) -> int:
        """Threads that one worker may use."""
        return max(1, available_cores() // self.settings.jobs)


def check_load(
    candidate: Candidate, facts: RepoFacts, *, log: Path, fetch: Callable[[], Path | HubFailure], setup: LoadSetup
) -> LoadCheck | HubFailure:
    """Load a checkpoint in a worker of its own, once transformers has found nothing wrong with its configuration.

    Args:
        candidate: Whose it is.
        facts: What is known of its repository.
        log: Where what the worker prints is kept.
        fetch: Fetches what a load reads; not called where the configuration is invalid.
        setup: Limits.

    Returns:
        What the load brought, or why its files could not be fetched.
    """
    timeout_s = setup.settings.load_timeout_s
    with setup.workers.use(Worker(_ACTOR, log=log, limits=Limits(threads=setup.threads))) as worker:
        checked = worker.call("check_config", facts.config, timeout_s=timeout_s)
        if not isinstance(checked, Returned):
            return LoadCheck(None, None, (_invalid(checked),))
        folder = fetch()
        if isinstance(folder, HubFailure):
            return folder
        answer = worker.call("load", str(folder), _options(candidate).as_plain(), timeout_s=timeout_s)
    if not isinstance(answer, Returned):
        return LoadCheck(False if isinstance(answer, Raised) else None, None, (_failed(answer),))
    report = LoadReport.from_plain(answer.value)
    return LoadCheck(True, report, (*judge_weights(report), *_preprocessor(report)))


def _options(candidate: Candidate) -> LoadOptions:
    override = candidate.preprocessor
    return LoadOptions(
        preprocessor=None if override is None else override.model_dump(mode="json"), preprocessor_required=False
    )


def _invalid(answer: Failure) -> Finding:
    if not isinstance(answer, Raised):
        return _failed(answer)
    return Finding(
        status=Status.INVALID_CONFIG,
        reason=f"transformers refuses its configuration: {answer.reason}.",
        evidence={"message": answer.reason, "outer": answer.outer},
    )


def _failed(answer: Failure) -> Finding:
    status = {
        Raised: Status.LOAD_FAILED,
        Crashed: Status.CRASHED,
        TimedOut: Status.TIMED_OUT,
        OutOfMemory: Status.OUT_OF_MEMORY,
    }[type(answer)]
    evidence: dict[str, object] = {"message": answer.reason}
    if isinstance(answer, Raised):
        evidence["outer"] = answer.outer
    return Finding(status=status, reason=f"Loading it failed: {answer.reason}.", evidence=evidence)


def _preprocessor(report: LoadReport) -> tuple[Finding, ...]:
    if report.preprocessor_problem is None:
        return ()
    return (Finding(status=Status.LOAD_FAILED, reason=f"It cannot be asked: {report.preprocessor_problem}."),)
