"""Discovery: search the Hub, look at what is found without its weights, and say what would work."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import RequestError, UnavailableError
from benchmark.hub.client import Hub
from benchmark.hub.facts import NO_STATEMENT, HubFailure, RepoFacts
from benchmark.options.declare import keywords
from benchmark.options.model_commands import DiscoverRequest
from benchmark.progress import Silent
from benchmark.registry.locations import is_hub_id
from benchmark.registry.schema import Candidate, Registry
from benchmark.registry.writing import Entry, corpus_word, write_registry
from benchmark.reporting.numbers import counted
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.settings import Settings
from benchmark.verification.options import Depth, VerifyOptions
from benchmark.verification.verify import verify_candidates

_WOULD_WORK = frozenset({Status.INSPECTED, Status.USABLE, Status.REPAIRED})


@dataclass(frozen=True)
class Discovered:
    """A repository that was found.

    Attributes:
        verification: The verdict without weights.
        works: Whether it would work, or could be repaired, with enough emotions.
        reason: Why not; None where it would.
        languages: As its card declares them.
        trained_on: What its card declares as training data, by plain names; None where it declares nothing.
        downloads: In the last month; None where nobody says.
    """

    verification: Verification
    works: bool
    reason: str | None
    languages: tuple[str, ...]
    trained_on: tuple[str, ...] | None
    downloads: int | None


@dataclass(frozen=True, kw_only=True)
class DiscoverOutcome:
    """What `discover` comes back with.

    Attributes:
        found: All repositories that were found: those that would work first, then the order of the search.
        file: The registry that was written; None where none was asked for, or nothing could be written into it.
        problem: Why no registry was written although one was asked for; None where all is as asked.
    """

    found: tuple[Discovered, ...]
    file: Path | None = None
    problem: str | None = None


def discover_with(options: DiscoverRequest) -> DiscoverOutcome:
    """Search the Hub for speech-emotion models, and tell without their weights which would work.

    Raises:
        RequestError: Something asked for is wrong; the message says how to fix it.
        UnavailableError: The Hub could not be searched, or the machine failed.
    """
    progress, settings = options.progress or Silent(), options.settings or Settings()
    target = None if options.write is None else Path(options.write)
    if target is not None and target.exists() and not options.force:
        raise RequestError(f"{target} is there already; choose another name, or replace it with --force")
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
    found = tuple(sorted(judged, key=lambda repository: not repository.works))
    entries = [_entry(repository) for repository in found if repository.works]
    if target is None:
        return DiscoverOutcome(found=found)
    if not entries:
        total = counted(len(found), "repository", "repositories")
        problem = f"Nothing was written to {target}: of {total} none would work."
        return DiscoverOutcome(found=found, problem=problem)
    comment = f"Found by bench discover --search {options.search!r}: inspected without weights, not verified."
    file = write_registry(target, entries, comment=comment, force=options.force)
    return DiscoverOutcome(found=found, file=file)


discover = keywords(discover_with, DiscoverRequest, "discover")


def _judge(verification: Verification, hub: Hub, min_emotions: int) -> Discovered:
    # The client knows the facts of a commit that was verified.
    known = hub.facts(verification.id, verification.revision) if verification.revision else None
    facts = known if isinstance(known, RepoFacts) else None
    would_work = verification.status in _WOULD_WORK
    reason = verification.too_few_emotions(min_emotions) if would_work else verification.reason
    corpora = tuple(word for dataset in (facts.datasets if facts else ()) if (word := corpus_word(dataset)) is not None)
    return Discovered(
        verification=verification,
        works=reason is None,
        reason=reason,
        languages=facts.languages if facts else (),
        trained_on=corpora or None,
        downloads=facts.downloads if facts else None,
    )


def _entry(found: Discovered) -> Entry:
    verification = found.verification
    names = ", ".join(verification.emotion_classes)
    return Entry(
        id=verification.id,
        revision=verification.revision or "",
        expect=Status.REPAIRED if verification.status is Status.REPAIRED else None,
        languages=found.languages,
        datasets=found.trained_on or (),
        note=f"{len(verification.emotion_classes)} emotions: {names}",
    )
