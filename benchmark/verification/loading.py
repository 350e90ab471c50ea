"""The load check: what `from_pretrained` really does with a checkpoint, in a worker whose end is an answer too."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.models.reports import LoadOptions, LoadReport
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.settings import Settings
from benchmark.verification.weights_found import judge_weights
from benchmark.workers.answers import Crashed, Failure, OutOfMemory, Raised, Returned, TimedOut
from benchmark.workers.limits import Limits
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.models.actors:ModelActor"


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


def check_load(candidate: Candidate, folder: Path, *, log: Path, settings: Settings, threads: int) -> LoadCheck:
    """Load a checkpoint in a worker of its own.

    Args:
        candidate: Whose it is.
        folder: Where it lies.
        log: Where what the worker prints is kept.
        settings: Limits.
        threads: Threads that the worker may use.
    """
    override = candidate.preprocessor
    options = LoadOptions(
        preprocessor=None if override is None else override.model_dump(mode="json"), preprocessor_required=False
    )
    with Worker(_ACTOR, log=log, limits=Limits(threads=threads)) as worker:
        answer = worker.call("load", str(folder), options.as_plain(), timeout_s=settings.load_timeout_s)
    if not isinstance(answer, Returned):
        return LoadCheck(False if isinstance(answer, Raised) else None, None, (_failed(answer),))
    report = LoadReport.from_plain(answer.value)
    return LoadCheck(True, report, (*judge_weights(report), *_preprocessor(report)))


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
