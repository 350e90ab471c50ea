"""Which candidates and corpora of a run may be named in public, and the run without all others."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchmark.corpora.conventions import CONVENTIONS
from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.registry.locations import looks_like_path
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification

# Corpora that anybody can get; recordings in folders and tables of the user are nobody else's business.
_PUBLIC_KINDS = frozenset({*CONVENTIONS, "demo"})
_COMMIT_DIGITS = 40
# These say nothing about a model; and who is told that a repository does not exist may merely not be allowed to see it.
_SAY_NOTHING = frozenset(
    {Status.NOT_FOUND, Status.GATED, Status.UNREACHABLE, Status.SKIPPED, Status.INSPECTED, Status.TIMED_OUT}
)


@dataclass(frozen=True, kw_only=True)
class Publishable:
    """The part of a run that may be published.

    Attributes:
        record: The run, with nothing else in it; ranks are made anew from what is left.
        left_out: For everything else by its name, why.
    """

    record: RunRecord
    left_out: dict[str, str]


def publishable(record: RunRecord, *, candidates: Sequence[str] = (), corpora: Sequence[str] = ()) -> Publishable:
    """Take from a run what may be published.

    Args:
        record: The run.
        candidates: Only these, by name, id or pattern; local folders are published only where they are named here. By
            default all that come from the Hub.
        corpora: Only these; corpora in folders and tables are published only where they are named here. By default all
            that anybody can get.

    Returns:
        The part of the run, and what was left out.

    Raises:
        RequestError: A candidate or a corpus is not in the run, or nothing may be published.
    """
    left_out: dict[str, str] = {}
    chosen = [each for each in record.verifications if _may_be_named(each, candidates, left_out)]
    kept = [each for each in record.corpora if _is_open(each, corpora, left_out)]
    _require_known(candidates, [name for each in record.verifications for name in (each.candidate, each.id)])
    _require_known(corpora, [each.name for each in record.corpora])
    names, places = {each.candidate for each in chosen}, {each.name for each in kept}
    evaluations = tuple(each for each in record.evaluations if each.candidate in names and each.corpus in places)
    if not evaluations:
        told = "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "nobody was evaluated"
        raise RequestError(f"There is nothing to publish in this run: {told}.")
    return Publishable(
        record=record.model_copy(
            update={
                "verifications": tuple(chosen),
                "corpora": tuple(kept),
                "evaluations": evaluations,
                "latencies": tuple(each for each in record.latencies if each.candidate in names),
                "perturbed": (),  # what is published says nothing of robustness
                "ineligible": {name: reason for name, reason in record.ineligible.items() if name in names},
            }
        ),
        left_out=left_out,
    )


def is_on_hub(verification: Verification) -> bool:
    """Tell whether a candidate is a repository on the Hub, and no folder of the user's."""
    revision = verification.revision or ""
    return not looks_like_path(verification.id) and len(revision) == _COMMIT_DIGITS


def _may_be_named(candidate: Verification, wanted: Sequence[str], left_out: dict[str, str]) -> bool:
    if wanted:
        return any(_fits(candidate, pattern) for pattern in wanted)
    if candidate.status in _SAY_NOTHING:
        return False
    if not is_on_hub(candidate):
        left_out[candidate.candidate] = "it is a local folder; name it with -m to publish its scores"
        return False
    return True


def _fits(candidate: Verification, pattern: str) -> bool:
    names = (candidate.candidate, candidate.id)
    return any(pattern == name or fnmatchcase(name.casefold(), pattern.casefold()) for name in names)


def _is_open(corpus: CorpusRecord, wanted: Sequence[str], left_out: dict[str, str]) -> bool:
    if wanted:
        return corpus.name in wanted
    kind, _, place = corpus.source.partition(":")
    if kind in _PUBLIC_KINDS or (kind == "hf" and not looks_like_path(place)):
        return True
    left_out[corpus.name] = "it is a corpus of yours; name it with --corpus to publish scores on it"
    return False


def _require_known(wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if not any(name == each or fnmatchcase(each.casefold(), name.casefold()) for each in known):
            raise RequestError(f"The run has nothing called {name!r}{did_you_mean(name, known)}.")
