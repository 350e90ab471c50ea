"""Candidates that are an ONNX file: what can be said without loading it, and the findings of its load."""

from benchmark.emotions.label_map import LabelMap
from benchmark.hub.repository_facts import HubFailure, RepoFacts
from benchmark.hub.weights import onnx_files, total_size
from benchmark.models.backends.protocol import INSTALL, ONNXRUNTIME, is_installed
from benchmark.models.load_reports import LoadReport
from benchmark.models.model_types import is_sampling_rate
from benchmark.registry.schema import Candidate
from benchmark.results.predictions import ONNX
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.inspect import cannot_load, dimensional
from benchmark.verification.labels import label_findings, named
from benchmark.verification.record import CandidateRecord

_LONGEST_LIST = 12


def missing_library() -> HubFailure | None:
    """Why no ONNX file can be loaded here, if so."""
    if is_installed(ONNXRUNTIME):
        return None
    name, command = INSTALL[ONNXRUNTIME]
    return HubFailure(Status.SKIPPED, f"{name} is not installed here: `{command}`; no verdict on the model.")


def check_onnx(candidate: Candidate, facts: RepoFacts, label_map: LabelMap) -> list[Finding]:
    """Find what speaks against an ONNX file before it is loaded, the deciding finding first."""
    files = sorted(name for name in facts.names if name.endswith(".onnx"))
    findings = []
    if candidate.onnx not in facts.names and not facts.partial:
        there = f"its ONNX files are {named(files)}" if files else "it has no ONNX file"
        findings.append(cannot_load(f"there is no {candidate.onnx} in it; {there}"))
    if not label_map.labels:
        why = (
            f"its config.json cannot be used: {facts.config_problem}" if facts.config_problem else "no file names them"
        )
        reason = f"Its labels are not known ({why}); name one per output in the registry: labels: […]."
        findings.append(Finding(status=Status.INVALID_CONFIG, reason=reason))
    else:
        findings += [*dimensional(facts.config or {}, label_map), *label_findings({}, label_map)]
    if candidate.preprocessor is None and not is_sampling_rate((facts.preprocessor or {}).get("sampling_rate")):
        findings.append(cannot_load("its sampling rate is not known; say it in the registry: sampling_rate: 16000"))
    return sorted(findings, key=lambda finding: finding.status.precedence)


def onnx_size(facts: RepoFacts) -> int | None:
    """Bytes of the ONNX file and of what may hold its weights."""
    return None if facts.onnx is None else total_size(onnx_files(facts.files, facts.onnx))


def usable_onnx(record: CandidateRecord, report: LoadReport, label_map: LabelMap) -> Finding:
    """The finding of an ONNX file of which nothing bad was found."""
    outputs = report.head_parameters["outputs"]
    reason = f"Its ONNX file loads, gives {outputs}, and distinguishes {len(label_map.classes)} classes."
    return Finding(status=Status.USABLE, reason=reason, evidence=record.evidence)


def is_onnx(report: LoadReport | None) -> bool:
    """Whether what was loaded is an ONNX file."""
    return report is not None and report.head == ONNX
