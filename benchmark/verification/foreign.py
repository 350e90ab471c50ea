"""Programs of the user's as candidates: what they are, and whether they answer as a classifier does."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import HubFailure, RepoFacts
from benchmark.models.foreign import command_fields
from benchmark.models.load_reports import LoadOptions, LoadReport
from benchmark.progress import Progress
from benchmark.registry.schema import Candidate
from benchmark.results.environment import available_cores
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.settings import Settings
from benchmark.verification.options import Depth, VerifyOptions
from benchmark.verification.probe import (
    LARGEST_DIFFERENCE,
    answer_evidence,
    judge_answers,
    largest_difference,
    make_probes,
)
from benchmark.verification.record import CandidateRecord
from benchmark.verification.sandbox import WorkerPool, finding_of
from benchmark.workers.answers import Answer, Crashed, Returned
from benchmark.workers.process import Limits
from benchmark.workers.protection import WorkerKind
from benchmark.workers.worker import Worker

NOT_ALLOWED = "It is a program of your own, which runs only where that is allowed: add --allow-code."

_ACTOR = "benchmark.models.actor:ModelActor"
_GRACE_S = 30.0
_REPEATED = 3


def program_facts(candidate: Candidate) -> RepoFacts | HubFailure:
    """What is known of a program before it runs; its revision is a hash of its command, and of the files in that."""
    digest = hashlib.sha256(json.dumps(candidate.command).encode())
    for argument in candidate.command or ():
        path = Path(candidate.command_folder or ".", argument)
        try:
            if path.is_file() and len(argument) > 1:
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            reason = f"{argument} of its command cannot be read: {error.strerror or error}."
            return HubFailure(Status.LOAD_FAILED, reason)
        except ValueError:  # no path at all
            continue
    return RepoFacts(id=candidate.id, revision=digest.hexdigest()[:40], files=())


def foreign_command(candidate: Candidate, settings: Settings) -> dict[str, Any] | None:
    """How the program of a candidate is run, as `LoadOptions.command`; None for a candidate that is none."""
    if candidate.command is None:
        return None
    return command_fields(
        candidate.command, start_timeout_s=settings.load_timeout_s, answer_timeout_s=settings.clip_timeout_s
    )


def start_limit_s(settings: Settings) -> float:
    """How long the worker of a program may take to start it; the program's own limit is shorter."""
    return settings.load_timeout_s + _GRACE_S


def window_limit_s(settings: Settings) -> float:
    """How long the worker of a program may take for a window, for which it may start the program again."""
    return 2 * (settings.clip_timeout_s + settings.load_timeout_s) + _GRACE_S


def probe_program(
    record: CandidateRecord,
    *,
    log: Path,
    hub: Hub,
    settings: Settings,
    progress: Progress,
    options: VerifyOptions,
    pool: WorkerPool,
) -> None:
    """Start a program with the network, so that it can fetch what it needs, and again without; then probe it.

    The arguments are those of `load_candidate`. If the worker ends by itself, `record.crash` tells how.
    """
    del hub
    record.findings, record.evidence, record.report = [], {}, None
    progress.note(f"{record.candidate.name}: running {' '.join(record.candidate.command or ())}")
    for kind in (WorkerKind.FOREIGN_ONLINE, WorkerKind.FOREIGN):
        limits = Limits(threads=max(1, available_cores() // settings.jobs))
        worker = Worker(_ACTOR, log=log, limits=limits, kind=kind, preloaded=False)
        with pool.watch(worker), worker:
            program = _Program(worker, record.candidate, settings)
            answer = program.load()
            if not isinstance(answer, Returned):
                without = "" if kind is WorkerKind.FOREIGN_ONLINE else " without the network"
                record.findings.append(finding_of(answer, f"Starting it{without} failed"))
            else:
                record.loads, record.report = True, LoadReport.from_plain(answer.value)
                if kind is WorkerKind.FOREIGN and options.depth is Depth.PROBE:
                    _probe(program, record, record.report)
        if record.findings:
            record.loads = False
            break
    if isinstance(worker.end, Crashed):
        if record.crash is None:
            record.crash = worker.end
        elif worker.end.is_from_outside:
            reason = f"Its program failed twice: {worker.end.reason}; no verdict on it."
            record.failure, record.incomplete = HubFailure(Status.SKIPPED, reason), True


class _Program:
    """The program of a candidate in a worker."""

    def __init__(self, worker: Worker, candidate: Candidate, settings: Settings) -> None:
        self._worker, self._candidate, self._settings = worker, candidate, settings

    def load(self) -> Answer:
        options = LoadOptions(command=foreign_command(self._candidate, self._settings))
        folder, timeout_s = str(self._candidate.command_folder), start_limit_s(self._settings)
        return self._worker.call("load", folder, asdict(options), timeout_s=timeout_s)

    def ask(self, samples: Any) -> Answer:
        return self._worker.call("logits", samples, timeout_s=window_limit_s(self._settings))


def _probe(program: _Program, record: CandidateRecord, report: LoadReport) -> None:
    """Ask the probes of `make_probes`, some of them twice, and silence."""
    samples = [probe.samples(report.sampling_rate, report.window_s) for probe in make_probes()]
    answers = [program.ask(probe) for probe in (*samples, *samples[:_REPEATED])]
    failed = [answer for answer in answers if not isinstance(answer, Returned)]
    if failed and (len(failed) == len(answers) or isinstance(failed[0], Crashed)):
        record.findings.append(finding_of(failed[0], "It starts, and cannot answer a probe"))
        return
    if failed:
        record.notes.append(f"it has no answer to {len(failed)} of {len(answers)} probes: {failed[0].reason}")
    known = [answer.value for answer in answers[: len(samples)] if isinstance(answer, Returned)]
    logits = np.stack(known).astype(np.float32)
    record.findings += judge_answers(logits, report.labels)
    record.evidence = answer_evidence(logits, report.labels)
    pairs = [
        (first.value, second.value)
        for first, second in zip(answers[:_REPEATED], answers[len(samples) :], strict=True)
        if isinstance(first, Returned) and isinstance(second, Returned)
    ]
    if pairs:
        difference = max(largest_difference(np.asarray(first), np.asarray(second)) for first, second in pairs)
        record.evidence["difference between two answers"] = difference
        if not difference <= LARGEST_DIFFERENCE:
            reason = f"It answers the same input differently: outputs differ by up to {difference:.3g}."
            record.findings.append(Finding(status=Status.BROKEN_OUTPUT, reason=reason, evidence=record.evidence))
    silence = program.ask(np.zeros(int(report.sampling_rate or 1), dtype=np.float32))
    if isinstance(silence, Crashed):
        record.findings.append(finding_of(silence, "Silence ends it"))
    elif not isinstance(silence, Returned):
        record.notes.append(f"it has no answer to silence: {silence.reason}")
