"""Verification of a registry: inspect all candidates, load what is undecided then, and give each its verdict."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmark.emotions.label_map import LabelMap
from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import HubFailure, RepoFacts
from benchmark.hub.tensor_listing import TensorListing
from benchmark.hub.weights import weight_files
from benchmark.models.head_rules import Skeleton
from benchmark.models.load_reports import LoadReport
from benchmark.models.native_layouts import TRAINED_SECONDS
from benchmark.progress import Progress
from benchmark.registry.schema import Registry
from benchmark.results.status import Status, Verdict
from benchmark.results.storage import candidate_slug
from benchmark.results.verification import Finding, Verification
from benchmark.settings import Settings
from benchmark.threads import in_parallel
from benchmark.verification.answer_tables import verify_answers
from benchmark.verification.dimensions import NO_PROGRAMS, turn_to_ratings
from benchmark.verification.foreign import NOT_ALLOWED, probe_program, program_facts
from benchmark.verification.inspect import check_repository, look_at, tensors_can_tell
from benchmark.verification.labels import candidate_labels, label_notes, labels_of, named
from benchmark.verification.load import load_candidate
from benchmark.verification.model_config import architectures, model_type
from benchmark.verification.native import NativeModel, complete, explain, outline
from benchmark.verification.onnx_files import check_onnx, is_onnx, missing_library, onnx_size, usable_onnx
from benchmark.verification.options import Depth, VerifyOptions, agree
from benchmark.verification.record import CandidateRecord
from benchmark.verification.sandbox import InspectionWorker, WorkerPool, isolate_errors
from benchmark.verification.verdict_store import VerdictStore, registry_fields
from benchmark.verification.weights import judge_header, judge_problem
from benchmark.verification.zero_shot import check_zero_shot, is_zero_shot, usable_zero_shot
from benchmark.workers.answers import WorkerLostError
from benchmark.workers.process import start_server

_INSPECTED_AT_ONCE = 8
_INSPECTION_LOG = "inspection.log"
_STAGE_NAMES = {Depth.LOAD: "Loading", Depth.PROBE: "Loading and asking"}
_LONGEST_MESSAGE = 300
_MULTI_LABEL = "multi_label_classification"
_NOT_REACHED = HubFailure(
    Status.SKIPPED,
    "The verification was interrupted before this candidate's turn was over; the same command goes on from here.",
)


class InterruptedVerificationError(KeyboardInterrupt):
    """Somebody pressed Ctrl-C; code that does not know this class ends as always.

    Attributes:
        verifications: One per candidate, in the registry's order; those that were not finished are `skipped`.
    """

    def __init__(self, verifications: tuple[Verification, ...]) -> None:
        super().__init__()
        self.verifications = verifications


def verify_candidates(
    registry: Registry, *, hub: Hub, settings: Settings, progress: Progress, options: VerifyOptions
) -> tuple[Verification, ...]:
    """Find out which candidates are working emotion classifiers; returns one verification each, in their order.

    Raises:
        RequestError: The registry overrides a label that a model does not have, or the store cannot be written.
        UnavailableError: The disk is full.
        InterruptedVerificationError: Somebody pressed Ctrl-C; it brings the verdicts until then.
    """
    run = _Run(hub, settings, progress, options)
    records = [CandidateRecord(candidate=candidate) for candidate in registry.candidates]
    try:
        run.do("Inspecting", run.inspect, records, threads=_INSPECTED_AT_ONCE)
        run.worker.close()
        if undecided := [record for record in records if record.verification is None]:
            run.agree_on_downloads(undecided)
            run.do(_STAGE_NAMES[options.depth], run.load, undecided, threads=settings.jobs)
        if lost := [record for record in undecided if record.verification is None]:
            run.do("Loading again, alone", run.load, lost, threads=1)
    except KeyboardInterrupt:
        # Taken before the workers are killed: what that does to a candidate is no verdict.
        raise InterruptedVerificationError(_verdicts(records)) from None
    finally:
        run.pool.end()
        run.worker.close()
    return _verdicts(records)


class _Run:
    """What all candidates of one verification share, and the steps that each of them goes through."""

    def __init__(self, hub: Hub, settings: Settings, progress: Progress, options: VerifyOptions) -> None:
        self.hub = hub
        self.settings = settings
        self.progress = progress
        self.options = options
        self.pool = WorkerPool()
        self.store = VerdictStore(settings.cache, options)
        self.worker = InspectionWorker(self.pool, settings.logs / _INSPECTION_LOG, settings.load_timeout_s)

    def do(
        self, name: str, step: Callable[[CandidateRecord], None], records: Sequence[CandidateRecord], *, threads: int
    ) -> None:
        """Take a step for several candidates at once; an unforeseen error costs its own candidate only."""
        with self.progress.stage(name, total=len(records), unit="candidates") as stage:
            in_parallel(isolate_errors(step, _lose), records, threads=threads, finished=stage.advance)

    def inspect(self, record: CandidateRecord) -> None:
        """Find out what can be known without weights, or take the verdict of a former run.

        Raises:
            RequestError: The registry overrides a label that the model does not have.
        """
        begin, depth = time.monotonic(), self.options.depth
        if record.candidate.answers_path is not None:
            record.verification = verify_answers(record.candidate, dimensions=self.options.dimensions)
            return
        if record.candidate.command is not None:
            if self.options.dimensions:
                record.failure = NO_PROGRAMS
                self._decide(record)
            else:
                self._inspect_program(record)
            return
        facts = look_at(record.candidate, self.hub)
        if isinstance(facts, HubFailure):
            record.failure = facts
        else:
            record.facts = facts
            if record.candidate.is_classifier:
                record.native = outline(facts, repair_heads=self.options.repair_heads)
            # A wrong override ends all: better now than after an hour of loading.
            label_map = candidate_labels(record.candidate, labels_of(record.candidate, record.config))
            record.verification = None if self.options.refresh else self.store.read(record.candidate, facts)
            if record.verification is not None:
                return
            self._check_files(record, facts, label_map)
            looks_at_tensors = (
                record.failure is None and record.candidate.is_classifier and tensors_can_tell(facts, record.findings)
            )
            if looks_at_tensors or (record.failure is None and depth is not Depth.INSPECT):
                start_server(self.settings.temporary)  # imports torch while the Hub answers
            if looks_at_tensors:
                try:
                    self._inspect_tensors(record)
                except WorkerLostError as error:
                    reason = f"Inspecting it failed twice: {error.crash.reason}; no verdict on the model."
                    record.failure, record.incomplete = HubFailure(Status.SKIPPED, reason), True
        record.seconds = time.monotonic() - begin
        if record.failure is not None or record.rejected or depth is Depth.INSPECT:
            self._decide(record)

    def _check_files(self, record: CandidateRecord, facts: RepoFacts, label_map: LabelMap) -> None:
        """Find what speaks against a candidate without its tensors."""
        if record.candidate.is_classifier:
            record.findings = _check_classifier(record, facts, label_map)
        elif record.candidate.reads_text:
            record.findings = check_zero_shot(facts, label_map)
        else:
            record.failure = missing_library()
            record.incomplete = record.failure is not None
            record.findings = check_onnx(record.candidate, facts, label_map)
        if self.options.dimensions:
            turn_to_ratings(record, label_map.labels)

    def _inspect_program(self, record: CandidateRecord) -> None:
        """Take the verdict of a former run on a program, or leave it to be started, if that is allowed."""
        if not self.options.allow_code:
            record.findings.append(Finding(status=Status.SKIPPED, reason=NOT_ALLOWED))
        facts = program_facts(record.candidate)
        if isinstance(facts, HubFailure):
            record.failure = facts
        else:
            record.facts = facts
            if self.options.allow_code and not self.options.refresh:
                record.verification = self.store.read(record.candidate, facts)
        if record.verification is None and (record.findings or record.failure or self.options.depth is Depth.INSPECT):
            self._decide(record)

    def agree_on_downloads(self, records: Sequence[CandidateRecord]) -> None:
        """Say how much is to be downloaded, and note for each candidate over a limit that its weights are not."""
        sizes = in_parallel(
            isolate_errors(self._download_size, lambda _record, _error: None),
            records,
            threads=_INSPECTED_AT_ONCE,
            finished=lambda: None,
        )
        names = [record.candidate.name for record in records]
        denied = agree(dict(zip(names, sizes, strict=True)), self.options, self.progress)
        for record in records:
            record.denial = denied.get(record.candidate.name)
            if record.denial is not None:
                self.progress.warn(f"{record.candidate.name} is skipped. {record.denial}")

    def _download_size(self, record: CandidateRecord) -> int | None:
        return 0 if record.candidate.command is not None else self.hub.download_size(record.repository)

    def load(self, record: CandidateRecord) -> None:
        """Load a candidate, unless its download was denied, and give it its verdict.

        If its worker ends by itself for the first time, there is no verdict, and it is to be loaded again, alone.
        """
        begin, was_tried = time.monotonic(), record.crash is not None
        check = load_candidate if record.candidate.command is None else probe_program
        log = self.settings.logs / f"{candidate_slug(record.candidate.id)}.log"
        if record.denial is not None:
            record.findings.append(Finding(status=Status.SKIPPED, reason=record.denial))
        else:
            try:
                check(
                    record,
                    log=log,
                    hub=self.hub,
                    settings=self.settings,
                    progress=self.progress,
                    options=self.options,
                    pool=self.pool,
                )
            finally:
                if record.candidate.command is None and self.options.free_cache and (was_tried or record.crash is None):
                    self.hub.free(record.repository)
            record.log = log.relative_to(self.settings.cache).as_posix() if log.is_file() else None
        record.seconds += time.monotonic() - begin
        if was_tried or record.crash is None:
            self._decide(record)

    def _decide(self, record: CandidateRecord) -> None:
        record.verification = decide(record, self.options.depth)
        if record.failure is None:
            self.store.write(record.candidate, record.repository, record.verification)

    def _inspect_tensors(self, record: CandidateRecord) -> None:
        """Hold the tensors in the headers against the model of the configuration."""
        listing = self.hub.tensors(record.repository, self.worker.read_pickle)
        if isinstance(listing, HubFailure):
            record.failure = None if record.findings else listing
            return
        record.listing = listing
        if record.rebuilt is not None:
            self._complete_native(record, record.rebuilt, listing)
            if record.rejected:
                return
        built = self.worker.skeleton(record.config, listing.tensors)
        if isinstance(built, Skeleton):
            record.skeleton = built
        else:
            record.findings.append(built)
        if listing.problem is not None:
            record.findings += judge_problem(listing.problem)
        elif record.skeleton is not None:
            judge_header(record, listing, record.skeleton, repair_heads=self.options.repair_heads)

    def _complete_native(self, record: CandidateRecord, native: NativeModel, listing: TensorListing) -> None:
        """Describe a model that is to be rebuilt by its tensors; where that fails, it is judged as it is otherwise."""
        if listing.problem is not None:
            record.native = replace(native, obstacle=listing.problem.reason)
        else:
            shapes = {name: tensor.shape for name, tensor in listing.tensors.items()}
            record.native = complete(native, record.repository, shapes)
        if not record.native.is_rebuilt:
            label_map = candidate_labels(record.candidate, labels_of(record.candidate, record.config))
            self._check_files(record, record.repository, label_map)


def _check_classifier(record: CandidateRecord, facts: RepoFacts, label_map: LabelMap) -> list[Finding]:
    native = record.native
    if native is None:
        return check_repository(record.candidate, facts, label_map)
    if native.is_rebuilt:
        return check_repository(record.candidate, native.described(facts), label_map)
    return list(explain(native, check_repository(record.candidate, facts, label_map)))


def decide(record: CandidateRecord, depth: Depth = Depth.PROBE) -> Verification:
    """Give the verdict: the finding that comes first in the order of precedence decides.

    Raises:
        RequestError: An override names a label that the model does not have.
    """
    if record.failure is not None or record.facts is None:
        failure = record.failure or _NOT_REACHED
        finding = Finding(status=failure.status, reason=_sentence(failure.reason))
        return _verification(record, (finding,), log=record.log)
    facts, config, report = record.facts, record.config, record.report
    labels = report.labels if report else labels_of(record.candidate, config)
    label_map = candidate_labels(record.candidate, labels)
    findings = sorted(record.findings, key=lambda finding: finding.status.precedence)
    if record.rating is not None and all(finding.status is Status.REPAIRED for finding in findings):
        findings = [record.rating, *findings]
    findings = findings or [_nothing_wrong(record, label_map)]
    weights = None if facts.onnx is not None else weight_files(facts.files, facts.config)
    parameters = report.parameters or None if report else record.skeleton.parameters if record.skeleton else None
    return _verification(
        record,
        tuple(findings),
        revision=facts.revision,
        loads=record.loads,
        labels=labels,
        emotions=label_map.emotions,
        multi_label=report.multi_label if report else config.get("problem_type") == _MULTI_LABEL,
        architecture=next(iter(architectures(config)), None) or model_type(config) or _own_architecture(report),
        **_head_fields(record, findings[0]),
        sampling_rate=report.sampling_rate if report else None,
        window_s=report.window_s if report else None,
        fixed_window=report.fixed_window if report else None,
        batching=record.batching,
        parameters=parameters,
        size_bytes=(record.listing.size if record.listing else None) or (weights.size if weights else onnx_size(facts)),
        license=facts.license,
        log=record.log,
        notes=(*_notes(record, label_map), *record.notes),
        depth=depth.value,
    )


def _verification(record: CandidateRecord, findings: tuple[Finding, ...], **fields: Any) -> Verification:
    decisive = findings[0]
    return Verification(
        id=record.candidate.id,
        status=decisive.status,
        reason=decisive.reason,
        findings=findings,
        seconds=record.seconds,
        incomplete=record.incomplete,
        **{"trained_seconds": TRAINED_SECONDS.get(str(fields.get("head"))), **registry_fields(record.candidate)},
        **fields,
    )


def _verdicts(records: Sequence[CandidateRecord]) -> tuple[Verification, ...]:
    """The verdict of each candidate; those that have none yet were not reached."""
    return tuple(record.verification or decide(replace(record, facts=None, failure=None)) for record in records)


def _lose(record: CandidateRecord, error: Exception) -> None:
    """Say of a candidate at which bench itself failed that it has no verdict."""
    if isinstance(error, MemoryError):
        reason = "This machine had no memory left to look at it; fewer --jobs take less."
    else:
        message = " ".join(f"{type(error).__name__}: {error}".removesuffix(": ").split())[:_LONGEST_MESSAGE]
        reason = f"Bench itself failed at it, which says nothing about the model: {message}."
    record.failure, record.incomplete = HubFailure(Status.SKIPPED, reason), True
    record.verification = decide(record)


def _nothing_wrong(record: CandidateRecord, label_map: LabelMap) -> Finding:
    """The finding of a candidate of which nothing bad was found."""
    if record.report is not None and is_onnx(record.report):
        return usable_onnx(record, record.report, label_map)
    if record.report is not None and is_zero_shot(record.report):
        return usable_zero_shot(record, record.report, label_map)
    classes = f"distinguishes {len(label_map.classes)} classes"
    if record.report is not None:
        reason = f"It loads, its head is the checkpoint's own, and it {classes}."
        if record.candidate.command is not None:
            reason = f"The program starts and answers, and it {classes}."
        return Finding(status=Status.USABLE, reason=reason, evidence=record.evidence)
    if not record.candidate.is_classifier:
        what = "The program was not started" if record.candidate.command else "It was not loaded"
        return Finding(status=Status.INSPECTED, reason=f"{what}.")
    if record.listing is not None and record.listing.problem is not None:
        unknown = record.listing.problem.reason
        reason = f"Nothing wrong was found without its weights, and its tensors are not known: {unknown}."
        return Finding(status=Status.INSPECTED, reason=reason)
    return Finding(
        status=Status.INSPECTED,
        reason="Nothing wrong was found without its weights: configuration, labels, and names and shapes of all "
        "tensors fit together. It was not loaded.",
    )


def _head_fields(record: CandidateRecord, decisive: Finding) -> dict[str, Any]:
    """The layout of the head and what it leaves open, of those that are not rejected."""
    if decisive.status.verdict is Verdict.REJECTED and decisive is not record.rating:
        return {"head": None, "head_parameters": {}}
    if record.report is not None:
        return {"head": record.report.head, "head_parameters": dict(record.report.head_parameters)}
    parameters = {name: value for name, value in (record.repair or {}).items() if name != "kind"}
    return {"head": record.head, "head_parameters": parameters}


def _notes(record: CandidateRecord, label_map: LabelMap) -> list[str]:
    notes = list(label_notes(record.config))
    if record.facts is not None and record.facts.renamed is not None:
        notes.append(f"it has been renamed: the Hub calls it {record.facts.renamed}; write that name in the registry")
    notes += record.report.label_problems if record.report else ()
    if label_map.loose:
        notes.append(f"coarse labels that stand for an emotion by override: {named(label_map.loose)}")
    if label_map.unmapped:
        notes.append(f"labels that map to nothing: {named(label_map.unmapped)}")
    coarse = [name for name in label_map.classes if name not in label_map.scorable]
    if coarse:
        notes.append(f"classes that are no single emotion: {', '.join(coarse)}")
    return notes


def _own_architecture(report: LoadReport | None) -> str | None:
    return None if report is None else report.architecture


def _sentence(reason: str) -> str:
    # The name of a repository or of a file is not capitalised where a sentence begins with it.
    is_name = bool({"/", "."} & set(reason.partition(" ")[0]))
    capitalised = reason if is_name else reason[:1].upper() + reason[1:]
    return capitalised if capitalised.endswith(".") else f"{capitalised}."
