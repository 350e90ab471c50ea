"""All candidates of a registry: facts first and all at once, then loads, verdicts in the registry's order."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from benchmark.hub.client import Hub
from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.hub.local import local_facts
from benchmark.progress import Progress
from benchmark.registry.schema import Candidate, Registry
from benchmark.results.environment import available_cores
from benchmark.results.layout import candidate_folder
from benchmark.results.verification import Verification
from benchmark.settings import Settings
from benchmark.verification.configs import config_labels
from benchmark.verification.inspection import Inspected, inspect
from benchmark.verification.kept import KeptVerdicts
from benchmark.verification.loading import check_load
from benchmark.verification.verdict import Case, candidate_labels, decide, failed

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
    return verifier.decide_all(looked)


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

    def look_at_all(self, candidates: Sequence[Candidate]) -> list[_Looked]:
        with (
            self._progress.stage("Looking", total=len(candidates), unit="candidates") as stage,
            ThreadPoolExecutor(_ASKED_AT_ONCE, thread_name_prefix="look") as pool,
        ):
            waiting = [pool.submit(self._look, candidate) for candidate in candidates]
            try:
                for _ in as_completed(waiting):
                    stage.advance()
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            return [each.result() for each in waiting]

    def decide_all(self, looked: Sequence[_Looked]) -> tuple[Verification, ...]:
        with (
            self._progress.stage("Verifying", total=len(looked), unit="candidates") as stage,
            ThreadPoolExecutor(self._settings.jobs, thread_name_prefix="verify") as pool,
        ):
            waiting = [pool.submit(self._decide, each) for each in looked]
            try:
                for _ in as_completed(waiting):
                    stage.advance()
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            return tuple(each.result() for each in waiting)

    def _look(self, candidate: Candidate) -> _Looked:
        begin = time.monotonic()
        return _Looked(candidate, look_at(candidate, self._hub), time.monotonic() - begin)

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
        folder = self._hub.download(facts, self._progress)
        if isinstance(folder, HubFailure):
            return failed(candidate, folder)
        log = self._settings.logs / f"{candidate_folder(self._settings.cache, candidate.id, '').parent.name}.log"
        threads = max(1, available_cores() // self._settings.jobs)
        load = check_load(candidate, folder, log=log, settings=self._settings, threads=threads)
        return decide(Case(candidate=candidate, facts=facts, findings=load.findings, load=load, log=str(log)))
