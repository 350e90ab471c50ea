"""The load check: what `from_pretrained` really does with a checkpoint, in a worker of its own."""

from pathlib import Path

from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import HubFailure
from benchmark.hub.weights import weight_files
from benchmark.models.head_rules import compare_load
from benchmark.models.heads import Shapes
from benchmark.models.load_reports import LoadReport
from benchmark.progress import Progress
from benchmark.results.environment import available_cores
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.settings import Settings
from benchmark.verification.native import rebuilt
from benchmark.verification.onnx_files import onnx_size
from benchmark.verification.options import Depth, VerifyOptions
from benchmark.verification.probe import LoadedModel, answers_by_activation, run_probes
from benchmark.verification.record import CandidateRecord
from benchmark.verification.sandbox import WorkerPool, finding_of, load_limit
from benchmark.verification.weights import CLASSIFIERS, Judgement, judge_biases, judge_tensors, repaired
from benchmark.workers.answers import Crashed, Raised, Returned
from benchmark.workers.process import Limits
from benchmark.workers.worker import Worker

_ACTOR = "benchmark.verification.actors:LoadActor"
_BYTES_PER_PARAMETER = 4


def load_candidate(
    record: CandidateRecord,
    *,
    log: Path,
    hub: Hub,
    settings: Settings,
    progress: Progress,
    options: VerifyOptions,
    pool: WorkerPool,
) -> None:
    """Load a checkpoint in a worker of its own, judge it, and probe it where the depth says so.

    What this machine could not hold is not even fetched. If the worker ends by itself, `record.crash` tells how; called
    again then, this decides whether that is a property of the checkpoint.

    Args:
        record: A candidate that inspection leaves undecided.
        log: Where what the worker prints is kept.
        hub: Fetches what a load reads.
        settings: Limits.
        progress: Shows the download.
        options: How deep to go.
        pool: Ends the worker on an interruption.
    """
    # That its head is rebuilt is said again, with the evidence of the probes.
    record.findings, record.evidence, record.report = [], {}, None
    limit = load_limit(settings.jobs)
    needed = (record.skeleton.parameters if record.skeleton else 0) * _BYTES_PER_PARAMETER
    needed = onnx_size(record.repository) or needed
    if needed > limit:
        reason = (
            f"Its weights take {needed / 1e9:.1f} GB of memory, and a worker on this machine may take "
            f"{limit / 1e9:.1f} GB."
        )
        evidence = {"needed": needed, "limit": limit}
        record.findings = [Finding(status=Status.OUT_OF_MEMORY, reason=reason, evidence=evidence)]
        return
    folder = hub.download(record.repository, progress)
    if isinstance(folder, HubFailure):
        record.failure = folder
        return
    threads = max(1, available_cores() // settings.jobs)
    worker, repair = Worker(_ACTOR, log=log, limits=Limits(threads=threads, memory_bytes=limit)), record.repair
    with pool.watch(worker), worker:
        _check(LoadedModel(worker, folder, record, settings), options)
    if isinstance(worker.end, Crashed):
        record.repair = repair
        _judge_crash(record, worker.end)


def _judge_crash(record: CandidateRecord, crash: Crashed) -> None:
    """Note how the worker ended; the second time that is the verdict, unless something outside may have ended it."""
    if record.crash is None:
        record.crash = crash
        return
    named = (finding for finding in record.findings if finding.status is Status.CRASHED)
    finding = next(named, finding_of(crash, "Looking at its weights failed"))
    if crash.is_from_outside:
        reason = f"{finding.reason.rstrip('.')}; it was tried twice, the second time alone: no verdict on the model."
        record.failure, record.incomplete = HubFailure(Status.SKIPPED, reason), True
    else:
        evidence = {**finding.evidence, "tries": [record.crash.reason, crash.reason]}
        record.findings = [finding.model_copy(update={"evidence": evidence})]


def _check(model: LoadedModel, options: VerifyOptions) -> None:
    """Load, rebuild the head where only the load tells that it can be, judge, and probe."""
    record = model.record
    report = _load(model)
    if report is None:
        return
    if not record.candidate.is_classifier:
        if options.depth is Depth.PROBE:
            run_probes(model, report)
        return
    judgement = _judge(model, report)
    if options.repair_heads and judgement.repair is not None:
        record.repair = judgement.repair
        report = _load(model)
        if report is None:
            return
        judgement = _judge(model, report)
    record.findings += judgement.findings(repair_heads=options.repair_heads)
    if judgement.outcome in CLASSIFIERS:
        answer = model.worker.call("head_biases", timeout_s=model.settings.load_timeout_s)
        if isinstance(answer, Returned):
            record.findings += judge_biases({name: values.tolist() for name, values in answer.value.items()})
    if report.preprocessor_problem is not None:
        reason = f"It cannot be asked: {report.preprocessor_problem.rstrip('.')}."
        record.findings.append(Finding(status=Status.LOAD_FAILED, reason=reason))
    if record.findings:
        return
    native = record.rebuilt
    if record.repair is not None and native is None:
        record.evidence = {"answers": answers_by_activation(model, report)}
    if options.depth is Depth.PROBE:
        run_probes(model, report)
    if record.repair is not None:
        evidence = record.evidence
        record.findings.append(rebuilt(native, evidence) if native else repaired(record.repair, evidence))


def _load(model: LoadedModel) -> LoadReport | None:
    """Load; None where that fails, which is a finding then."""
    record, answer = model.record, model.load()
    if isinstance(answer, Returned):
        record.loads, record.report = True, LoadReport.from_plain(answer.value)
        return record.report
    record.loads, record.report = False if isinstance(answer, Raised) else None, None
    record.findings.append(finding_of(answer, "Loading it failed"))
    return None


def _judge(model: LoadedModel, report: LoadReport) -> Judgement:
    """Apply to what the load reports the rules that headers are judged by."""
    record = model.record
    if record.skeleton is None:
        raise ValueError("only a candidate whose configuration describes a model is loaded")
    comparison = compare_load(record.skeleton, report)
    if record.repair is not None:
        return judge_tensors(record, comparison, None, rebuilt=True)
    return judge_tensors(record, comparison, _shapes(model) if comparison.fatal else None)


def _shapes(model: LoadedModel) -> Shapes:
    """Names and shapes of all tensors of the checkpoint; nothing where they cannot be read."""
    record = model.record
    if record.listing is not None and record.listing.problem is None:
        return {name: tensor.shape for name, tensor in record.listing.tensors.items()}
    weights = weight_files(record.repository.files, record.repository.config)
    names = [file.name for file in weights.shards or (weights.entry,)] if weights else []
    files = [str(model.folder / name) for name in names]
    answer = model.worker.call("tensor_shapes", files, timeout_s=model.settings.load_timeout_s)
    if not isinstance(answer, Returned):
        return {}
    return {name: tuple(shape) for name, shape in answer.value.items()}
