"""All candidates of a registry: facts first and all at once, then loads, verdicts in the registry's order."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmark.hub.client import Hub
from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.hub.local import local_facts
from benchmark.hub.tensor_listing import TensorListing
from benchmark.progress import Progress
from benchmark.registry.schema import Candidate, Registry
from benchmark.results.layout import candidate_folder
from benchmark.results.verification import Finding, Verification
from benchmark.settings import Settings
from benchmark.verification.configs import config_labels
from benchmark.verification.inspection import Inspected, inspect
from benchmark.verification.kept import KeptVerdicts
from benchmark.verification.loading import LoadCheck, LoadSetup, check_load
from benchmark.verification.open_workers import OpenWorkers
from benchmark.verification.parallel import in_parallel
from benchmark.verification.verdict import Case, candidate_labels, decide, failed
from benchmark.verification.weights_found import judge_biases

_ASKED_AT_ONCE = 8


def verify_candidates(
    registry: Registry, *, hub: Hub, settings: Settings, progress: Progress, refresh: bool = False
) -> tuple[Verification, ...]:
    """Find out which candidates are working emotion classifiers.

    Args:
        registry: The candidates.
        hub: Who knows the repositories.
        settings: Limits and places.
        progress: Who listens.
        refresh: Whether to find out again what a former run has found out.

    Returns:
        One verification per candidate, in the registry's order.

    Raises:
        RequestError: The registry overrides a label that a model does not have, or the store cannot be written.
        UnavailableError: The disk is full.
    """
    verifier = _Verifier(hub, settings, progress, refresh=refresh)
    looked = verifier.look_at_all(registry.candidates)
    try:
        return verifier.decide_all(looked)
    finally:
        verifier.end()


def look_at(candidate: Candidate, hub: Hub) -> RepoFacts | HubFailure:
    """Find out what can be known of a candidate without its weights, on the Hub or in a local folder."""
    if candidate.local_path is not None:
        return local_facts(candidate.id, candidate.local_path)
    return hub.facts(candidate.id, candidate.revision)


@dataclass(frozen=True)
class _Looked:
    """A candidate with what looking at its repository brought, and how long that took."""

    candidate: Candidate
    found: RepoFacts | HubFailure
    seconds: float


class _Verifier:
    """Holds what all candidates of one verification share."""

    def __init__(self, hub: Hub, settings: Settings, progress: Progress, *, refresh: bool) -> None:
        self._hub = hub
        self._settings = settings
        self._progress = progress
        self._refresh = refresh
        self._kept = KeptVerdicts(settings.cache)
        self._setup = LoadSetup(settings=settings, workers=OpenWorkers())

    def look_at_all(self, candidates: Sequence[Candidate]) -> list[_Looked]:
        with self._progress.stage("Looking", total=len(candidates), unit="candidates") as stage:
            return in_parallel(self._look, candidates, threads=_ASKED_AT_ONCE, finished=stage.advance)

    def decide_all(self, looked: Sequence[_Looked]) -> tuple[Verification, ...]:
        with self._progress.stage("Verifying", total=len(looked), unit="candidates") as stage:
            return tuple(in_parallel(self._decide, looked, threads=self._settings.jobs, finished=stage.advance))

    def end(self) -> None:
        """End what still computes, after an interruption or an error."""
        self._setup.workers.end()

    def _look(self, candidate: Candidate) -> _Looked:
        begin = time.monotonic()
        found = look_at(candidate, self._hub)
        if isinstance(found, RepoFacts):
            # A wrong override ends all; better now than after an hour of loading.
            candidate_labels(candidate, config_labels(found.config or {}))
        return _Looked(candidate, found, time.monotonic() - begin)

    def _decide(self, looked: _Looked) -> Verification:
        candidate, found = looked.candidate, looked.found
        if isinstance(found, HubFailure):
            return failed(candidate, found).model_copy(update={"seconds": looked.seconds})
        kept = None if self._refresh else self._kept.read(candidate, found)
        if kept is not None:
            return kept
        begin = time.monotonic()
        verification = self._find_out(candidate, found)
        verification = verification.model_copy(update={"seconds": looked.seconds + time.monotonic() - begin})
        self._kept.write(candidate, found, verification)
        return verification

    def _find_out(self, candidate: Candidate, facts: RepoFacts) -> Verification:
        label_map = candidate_labels(candidate, config_labels(facts.config or {}))
        findings = inspect(Inspected(candidate, facts, label_map))
        if findings:
            return decide(Case(candidate=candidate, facts=facts, findings=findings))
        log = self._settings.logs / f"{candidate_folder(self._settings.cache, candidate.id, '').parent.name}.log"
        load = check_load(
            candidate, facts, log=log, fetch=lambda: self._hub.download(facts, self._progress), setup=self._setup
        )
        if isinstance(load, HubFailure):
            return failed(candidate, load)
        findings = (*load.findings, *self._untrained(facts, load))
        return decide(Case(candidate=candidate, facts=facts, findings=findings, load=load, log=str(log)))

    def _untrained(self, facts: RepoFacts, load: LoadCheck) -> Iterator[Finding]:
        listing = None if load.report is None else self._hub.tensors(facts)
        if isinstance(listing, TensorListing):
            yield from judge_biases(listing.values)
