"""All that verification knows of one candidate, filled step by step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.hub.repository_facts import HubFailure, RepoFacts
from benchmark.hub.tensor_listing import TensorListing
from benchmark.models.head_rules import Skeleton
from benchmark.models.load_reports import LoadReport
from benchmark.registry.schema import Candidate
from benchmark.results.status import Verdict
from benchmark.results.verification import Batching, Finding, Verification
from benchmark.verification.native import NativeModel
from benchmark.workers.answers import Crashed


@dataclass(kw_only=True)
class CandidateRecord:
    """What is known of one candidate so far; one thread at a time works on it.

    Attributes:
        failure: Why nothing can be said of it, such as an unreachable Hub.
        findings: What speaks against it, or that its head is rebuilt.
        rating: That it rates dimensions, where candidates that do are loaded.
        notes: Facts worth knowing that decide nothing.
        listing: Its tensors, as far as the headers of its weight files tell them.
        skeleton: The model that its configuration describes.
        head: The layout of its head, as it is or is to be rebuilt.
        native: The native layout that it claims, whether or not it can be rebuilt.
        repair: How its head is to be rebuilt, as `LoadOptions.head`; None where it is transformers' own.
        denial: Why its weights are not downloaded.
        loads: Whether `from_pretrained` succeeded; None where it was not tried, or the worker ended before.
        evidence: Its answers to the probes.
        batching: Which batches change its answers.
        log: Where the worker's output is, relative to the cache.
        crash: How the worker ended that loaded it first; None if it did not.
        incomplete: Whether this machine failed at it, so that there is no verdict.
        seconds: What finding this out took.
    """

    candidate: Candidate
    facts: RepoFacts | None = None
    failure: HubFailure | None = None
    findings: list[Finding] = field(default_factory=list)
    rating: Finding | None = None
    notes: list[str] = field(default_factory=list)
    listing: TensorListing | None = None
    skeleton: Skeleton | None = None
    head: str | None = None
    native: NativeModel | None = None
    repair: dict[str, str] | None = None
    denial: str | None = None
    loads: bool | None = None
    report: LoadReport | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    batching: Batching | None = None
    log: str | None = None
    crash: Crashed | None = None
    incomplete: bool = False
    seconds: float = 0.0
    verification: Verification | None = None

    @property
    def config(self) -> Mapping[str, Any]:
        """Its `config.json`, or what stands in for it where it is rebuilt; empty where there is none."""
        if self.rebuilt is not None:
            return self.rebuilt.config
        return (self.facts.config if self.facts else None) or {}

    @property
    def rebuilt(self) -> NativeModel | None:
        """What it is rebuilt as, as a whole; None where it is loaded by transformers or not at all."""
        return self.native if self.native is not None and self.native.is_rebuilt else None

    @property
    def rejected(self) -> bool:
        """Whether a finding decides against it."""
        return any(finding.status.verdict is Verdict.REJECTED for finding in self.findings)

    @property
    def repository(self) -> RepoFacts:
        """The facts of its repository; raises ValueError where they are not known."""
        if self.facts is None:
            raise ValueError(f"nothing is known of the repository of {self.candidate.name}")
        return self.facts
