"""From everything found about a candidate to one verdict, with all of it as evidence."""

from dataclasses import dataclass, field, replace
from typing import Any

from benchmark.emotions.classes import Kind, emotion_class
from benchmark.emotions.label_map import LabelMap
from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.hub.weights import weight_files
from benchmark.models.reports import LoadReport
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Finding, PublishedScore, Verification
from benchmark.verification.headers import HeaderVerdict
from benchmark.verification.load import LoadCheck
from benchmark.verification.model_config import architectures, candidate_labels, config_labels, label_notes, model_type
from benchmark.verification.options import Depth
from benchmark.verification.records import named

MULTI_LABEL = "multi_label_classification"


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that was found out about one candidate.

    Attributes:
        candidate: As the registry names it.
        facts: What is known of its repository.
        findings: What speaks against it, or for a status of its own.
        header: What its tensors say.
        load: What a real load brought; None where none was made.
        depth: How far it was looked at.
        log: Where the worker's output is, relative to the cache.
        notes: Facts worth knowing that decide nothing.
    """

    candidate: Candidate
    facts: RepoFacts
    findings: tuple[Finding, ...]
    header: HeaderVerdict = field(default_factory=HeaderVerdict)
    load: LoadCheck | None = None
    depth: Depth = Depth.PROBE
    log: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def report(self) -> LoadReport | None:
        """What the load found out, where there was one that came to an end."""
        return None if self.load is None else self.load.report


def failed(candidate: Candidate, failure: HubFailure) -> Verification:
    """Give the verdict on a candidate whose repository could not be looked at."""
    reason = _sentence(failure.reason)
    return _verification(candidate, Finding(status=failure.status, reason=reason))


def undecided(candidate: Candidate, finding: Finding) -> Verification:
    """Give a verdict that rests on one finding, and on nothing known of the repository."""
    return _verification(candidate, finding)


def decide(case: Case) -> Verification:
    """Give the verdict: the finding that comes first in the order of precedence decides.

    Raises:
        RequestError: An override names a label that the model does not have.
    """
    report = case.report
    config = case.facts.config or {}
    labels = report.labels if report else config_labels(config)
    label_map = candidate_labels(case.candidate, labels)
    found = case.findings or (_nothing_wrong(case, label_map),)
    ordered = sorted(found, key=lambda finding: finding.status.precedence)
    weights = weight_files(case.facts.files, case.facts.config)
    return _verification(case.candidate, *ordered).model_copy(
        update={
            "revision": case.facts.revision,
            "loads": case.load.loads if case.load else None,
            "labels": labels,
            "emotions": label_map.emotions,
            "multi_label": report.multi_label if report else config.get("problem_type") == MULTI_LABEL,
            "architecture": next(iter(architectures(config)), None) or model_type(config),
            **_head(case, ordered[0]),
            "sampling_rate": report.sampling_rate if report else None,
            "window_s": report.window_s if report else None,
            "fixed_window": report.fixed_window if report else None,
            "batching": case.load.batching if case.load else None,
            "parameters": report.parameters if report else case.header.parameters,
            "size_bytes": case.header.size or (weights.size if weights else None),
            "license": case.facts.license,
            "log": case.log,
            "notes": (*_notes(label_map, case), *case.notes),
            "depth": case.depth.value,
        }
    )


def skipped(case: Case, reason: str) -> Verification:
    """Give the verdict on a candidate that was not loaded for a limit that the user set."""
    limit = Finding(status=Status.SKIPPED, reason=reason)
    return decide(replace(case, findings=(limit, *case.findings)))


def _nothing_wrong(case: Case, label_map: LabelMap) -> Finding:
    """The finding of a candidate of which nothing bad was found."""
    if case.load is not None:
        why = f"It loads, its head is the checkpoint's own, and it distinguishes {len(label_map.classes)} classes."
        return Finding(status=Status.USABLE, reason=why, evidence=dict(case.load.evidence))
    if case.header.unknown is not None:
        reason = f"Nothing wrong was found without its weights, and its tensors are not known: {case.header.unknown}."
        return Finding(status=Status.INSPECTED, reason=reason)
    return Finding(
        status=Status.INSPECTED,
        reason="Nothing wrong was found without its weights: configuration, labels, and names and shapes of all "
        "tensors fit together. It was not loaded.",
    )


def _head(case: Case, decisive: Finding) -> dict[str, Any]:
    """The layout of the head and what it leaves open, of those that are not rejected."""
    if decisive.status.verdict is Verdict.REJECTED:
        return {"head": None, "head_parameters": {}}
    if case.report is not None:
        return {"head": case.report.head, "head_parameters": dict(case.report.head_parameters)}
    open_to = case.header.repair or {}
    return {
        "head": case.header.head,
        "head_parameters": {name: str(value) for name, value in open_to.items() if name != "kind"},
    }


def _verification(candidate: Candidate, decisive: Finding, *others: Finding) -> Verification:
    """A verdict with all that was found, and nothing else yet."""
    return Verification(
        candidate=candidate.name,
        id=candidate.id,
        status=decisive.status,
        reason=decisive.reason,
        findings=(decisive, *others),
        expect=candidate.expect,
        languages=candidate.languages,
        trained_on=candidate.trained_on,
        published=published_score(candidate),
    )


def published_score(candidate: Candidate) -> PublishedScore | None:
    """What the registry says of a score that the candidate's authors have published."""
    said = candidate.published
    return None if said is None else PublishedScore(corpus=said.corpus, uar=said.uar, accuracy=said.accuracy)


def _notes(label_map: LabelMap, case: Case) -> tuple[str, ...]:
    notes = list(label_notes(case.facts.config or {}))
    notes += case.report.label_problems if case.report else ()
    if label_map.loose:
        notes.append(f"coarse labels that stand for an emotion by override: {named(label_map.loose)}")
    if label_map.unmapped:
        notes.append(f"labels that map to nothing: {named(label_map.unmapped)}")
    coarse = [name for name in label_map.classes if emotion_class(name).kind is not Kind.EMOTION]
    if coarse:
        notes.append(f"classes that are no single emotion: {', '.join(coarse)}")
    return tuple(notes)


def _sentence(reason: str) -> str:
    # The name of a repository or of a file is not written otherwise where a sentence begins with it.
    is_name = bool({"/", "."} & set(reason.partition(" ")[0]))
    begun = reason if is_name else reason[:1].upper() + reason[1:]
    return begun if begun.endswith(".") else f"{begun}."
