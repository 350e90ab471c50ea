"""Zero-shot candidates: what can be said of a CLAP checkpoint without loading it, and the finding of its load."""

from collections.abc import Iterator

from benchmark.emotions.label_map import LabelMap
from benchmark.hub.repository_facts import RepoFacts
from benchmark.hub.weights import has_tokenizer
from benchmark.models.load_reports import LoadReport
from benchmark.results.predictions import PHRASINGS, ZERO_SHOT
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.inspect import cannot_load, check_files
from benchmark.verification.labels import label_findings
from benchmark.verification.model_config import CLAP, model_type
from benchmark.verification.record import CandidateRecord


def check_zero_shot(facts: RepoFacts, label_map: LabelMap) -> list[Finding]:
    """Find what speaks against a zero-shot candidate before it is loaded, the deciding finding first."""
    findings = [*check_files(facts), *_unusable(facts), *label_findings({}, label_map)]
    return sorted(findings, key=lambda finding: finding.status.precedence)


def usable_zero_shot(record: CandidateRecord, report: LoadReport, label_map: LabelMap) -> Finding:
    """The finding of a zero-shot candidate of which nothing bad was found."""
    phrasings = report.head_parameters[PHRASINGS]
    reason = f"It loads, and compares audio with {phrasings} prompts for each of {len(label_map.classes)} classes."
    return Finding(status=Status.USABLE, reason=reason, evidence=record.evidence)


def is_zero_shot(report: LoadReport | None) -> bool:
    """Whether what was loaded compares audio with prompts."""
    return report is not None and report.head == ZERO_SHOT


def _unusable(facts: RepoFacts) -> Iterator[Finding]:
    kind = model_type(facts.config or {})
    if kind is not None and kind != CLAP:
        yield Finding(
            status=Status.UNSUPPORTED_ARCHITECTURE,
            reason=f"Prompts are for CLAP checkpoints, and its model type is {str(kind)[:200]!r}: remove its prompts.",
            evidence={"model_type": str(kind)[:200]},
        )
        return
    if not facts.partial and not has_tokenizer(facts.names):
        yield cannot_load("there is no tokenizer in it: tokenizer.json, or vocab.json with merges.txt")
    if facts.preprocessor is None:
        problem = facts.preprocessor_problem or "there is no preprocessor_config.json in it"
        yield cannot_load(problem)
