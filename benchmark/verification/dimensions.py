"""Candidates that rate arousal, valence or dominance, where these are wanted: what speaks against them."""

from collections.abc import Sequence

from benchmark.hub.repository_facts import HubFailure
from benchmark.results.dimensions import DIMENSIONS, rated_by
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.labels import named
from benchmark.verification.record import CandidateRecord

NO_PROGRAMS = HubFailure(
    Status.SKIPPED, "--dimensions measures checkpoints and tables of answers; a program was not started."
)
NAMES_EMOTIONS = "It does not rate arousal, valence or dominance, and --dimensions measures only candidates that do."
# What is held against a candidate as a classifier, and says nothing against its ratings.
_OF_CLASSIFIERS = frozenset({Status.DIMENSIONAL, Status.UNNAMED_LABELS, Status.NOT_EMOTION})


def turn_to_ratings(record: CandidateRecord, labels: Sequence[str]) -> None:
    """Keep of the findings of an inspection those that speak against a candidate that rates dimensions.

    A candidate that does not rate any, and against which nothing else speaks, is skipped.
    """
    rating = next((finding for finding in record.findings if finding.status is Status.DIMENSIONAL), None)
    others = [finding for finding in record.findings if finding.status not in _OF_CLASSIFIERS]
    if rating is None and not others:
        record.failure = HubFailure(Status.SKIPPED, NAMES_EMOTIONS)
    if rating is None:
        return
    record.rating, record.findings = rating, others
    if not rated_by(labels):
        record.findings.append(unnamed(labels))


def unnamed(labels: Sequence[str]) -> Finding:
    """The finding that no output says what it rates."""
    reason = (
        f"Its outputs ({named(tuple(labels))}) are not called {', '.join(DIMENSIONS[:-1])} or {DIMENSIONS[-1]}, or two "
        "are called the same: which is which would be a guess."
    )
    return Finding(status=Status.UNNAMED_LABELS, reason=reason)
