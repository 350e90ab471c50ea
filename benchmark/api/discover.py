"""`bench discover`: search the Hub, inspect the repositories without weights, and write a registry."""

from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.api.outcomes import Outcome
from benchmark.api.progress import open_progress
from benchmark.errors import EXIT_REQUEST, EXIT_UNMET, RequestError, UnavailableError
from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import NO_STATEMENT, HubFailure, RepoFacts
from benchmark.options.model_commands import DiscoverRequest
from benchmark.registry.locations import is_hub_id
from benchmark.registry.schema import Candidate, Registry
from benchmark.registry.writing import Entry, corpus_word, write_registry
from benchmark.reporting.numbers import counted
from benchmark.results.status import Status
from benchmark.results.storage import prepare_cache
from benchmark.results.verification import Verification
from benchmark.settings import Settings
from benchmark.verification.options import Depth, VerifyOptions
from benchmark.verification.verify import verify_candidates

_WOULD_WORK = frozenset({Status.INSPECTED, Status.USABLE, Status.REPAIRED})


@dataclass(frozen=True)
class Discovered:
    """A repository that the search has returned.

    Attributes:
        verification: The verdict without weights.
        reason: Why it would not work; None if it would, perhaps with a rebuilt head, with enough emotions.
        languages: As declared by its card.
        trained_on: Short names of the training data that its card declares; None if it declares none.
        downloads: Of the last month; None if unknown.
    """

    verification: Verification
    reason: str | None
    languages: tuple[str, ...]
    trained_on: tuple[str, ...] | None
    downloads: int | None

    @property
    def works(self) -> bool:
        """Whether it would work."""
        return self.reason is None


@dataclass(frozen=True, kw_only=True)
class DiscoverOutcome(Outcome):
    """Result of `discover`.

    Attributes:
        repositories: Those that would work first, then the order of the search.
    """

    repositories: tuple[Discovered, ...]


def discover_with(options: DiscoverRequest) -> DiscoverOutcome:
    """Search the Hub for speech-emotion models, and judge without weights which would work.

    Raises:
        RequestError: The request is wrong; the message says how to fix it.
        UnavailableError: The Hub could not be searched, or the machine failed.
    """
    progress, settings = open_progress(options.progress), options.settings or Settings()
    target = None if options.write is None else Path(options.write)
    if target is not None and target.exists() and not options.force:
        raise RequestError(f"{target} is there already; choose another name, or replace it with --force")
    prepare_cache(settings)
    hub = Hub(timeout_s=settings.hub_timeout_s)
    ids = hub.search(options.search, languages=options.languages, sort=options.sort, limit=options.limit)
    if isinstance(ids, HubFailure):
        raise UnavailableError(f"The Hub could not be searched: {ids.reason.removesuffix(f'; {NO_STATEMENT}')}.")
    candidates = tuple(Candidate(id=repository) for repository in ids if is_hub_id(repository))
    verifications = verify_candidates(
        Registry(title="discovered", candidates=candidates),
        hub=hub,
        settings=settings,
        progress=progress,
        options=VerifyOptions(depth=Depth.INSPECT, repair_heads=options.repair_heads),
    )
    judged = [_judge(verification, hub, options.min_emotions) for verification in verifications]
    repositories = tuple(sorted(judged, key=lambda repository: not repository.works))
    lost = [verification for verification in verifications if verification.incomplete]
    outcome = DiscoverOutcome(
        repositories=repositories,
        exit_code=EXIT_UNMET if lost else 0,
        problems=tuple(f"{verification.candidate} was not judged: {verification.reason}" for verification in lost),
    )
    if target is None:
        return outcome
    entries = [_entry(repository) for repository in outcome.repositories if repository.works]
    if not entries:
        total = counted(len(judged), "repository", "repositories")
        problem = f"Nothing was written to {target}: of {total} none would work."
        return replace(outcome, exit_code=EXIT_REQUEST, problems=(*outcome.problems, problem))
    comment = f"Found by bench discover --search {options.search!r}: inspected without weights, not verified."
    return replace(outcome, files=(write_registry(target, entries, comment=comment, force=options.force),))


def _judge(verification: Verification, hub: Hub, min_emotions: int) -> Discovered:
    # The client knows the facts of a commit that was verified.
    known = hub.facts(verification.id, verification.revision) if verification.revision else None
    facts = known if isinstance(known, RepoFacts) else None
    would_work = verification.status in _WOULD_WORK
    reason = verification.too_few_emotions(min_emotions) if would_work else verification.reason
    corpora = tuple(word for dataset in (facts.datasets if facts else ()) if (word := corpus_word(dataset)) is not None)
    return Discovered(
        verification=verification,
        reason=reason,
        languages=facts.languages if facts else (),
        trained_on=corpora or None,
        downloads=facts.downloads if facts else None,
    )


def _entry(repository: Discovered) -> Entry:
    verification = repository.verification
    emotions = verification.emotion_classes
    return Entry(
        id=verification.id,
        revision=verification.revision or "",
        expect=Status.REPAIRED if verification.status is Status.REPAIRED else None,
        languages=repository.languages,
        datasets=repository.trained_on or (),
        note=f"{len(emotions)} emotions: {', '.join(emotions)}",
    )
