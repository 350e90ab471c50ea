"""Discovery: search the Hub, look at what is found without its weights, and say what would work."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.api.arguments import checked
from benchmark.errors import RequestError, UnavailableError
from benchmark.hub.client import SORTS, Hub, Search, SortBy
from benchmark.hub.facts import NO_STATEMENT, HubFailure, RepoFacts
from benchmark.progress import Progress, Silent
from benchmark.registry.locations import is_hub_id
from benchmark.registry.schema import Candidate, Registry
from benchmark.registry.writing import Entry, corpus_word, write_registry
from benchmark.reporting.numbers import counted
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.settings import Settings
from benchmark.verification.options import VerifyOptions
from benchmark.verification.verify import inspect_candidates

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
    """What `discover` brought.

    Attributes:
        found: All repositories that were found: those that would work first, then the order of the search.
        file: The registry that was written; None where none was asked for, or nothing could be written into it.
        problem: Why no registry was written although one was asked for; None where all is as asked.
    """

    found: tuple[Discovered, ...]
    file: Path | None = None
    problem: str | None = None


@checked
def discover(
    search: str = "emotion",
    *,
    limit: int = 200,
    languages: Sequence[str] = (),
    min_emotions: int = 2,
    sort: SortBy = "downloads",
    repair_heads: bool = True,
    write: str | Path | None = None,
    force: bool = False,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> DiscoverOutcome:
    """Search the Hub for speech-emotion models, and tell without their weights which would work.

    Args:
        search: Words in the names of repositories.
        limit: How many repositories to look at, at most.
        languages: Only repositories that declare one of these languages.
        min_emotions: How many classes one must distinguish.
        sort: What comes first: `downloads`, `likes`, `trending_score`, `last_modified` or `created_at`.
        repair_heads: Whether those whose head could be rebuilt count as working.
        write: A registry file to make of those that would work.
        force: Whether an existing file may be replaced.
        settings: Places and limits.
        progress: Who wants to hear how far the work is.

    Returns:
        What was found.

    Raises:
        RequestError: Something asked for is wrong; the message says how to fix it.
        UnavailableError: The Hub could not be searched, or the machine failed.
    """
    progress, settings = progress or Silent(), settings or Settings()
    if sort not in SORTS:
        raise RequestError(f"unknown order {sort!r}: choose one of {', '.join(SORTS)}")
    target = None if write is None else Path(write)
    if target is not None and target.exists() and not force:
        raise RequestError(f"{target} is there already; choose another name, or replace it with --force")
    hub = Hub(timeout_s=settings.hub_timeout_s)
    ids = hub.search(Search(text=search, limit=limit, languages=tuple(languages), sort=sort))
    if isinstance(ids, HubFailure):
        raise UnavailableError(f"The Hub could not be searched: {ids.reason.removesuffix(f'; {NO_STATEMENT}')}.")
    registry = Registry(title="discovered", candidates=tuple(Candidate(id=each) for each in ids if is_hub_id(each)))
    inspected = inspect_candidates(
        registry, hub=hub, settings=settings, progress=progress, options=VerifyOptions(repair_heads=repair_heads)
    )
    judged = [_judge(verification, facts, min_emotions) for verification, facts in inspected]
    found = tuple(sorted(judged, key=lambda each: not each.works))
    file, problem = None, None
    entries = [_entry(each) for each in found if each.works]
    if target is not None and not entries:
        problem = (
            f"Nothing was written to {target}: of {counted(len(found), 'repository', 'repositories')} none would work."
        )
    elif target is not None:
        comment = f"Found by bench discover --search {search!r}: inspected without weights, not verified."
        file = write_registry(target, entries, comment=comment, force=force)
    return DiscoverOutcome(found=found, file=file, problem=problem)


def _judge(verification: Verification, facts: RepoFacts | None, min_emotions: int) -> Discovered:
    emotions = len(verification.emotion_classes)
    reason: str | None = verification.reason
    if verification.status in _WOULD_WORK:
        few = f"It distinguishes {emotions} emotions; at least {min_emotions} were asked for."
        reason = None if emotions >= min_emotions else few
    corpora = tuple(word for each in (facts.datasets if facts else ()) if (word := corpus_word(each)) is not None)
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
