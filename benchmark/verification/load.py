"""The load check: what `from_pretrained` really does with a checkpoint, in a worker whose end is an answer too."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.hub.facts import HubFailure
from benchmark.models.heads import DENSE_OUT
from benchmark.models.reports import STANDARD_HEAD, LoadOptions, LoadReport, UnusableHeadError
from benchmark.registry.schema import Candidate
from benchmark.results.environment import available_cores
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Batching, Finding
from benchmark.settings import Settings
from benchmark.verification.headers import repair_options, repaired
from benchmark.verification.options import Depth, VerifyOptions
from benchmark.verification.probe import SEEDS, Probed, Questioner
from benchmark.verification.sandbox import OpenWorkers, finding_of, load_limit
from benchmark.verification.untrained import judge_biases
from benchmark.verification.weights_found import beside_foreign_head, has_foreign_head, judge_weights
from benchmark.workers.answers import Raised, Returned
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.verification.actors:LoadActor"


_BYTES_PER_PARAMETER = 4


_WHAT = "Loading it failed"


@dataclass(frozen=True, kw_only=True)
class LoadCheck:
    """What a real load brought.

    Attributes:
        loads: Whether `from_pretrained` succeeded; None where the worker ended before it could tell.
        report: What the load found out; None where it failed.
        findings: What speaks against the candidate, or that its head was rebuilt.
        evidence: What it said to the probes.
        batching: Which batches change its answers; None where that was not asked.
    """

    loads: bool | None
    report: LoadReport | None = None
    findings: tuple[Finding, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    batching: Batching | None = None


@dataclass(frozen=True, kw_only=True)
class LoadSetup:
    """How checkpoints are loaded.

    Attributes:
        settings: Limits and places.
        options: How deep to go.
        workers: Who knows the workers that are open.
    """

    settings: Settings
    options: VerifyOptions
    workers: OpenWorkers

    def open(self, log: Path) -> Worker:
        """Make a worker that holds a share of the machine."""
        threads = max(1, available_cores() // self.settings.jobs)
        return Worker(_ACTOR, log=log, limits=Limits(threads=threads, memory_bytes=load_limit(self.settings.jobs)))


@dataclass(frozen=True, kw_only=True)
class Loadable:
    """A candidate that inspection leaves undecided.

    Attributes:
        candidate: As the registry names it.
        config: Its `config.json`.
        repair: How its head is to be rebuilt; None where it is transformers' own, or unknown.
        heads_known: Whether its head is known from the headers.
        parameters: Number of weights; None where unknown.
    """

    candidate: Candidate
    config: Mapping[str, Any]
    repair: Mapping[str, Any] | None = None
    heads_known: bool = False
    parameters: int | None = None


def check_load(
    loadable: Loadable, *, log: Path, fetch: Callable[[], Path | HubFailure], setup: LoadSetup
) -> LoadCheck | HubFailure:
    """Load a checkpoint in a worker of its own, and ask it where the depth says so.

    Args:
        loadable: What to load.
        log: Where what the worker prints is kept.
        fetch: Fetches what a load reads; not called for what this machine could not hold anyway.
        setup: Limits.

    Returns:
        What the load brought, or why its files could not be fetched.
    """
    too_large = list(_too_large(loadable, load_limit(setup.settings.jobs)))
    if too_large:
        return LoadCheck(loads=None, findings=tuple(too_large))
    folder = fetch()
    if isinstance(folder, HubFailure):
        return folder
    with setup.workers.use(setup.open(log)) as worker:
        return _Loading(loadable, worker, str(folder), setup).check()


@dataclass(frozen=True)
class _Loading:
    """One checkpoint in its worker."""

    loadable: Loadable
    worker: Worker
    folder: str
    setup: LoadSetup

    def check(self) -> LoadCheck:
        options = LoadOptions(
            preprocessor=_preprocessor(self.loadable.candidate),
            preprocessor_required=False,
            seed=SEEDS[0],
            head=None if self.loadable.repair is None else dict(self.loadable.repair),
        )
        answer = self._load(options)
        if not isinstance(answer, LoadReport):
            return answer
        if self._may_repair(answer):
            options, answer = self._try_repair(options, answer)
        findings = [*judge_weights(answer), *self._untrained(), *_mute(answer)]
        checked = LoadCheck(loads=True, report=answer, findings=tuple(findings))
        return checked if findings else self._ask(options, checked)

    def _load(self, options: LoadOptions) -> LoadReport | LoadCheck:
        timeout_s = self.setup.settings.load_timeout_s
        answer = self.worker.call("load", self.folder, options.as_plain(), timeout_s=timeout_s)
        if isinstance(answer, Returned):
            return LoadReport.from_plain(answer.value)
        loads = False if isinstance(answer, Raised) else None
        return LoadCheck(loads=loads, findings=(finding_of(answer, _WHAT),))

    def _may_repair(self, report: LoadReport) -> bool:
        return (
            self.setup.options.repair_heads
            and not self.loadable.heads_known
            and report.head == STANDARD_HEAD
            and has_foreign_head(report)
            and (self.loadable.candidate.head is not None or not self._besides(report))
        )

    def _besides(self, report: LoadReport) -> tuple[str, ...]:
        return beside_foreign_head(report, sums_layers=self.loadable.config.get("use_weighted_layer_sum") is True)

    def _try_repair(self, options: LoadOptions, report: LoadReport) -> tuple[LoadOptions, LoadReport]:
        """Load once more with the head rebuilt, where no header told of it before; else all stays as it was."""
        try:
            head = repair_options(DENSE_OUT, self.loadable.candidate, self.loadable.config)
        except UnusableHeadError:
            return options, report
        rebuilt = replace(options, head=head)
        answer = self._load(rebuilt)
        return (rebuilt, answer) if isinstance(answer, LoadReport) else (options, report)

    def _untrained(self) -> Iterator[Finding]:
        answer = self.worker.call("head_biases", timeout_s=self.setup.settings.load_timeout_s)
        if isinstance(answer, Returned):
            yield from judge_biases({name: values.tolist() for name, values in answer.value.items()})

    def _ask(self, options: LoadOptions, checked: LoadCheck) -> LoadCheck:
        report = checked.report
        if report is None:
            return checked
        asked = Questioner(self.worker, self.folder, options, report, self.setup.settings)
        evidence = {} if options.head is None else {"answers": asked.activations()}
        probed = asked.probe() if self.setup.options.depth is Depth.PROBE else Probed()
        evidence |= probed.evidence
        rebuilt = () if options.head is None else (repaired(options.head, evidence),)
        return replace(checked, findings=(*probed.findings, *rebuilt), evidence=evidence, batching=probed.batching)


def is_rejected(findings: tuple[Finding, ...]) -> bool:
    """Whether anything that was found decides against a candidate."""
    return any(finding.status.verdict is Verdict.REJECTED for finding in findings)


def _too_large(loadable: Loadable, limit: int) -> Iterator[Finding]:
    needed = (loadable.parameters or 0) * _BYTES_PER_PARAMETER
    if needed > limit:
        yield Finding(
            status=Status.OUT_OF_MEMORY,
            reason=f"Its weights take {needed / 1e9:.1f} GB of memory, and a worker on this machine may take "
            f"{limit / 1e9:.1f} GB.",
            evidence={"needed": needed, "limit": limit},
        )


def _preprocessor(candidate: Candidate) -> dict[str, Any] | None:
    return None if candidate.preprocessor is None else candidate.preprocessor.model_dump(mode="json")


def _mute(report: LoadReport) -> Iterator[Finding]:
    if report.preprocessor_problem is not None:
        yield Finding(
            status=Status.LOAD_FAILED, reason=f"It cannot be asked: {report.preprocessor_problem.rstrip('.')}."
        )
