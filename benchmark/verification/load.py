"""The load check: what `from_pretrained` really does with a checkpoint, in a worker of its own."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmark.hub.facts import HubFailure
from benchmark.hub.weights import weight_files
from benchmark.models.head_rules import compare_load
from benchmark.models.heads import Shapes
from benchmark.models.reports import LoadOptions, LoadReport
from benchmark.results.environment import available_cores
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.settings import Settings
from benchmark.verification.options import Depth, VerifyOptions
from benchmark.verification.probe import SEEDS, LoadedModel, answers_by_activation, run_probes
from benchmark.verification.record import CandidateRecord
from benchmark.verification.sandbox import WorkerPool, finding_of, load_limit
from benchmark.verification.weights import CLASSIFIERS, Judgement, judge_biases, judge_tensors, repaired
from benchmark.workers.answers import Raised, Returned
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.verification.actors:LoadActor"
_BYTES_PER_PARAMETER = 4


def load_candidate(
    record: CandidateRecord,
    *,
    log: Path,
    fetch: Callable[[], Path | HubFailure],
    settings: Settings,
    options: VerifyOptions,
    pool: WorkerPool,
) -> None:
    """Load a checkpoint in a worker of its own, judge it, and probe it where the depth says so.

    Args:
        record: A candidate that inspection leaves undecided.
        log: Where what the worker prints is kept.
        fetch: Fetches what a load reads; not called for what this machine could not hold.
        settings: Limits.
        options: How deep to go.
        pool: Ends the worker on an interruption.
    """
    record.findings = []  # that its head is rebuilt is said again, with the evidence of the probes
    limit = load_limit(settings.jobs)
    needed = (record.skeleton.parameters if record.skeleton else 0) * _BYTES_PER_PARAMETER
    if needed > limit:
        reason = (
            f"Its weights take {needed / 1e9:.1f} GB of memory, and a worker on this machine may take "
            f"{limit / 1e9:.1f} GB."
        )
        evidence = {"needed": needed, "limit": limit}
        record.findings = [Finding(status=Status.OUT_OF_MEMORY, reason=reason, evidence=evidence)]
        return
    folder = fetch()
    if isinstance(folder, HubFailure):
        record.failure = folder
        return
    threads = max(1, available_cores() // settings.jobs)
    worker = Worker(_ACTOR, log=log, limits=Limits(threads=threads, memory_bytes=limit))
    with pool.watch(worker), worker:
        _LoadCheck(record, worker, folder, settings, options).run()


@dataclass(frozen=True)
class _LoadCheck:
    """One checkpoint in its worker."""

    record: CandidateRecord
    worker: Worker
    folder: Path
    settings: Settings
    options: VerifyOptions

    def run(self) -> None:
        """Load, rebuild the head where only the load tells that it can be, judge, and probe."""
        record, repair_heads = self.record, self.options.repair_heads
        report = self._load()
        if report is None:
            return
        judgement = self._judge(report)
        if record.outcome is None and repair_heads and judgement.repair is not None:
            record.repair = judgement.repair
            report = self._load()
            if report is None:
                return
            judgement = self._judge(report)
        record.findings += judgement.findings(repair_heads=repair_heads)
        if judgement.outcome in CLASSIFIERS:
            self._judge_biases()
        if report.preprocessor_problem is not None:
            reason = f"It cannot be asked: {report.preprocessor_problem.rstrip('.')}."
            record.findings.append(Finding(status=Status.LOAD_FAILED, reason=reason))
        if not record.findings:
            self._probe(report)

    def _load(self) -> LoadReport | None:
        """Load; None where that fails, which is a finding then."""
        record = self.record
        answer = self.worker.call(
            "load", str(self.folder), asdict(self._options()), timeout_s=self.settings.load_timeout_s
        )
        if isinstance(answer, Returned):
            record.loads, record.report = True, LoadReport.from_plain(answer.value)
            return record.report
        record.loads, record.report = False if isinstance(answer, Raised) else None, None
        record.findings.append(finding_of(answer, "Loading it failed"))
        return None

    def _options(self) -> LoadOptions:
        preprocessor = self.record.candidate.preprocessor
        return LoadOptions(
            preprocessor=None if preprocessor is None else preprocessor.model_dump(mode="json"),
            preprocessor_required=False,
            seed=SEEDS[0],
            head=None if self.record.repair is None else dict(self.record.repair),
        )

    def _judge(self, report: LoadReport) -> Judgement:
        """Apply to what the load reports the rules that headers are judged by."""
        record = self.record
        if record.skeleton is None:
            raise ValueError("only a candidate whose configuration describes a model is loaded")
        comparison = compare_load(record.skeleton, report)
        if record.repair is not None:
            return judge_tensors(record, comparison, None, rebuilt=True)
        return judge_tensors(record, comparison, self._shapes() if comparison.fatal else None)

    def _shapes(self) -> Shapes:
        """Names and shapes of all tensors of the checkpoint; nothing where they cannot be read."""
        record = self.record
        if record.listing is not None and record.listing.known:
            return {name: tensor.shape for name, tensor in record.listing.by_name.items()}
        weights = weight_files(record.repository.files, record.config)
        names = [file.name for file in weights.shards or (weights.entry,)] if weights else []
        files = [str(self.folder / name) for name in names]
        answer = self.worker.call("tensor_shapes", files, timeout_s=self.settings.load_timeout_s)
        if not isinstance(answer, Returned):
            return {}
        return {name: tuple(shape) for name, shape in answer.value.items()}

    def _judge_biases(self) -> None:
        answer = self.worker.call("head_biases", timeout_s=self.settings.load_timeout_s)
        if isinstance(answer, Returned):
            self.record.findings += judge_biases({name: values.tolist() for name, values in answer.value.items()})

    def _probe(self, report: LoadReport) -> None:
        record = self.record
        model = LoadedModel(self.worker, str(self.folder), self._options(), report, self.settings)
        if record.repair is not None:
            record.evidence = {"answers": answers_by_activation(model)}
        if self.options.depth is Depth.PROBE:
            run_probes(record, model)
        if record.repair is not None:
            record.findings.append(repaired(record.repair, record.evidence))
