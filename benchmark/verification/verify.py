"""All candidates of a registry: inspected without weights first, then those that are undecided loaded and asked."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.hub.client import Hub
from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.progress import Progress
from benchmark.registry.schema import Candidate, Registry
from benchmark.results.status import Status
from benchmark.results.storage import candidate_folder
from benchmark.results.verification import Finding, Verification
from benchmark.settings import Settings
from benchmark.threads import in_parallel
from benchmark.verification.inspecting import Inspection, Inspector
from benchmark.verification.load import Loadable, LoadSetup, check_load, is_rejected
from benchmark.verification.options import DEFAULT_OPTIONS, Depth, VerifyOptions, Wanted, agree
from benchmark.verification.parallel import spared
from benchmark.verification.sandbox import OpenWorkers, unforeseen
from benchmark.verification.store import KeptVerdicts
from benchmark.verification.verdict import Case, decide, failed, skipped, undecided

_NOT_REACHED = (
    "The verification was interrupted before this candidate's turn was over; the same command goes on from here."
)


class InterruptedVerificationError(KeyboardInterrupt):
    """Somebody pressed Ctrl-C; what does not know of this class ends as always then.

    Attributes:
        verifications: One per candidate, in the registry's order; those that were not finished are `skipped`.
    """

    def __init__(self, verifications: tuple[Verification, ...]) -> None:
        super().__init__()
        self.verifications = verifications


def unfinished(candidate: Candidate) -> Verification:
    """Give the verdict on a candidate that the interruption came before."""
    return undecided(candidate, Finding(status=Status.SKIPPED, reason=_NOT_REACHED))


_ASKED_AT_ONCE = 8


_WORD = {Depth.LOAD: "Loading", Depth.PROBE: "Loading and asking"}


def verify_candidates(
    registry: Registry, *, hub: Hub, settings: Settings, progress: Progress, options: VerifyOptions = DEFAULT_OPTIONS
) -> tuple[Verification, ...]:
    """Find out which candidates are working emotion classifiers.

    Args:
        registry: The candidates.
        hub: Who knows the repositories.
        settings: Limits and places.
        progress: Who listens.
        options: How deep to go, and what that may take.

    Returns:
        One verification per candidate, in the registry's order.

    Raises:
        RequestError: The registry overrides a label that a model does not have, or the store cannot be written.
        UnavailableError: The disk is full.
        InterruptedVerificationError: Somebody pressed Ctrl-C; it brings what was found out until then.
    """
    inspector, verifier = _people(hub, settings, progress, options)
    known: dict[str, Verification] = {}
    try:
        return verifier.decide_all(inspector.inspect(registry.candidates), known)
    except KeyboardInterrupt:
        before = dict(known)  # workers that are ended below are no verdicts
        for each in inspector.so_far() if not before else ():
            if (verdict := verifier.decide_now(each)) is not None:
                before[each.candidate.name] = verdict
        raise InterruptedVerificationError(
            tuple(before.get(each.name) or unfinished(each) for each in registry.candidates)
        ) from None
    finally:
        verifier.setup.workers.end()


@dataclass(frozen=True)
class LookedAt:
    """A candidate with the verdict that needs no weights.

    Attributes:
        verification: The verdict.
        facts: What is known of its repository; None where nothing is.
    """

    verification: Verification
    facts: RepoFacts | None


def inspect_candidates(
    registry: Registry, *, hub: Hub, settings: Settings, progress: Progress, options: VerifyOptions
) -> tuple[LookedAt, ...]:
    """Find out what can be found out without weights, and give the facts beside the verdicts.

    Args:
        registry: The candidates.
        hub: Who knows the repositories.
        settings: Limits and places.
        progress: Who listens.
        options: What the user asks for; the depth is `inspect` whatever they say.

    Returns:
        One verdict per candidate, in the registry's order.

    Raises:
        RequestError: The store cannot be written.
        UnavailableError: The disk is full.
    """
    inspector, verifier = _people(hub, settings, progress, replace(options, depth=Depth.INSPECT))
    try:
        inspections = inspector.inspect(registry.candidates)
        verdicts = verifier.decide_all(inspections, {})
    finally:
        verifier.setup.workers.end()
    return tuple(
        LookedAt(verdict, each.found if isinstance(each.found, RepoFacts) else None)
        for verdict, each in zip(verdicts, inspections, strict=True)
    )


def _people(hub: Hub, settings: Settings, progress: Progress, options: VerifyOptions) -> "tuple[Inspector, _Verifier]":
    workers = OpenWorkers()
    kept = KeptVerdicts(settings.cache, options)
    inspector = Inspector(hub=hub, settings=settings, options=options, kept=kept, workers=workers, progress=progress)
    setup = LoadSetup(settings=settings, options=options, workers=workers)
    return inspector, _Verifier(hub, settings, options, kept, progress, setup)


@dataclass(frozen=True)
class _Verifier:
    """Holds what all candidates of one verification share."""

    hub: Hub
    settings: Settings
    options: VerifyOptions
    kept: KeptVerdicts
    progress: Progress
    setup: LoadSetup

    def decide_all(self, inspections: Sequence[Inspection], known: dict[str, Verification]) -> tuple[Verification, ...]:
        """Decide what inspection can decide, then load the rest, as many at once as there are jobs.

        Args:
            inspections: What is known without weights.
            known: Takes each verdict as soon as there is one, by candidate.
        """
        decide_now = spared(self.decide_now, self._lost)
        verdicts = {place: decide_now(each) for place, each in enumerate(inspections)}
        known |= {verdict.candidate: verdict for verdict in verdicts.values() if verdict is not None}
        open_ones = [place for place, verdict in verdicts.items() if verdict is None]
        denied = self._agree([inspections[place] for place in open_ones])
        word = _WORD.get(self.options.depth, "")
        if open_ones:
            with self.progress.stage(word, total=len(open_ones), unit="candidates") as stage:
                load = spared(lambda each: self._load(each, denied.get(each.candidate.name)), self._lost)

                def load_and_tell(inspection: Inspection) -> Verification:
                    return known.setdefault(inspection.candidate.name, load(inspection))

                loaded = in_parallel(
                    load_and_tell,
                    [inspections[place] for place in open_ones],
                    threads=self.settings.jobs,
                    finished=stage.advance,
                )
            verdicts |= dict(zip(open_ones, loaded, strict=True))
        return tuple(verdict for verdict in verdicts.values() if verdict is not None)

    def decide_now(self, inspection: Inspection) -> Verification | None:
        """Give the verdict that needs no load; None where a load has to tell."""
        if inspection.kept is not None:
            return inspection.kept
        if isinstance(inspection.found, HubFailure):
            verdict = failed(inspection.candidate, inspection.found)
            return verdict.model_copy(update={"seconds": inspection.seconds})
        if self.options.depth is not Depth.INSPECT and not is_rejected(inspection.findings):
            return None
        return self._keep(inspection, decide(self._case(inspection, inspection.found)), seconds=0.0)

    def _agree(self, undecided: Sequence[Inspection]) -> dict[str, str]:
        missing_bytes = spared(self._missing_bytes, lambda _inspection, _error: None)
        sizes = in_parallel(missing_bytes, undecided, threads=_ASKED_AT_ONCE, finished=lambda: None)
        wanted = [Wanted(each.candidate.name, size) for each, size in zip(undecided, sizes, strict=True)]
        denied = agree(wanted, self.options, self.progress)
        for name, reason in denied.items():
            self.progress.warn(f"{name} is skipped. {reason}")
        return denied

    def _missing_bytes(self, inspection: Inspection) -> int | None:
        return self.hub.download_size(inspection.found) if isinstance(inspection.found, RepoFacts) else 0

    def _load(self, inspection: Inspection, denial: str | None) -> Verification:
        candidate, facts = inspection.candidate, inspection.found
        if isinstance(facts, HubFailure):
            return failed(candidate, facts)
        case = self._case(inspection, facts)
        if denial is not None:
            return skipped(case, denial)
        begin = time.monotonic()
        loadable = Loadable(
            candidate=candidate,
            config=facts.config or {},
            repair=inspection.header.repair,
            heads_known=inspection.header.outcome is not None,
            parameters=inspection.header.parameters,
        )
        log = self.settings.logs / f"{candidate_folder(Path(), candidate.id, '').parent.name}.log"
        try:
            load = check_load(
                loadable, log=log, fetch=lambda: self.hub.download(facts, self.progress), setup=self.setup
            )
        finally:
            if self.options.free_cache:
                self.hub.free(facts)
        if isinstance(load, HubFailure):
            return failed(candidate, load)
        case = replace(case, findings=load.findings, load=load, log=self._relative(log))
        return self._keep(inspection, decide(case), seconds=time.monotonic() - begin)

    def _lost(self, inspection: Inspection, error: Exception) -> Verification:
        finding = unforeseen(error)
        return failed(inspection.candidate, HubFailure(finding.status, finding.reason))

    def _case(self, inspection: Inspection, facts: RepoFacts) -> Case:
        return Case(
            candidate=inspection.candidate,
            facts=facts,
            findings=inspection.findings,
            header=inspection.header,
            depth=self.options.depth,
            notes=inspection.notes,
        )

    def _keep(self, inspection: Inspection, verification: Verification, *, seconds: float) -> Verification:
        timed = verification.model_copy(update={"seconds": inspection.seconds + seconds})
        if isinstance(inspection.found, RepoFacts):
            self.kept.write(inspection.candidate, inspection.found, timed)
        return timed

    def _relative(self, log: Path) -> str | None:
        return log.relative_to(self.settings.cache).as_posix() if log.is_file() else None
