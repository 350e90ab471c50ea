"""Verification of a registry: inspect all candidates, load what is undecided then, and give each its verdict."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.emotions.classes import Kind, emotion_class
from benchmark.emotions.label_map import LabelMap
from benchmark.hub.client import Hub
from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.hub.weights import weight_files
from benchmark.progress import Progress
from benchmark.registry.schema import Registry
from benchmark.results.status import Status, Verdict
from benchmark.results.storage import candidate_folder, create_cache
from benchmark.results.verification import Finding, Verification
from benchmark.settings import Settings
from benchmark.threads import in_parallel
from benchmark.verification.inspect import Inspector
from benchmark.verification.load import load_candidate
from benchmark.verification.model_config import (
    architectures,
    candidate_labels,
    config_labels,
    label_notes,
    model_type,
    named,
)
from benchmark.verification.options import DEFAULT_OPTIONS, Depth, VerifyOptions, agree
from benchmark.verification.record import CandidateRecord
from benchmark.verification.sandbox import InspectionWorker, WorkerPool, isolate_errors, unforeseen
from benchmark.verification.store import VerdictStore, registry_fields

_INSPECTED_AT_ONCE = 8
_INSPECTION_LOG = "inspection.log"
_STAGE_NAMES = {Depth.LOAD: "Loading", Depth.PROBE: "Loading and asking"}
_MULTI_LABEL = "multi_label_classification"
_NOT_REACHED = (
    "The verification was interrupted before this candidate's turn was over; the same command goes on from here."
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
    registry: Registry, *, hub: Hub, settings: Settings, progress: Progress, options: VerifyOptions = DEFAULT_OPTIONS
) -> tuple[Verification, ...]:
    """Find out which candidates are working emotion classifiers.

    Args:
        registry: The candidates.
        hub: Knows the repositories.
        settings: Limits and places.
        progress: Takes progress and notes.
        options: How deep to go, and what that may take.

    Returns:
        One verification per candidate, in the registry's order.

    Raises:
        RequestError: The registry overrides a label that a model does not have, or the store cannot be written.
        UnavailableError: The disk is full.
        InterruptedVerificationError: Somebody pressed Ctrl-C; it brings the verdicts until then.
    """
    run = _Run(hub, settings, progress, options)
    records = [CandidateRecord(candidate=candidate) for candidate in registry.candidates]
    try:
        run.inspect_all(records)
        run.load_all([record for record in records if record.verification is None])
    except KeyboardInterrupt:
        # Taken before the workers are killed: what that does to a candidate is no verdict.
        raise InterruptedVerificationError(_verdicts(records)) from None
    finally:
        run.end()
    return _verdicts(records)


def inspect_candidates(
    registry: Registry, *, hub: Hub, settings: Settings, progress: Progress, options: VerifyOptions
) -> tuple[tuple[Verification, RepoFacts | None], ...]:
    """Find out what can be found out without weights.

    Args:
        registry: The candidates.
        hub: Knows the repositories.
        settings: Limits and places.
        progress: Takes progress and notes.
        options: What the user asks for; the depth is `inspect` whatever they say.

    Returns:
        The verdict of each candidate, in the registry's order, with the facts of its repository where they are known.

    Raises:
        RequestError: The store cannot be written.
        UnavailableError: The disk is full.
    """
    run = _Run(hub, settings, progress, replace(options, depth=Depth.INSPECT))
    records = [CandidateRecord(candidate=candidate) for candidate in registry.candidates]
    try:
        run.inspect_all(records)
    finally:
        run.end()
    facts = [None if record.failure else record.facts for record in records]
    return tuple(zip(_verdicts(records), facts, strict=True))


class _Run:
    """What all candidates of one verification share, and the steps that each of them goes through."""

    def __init__(self, hub: Hub, settings: Settings, progress: Progress, options: VerifyOptions) -> None:
        self._hub = hub
        self._settings = settings
        self._progress = progress
        self._options = options
        self._pool = WorkerPool()
        create_cache(settings.cache)
        self._store = VerdictStore(settings.cache, options)
        self._worker = InspectionWorker(self._pool, settings.logs / _INSPECTION_LOG, settings.load_timeout_s)
        self._inspector = Inspector(hub=hub, options=options, store=self._store, worker=self._worker)

    def inspect_all(self, records: Sequence[CandidateRecord]) -> None:
        """Inspect all candidates, and give those their verdict that need no load."""
        inspect = isolate_errors(self._inspect, _lose)
        with self._progress.stage("Inspecting", total=len(records), unit="candidates") as stage:
            in_parallel(inspect, records, threads=_INSPECTED_AT_ONCE, finished=stage.advance)
        self._worker.close()

    def load_all(self, records: Sequence[CandidateRecord]) -> None:
        """Load candidates, as many at once as there are jobs, and give each its verdict."""
        if not records:
            return
        denied = self._agree_on_downloads(records)
        load = isolate_errors(lambda record: self._load(record, denied.get(record.candidate.name)), _lose)
        name = _STAGE_NAMES.get(self._options.depth, "")
        with self._progress.stage(name, total=len(records), unit="candidates") as stage:
            in_parallel(load, records, threads=self._settings.jobs, finished=stage.advance)

    def end(self) -> None:
        """Kill what still runs."""
        self._pool.end()
        self._worker.close()

    def _inspect(self, record: CandidateRecord) -> None:
        begin = time.monotonic()
        self._inspector.inspect(record)
        record.seconds = time.monotonic() - begin
        is_open = not record.failure and not record.rejected and self._options.depth is not Depth.INSPECT
        if record.verification is None and not is_open:
            self._decide(record)

    def _agree_on_downloads(self, records: Sequence[CandidateRecord]) -> dict[str, str]:
        """Say how much is to be downloaded; give the reason for each candidate that is over a limit."""

        def missing_bytes(record: CandidateRecord) -> int | None:
            return self._hub.download_size(record.repository)

        sizes = in_parallel(
            isolate_errors(missing_bytes, lambda _record, _error: None),
            records,
            threads=_INSPECTED_AT_ONCE,
            finished=lambda: None,
        )
        names = [record.candidate.name for record in records]
        denied = agree(dict(zip(names, sizes, strict=True)), self._options, self._progress)
        for name, reason in denied.items():
            self._progress.warn(f"{name} is skipped. {reason}")
        return denied

    def _load(self, record: CandidateRecord, denial: str | None) -> None:
        if denial is not None:
            record.findings.append(Finding(status=Status.SKIPPED, reason=denial))
            self._decide(record)
            return
        begin, facts = time.monotonic(), record.repository
        log = self._settings.logs / f"{candidate_folder(Path(), record.candidate.id, '').parent.name}.log"
        try:
            load_candidate(
                record,
                log=log,
                fetch=lambda: self._hub.download(facts, self._progress),
                settings=self._settings,
                options=self._options,
                pool=self._pool,
            )
        finally:
            if self._options.free_cache:
                self._hub.free(facts)
        record.log = log.relative_to(self._settings.cache).as_posix() if log.is_file() else None
        record.seconds += time.monotonic() - begin
        self._decide(record)

    def _decide(self, record: CandidateRecord) -> None:
        verification = decide(record, self._options.depth)
        if record.facts is not None and record.failure is None:
            self._store.write(record.candidate, record.facts, verification)
        record.verification = verification


def decide(record: CandidateRecord, depth: Depth = Depth.PROBE) -> Verification:
    """Give the verdict: the finding that comes first in the order of precedence decides.

    Args:
        record: All that was found out about the candidate.
        depth: How far it was looked at.

    Raises:
        RequestError: An override names a label that the model does not have.
    """
    if record.failure is not None or record.facts is None:
        failure = record.failure or HubFailure(Status.SKIPPED, _NOT_REACHED)
        finding = Finding(status=failure.status, reason=_sentence(failure.reason))
        return _verification(record, (finding,))
    facts, config, report = record.facts, record.config, record.report
    labels = report.labels if report else config_labels(config)
    label_map = candidate_labels(record.candidate, labels)
    findings = sorted(record.findings, key=lambda finding: finding.status.precedence)
    findings = findings or [_nothing_wrong(record, label_map)]
    weights = weight_files(facts.files, facts.config)
    parameters = report.parameters if report else record.skeleton.parameters if record.skeleton else None
    return _verification(
        record,
        tuple(findings),
        revision=facts.revision,
        loads=record.loads,
        labels=labels,
        emotions=label_map.emotions,
        multi_label=report.multi_label if report else config.get("problem_type") == _MULTI_LABEL,
        architecture=next(iter(architectures(config)), None) or model_type(config),
        **_head_fields(record, findings[0]),
        sampling_rate=report.sampling_rate if report else None,
        window_s=report.window_s if report else None,
        fixed_window=report.fixed_window if report else None,
        batching=record.batching,
        parameters=parameters,
        size_bytes=(record.listing.size if record.listing else None) or (weights.size if weights else None),
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
        **registry_fields(record.candidate),
        **fields,
    )


def _verdicts(records: Sequence[CandidateRecord]) -> tuple[Verification, ...]:
    """The verdict of each candidate; those that have none yet were not reached."""
    skipped = Finding(status=Status.SKIPPED, reason=_NOT_REACHED)
    return tuple(record.verification or _verification(record, (skipped,)) for record in records)


def _lose(record: CandidateRecord, error: Exception) -> None:
    """Give a candidate at which bench itself failed a verdict that says so."""
    finding = unforeseen(error)
    record.failure = HubFailure(finding.status, finding.reason)
    record.verification = decide(record)


def _nothing_wrong(record: CandidateRecord, label_map: LabelMap) -> Finding:
    """The finding of a candidate of which nothing bad was found."""
    if record.report is not None:
        reason = f"It loads, its head is the checkpoint's own, and it distinguishes {len(label_map.classes)} classes."
        return Finding(status=Status.USABLE, reason=reason, evidence=record.evidence)
    if record.unknown is not None:
        reason = f"Nothing wrong was found without its weights, and its tensors are not known: {record.unknown}."
        return Finding(status=Status.INSPECTED, reason=reason)
    return Finding(
        status=Status.INSPECTED,
        reason="Nothing wrong was found without its weights: configuration, labels, and names and shapes of all "
        "tensors fit together. It was not loaded.",
    )


def _head_fields(record: CandidateRecord, decisive: Finding) -> dict[str, Any]:
    """The layout of the head and what it leaves open, of those that are not rejected."""
    if decisive.status.verdict is Verdict.REJECTED:
        return {"head": None, "head_parameters": {}}
    if record.report is not None:
        return {"head": record.report.head, "head_parameters": dict(record.report.head_parameters)}
    parameters = {name: value for name, value in (record.repair or {}).items() if name != "kind"}
    return {"head": record.head, "head_parameters": parameters}


def _notes(record: CandidateRecord, label_map: LabelMap) -> list[str]:
    notes = list(label_notes(record.config))
    notes += record.report.label_problems if record.report else ()
    if label_map.loose:
        notes.append(f"coarse labels that stand for an emotion by override: {named(label_map.loose)}")
    if label_map.unmapped:
        notes.append(f"labels that map to nothing: {named(label_map.unmapped)}")
    coarse = [name for name in label_map.classes if emotion_class(name).kind is not Kind.EMOTION]
    if coarse:
        notes.append(f"classes that are no single emotion: {', '.join(coarse)}")
    return notes


def _sentence(reason: str) -> str:
    # The name of a repository or of a file is not capitalised where a sentence begins with it.
    is_name = bool({"/", "."} & set(reason.partition(" ")[0]))
    capitalised = reason if is_name else reason[:1].upper() + reason[1:]
    return capitalised if capitalised.endswith(".") else f"{capitalised}."
