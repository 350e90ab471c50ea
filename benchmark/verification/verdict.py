"""From everything found about a candidate to one verdict, with all of it as evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.emotions.classes import Kind, emotion_class
from benchmark.emotions.label_map import LabelMap, map_labels
from benchmark.errors import RequestError
from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.hub.weights import weight_files
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Finding, Verification
from benchmark.verification.configs import architectures, config_labels, label_notes, model_type
from benchmark.verification.loading import LoadCheck

MULTI_LABEL = "multi_label_classification"


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that was found out about one candidate.

    Attributes:
        candidate: As the registry names it.
        facts: What is known of its repository.
        findings: What speaks against it, or for a status of its own.
        load: What a real load brought; None where none was made.
        log: Where the worker's output is.
    """

    candidate: Candidate
    facts: RepoFacts
    findings: tuple[Finding, ...]
    load: LoadCheck | None = None
    log: str | None = None


def candidate_labels(candidate: Candidate, labels: Sequence[str]) -> LabelMap:
    """Map a candidate's labels under the registry's overrides.

    Raises:
        RequestError: An override names a label that the model does not have.
    """
    if not labels:
        return map_labels(())
    try:
        return map_labels(labels, overrides=candidate.labels)
    except RequestError as error:
        raise RequestError(f"labels of {candidate.name} in the registry: {error}") from error


def failed(candidate: Candidate, failure: HubFailure) -> Verification:
    """Give the verdict on a candidate whose repository could not be looked at."""
    reason = _sentence(failure.reason)
    return _verification(candidate, Finding(status=failure.status, reason=reason))


def decide(case: Case) -> Verification:
    """Give the verdict: the finding that comes first in the order of precedence decides.

    Raises:
        RequestError: An override names a label that the model does not have.
    """
    report = case.load.report if case.load else None
    config = case.facts.config or {}
    labels = report.labels if report else config_labels(config)
    label_map = candidate_labels(case.candidate, labels)
    ordered = sorted(case.findings, key=lambda finding: finding.status.precedence)
    decisive = ordered[0] if ordered else Finding(status=Status.USABLE, reason=_why_usable(label_map))
    weights = weight_files(case.facts.files, case.facts.config)
    return _verification(case.candidate, decisive, *ordered[1:]).model_copy(
        update={
            "revision": case.facts.revision,
            "loads": case.load.loads if case.load else None,
            "labels": labels,
            "emotions": label_map.emotions,
            "multi_label": report.multi_label if report else config.get("problem_type") == MULTI_LABEL,
            "architecture": next(iter(architectures(config)), None) or model_type(config),
            "head": report.head if report and decisive.status.verdict is Verdict.USABLE else None,
            "sampling_rate": report.sampling_rate if report else None,
            "window_s": report.window_s if report else None,
            "fixed_window": report.fixed_window if report else None,
            "parameters": report.parameters if report else None,
            "size_bytes": weights.size if weights else None,
            "license": case.facts.license,
            "log": case.log,
            "notes": _notes(label_map, case),
        }
    )


def _verification(candidate: Candidate, decisive: Finding, *others: Finding) -> Verification:
    return Verification(
        candidate=candidate.name,
        id=candidate.id,
        status=decisive.status,
        reason=decisive.reason,
        findings=(decisive, *others),
        expect=candidate.expect,
        languages=candidate.languages,
        trained_on=candidate.trained_on,
    )


def _why_usable(label_map: LabelMap) -> str:
    return f"It loads, its head is the checkpoint's own, and it distinguishes {len(label_map.classes)} classes."


def _notes(label_map: LabelMap, case: Case) -> tuple[str, ...]:
    notes = list(label_notes(case.facts.config or {}))
    notes += case.load.report.label_problems if case.load and case.load.report else ()
    if label_map.loose:
        notes.append(f"coarse labels that stand for an emotion by override: {', '.join(label_map.loose)}")
    if label_map.unmapped:
        notes.append(f"labels that map to nothing: {', '.join(label_map.unmapped)}")
    coarse = [name for name in label_map.classes if emotion_class(name).kind is not Kind.EMOTION]
    if coarse:
        notes.append(f"classes that are no single emotion: {', '.join(coarse)}")
    return tuple(notes)


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:] + ("" if reason.endswith(".") else ".")
