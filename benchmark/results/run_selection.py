"""How a part of a finished run is selected for a report."""

from collections.abc import Callable, Collection, Mapping
from fnmatch import fnmatchcase
from typing import Literal, TypeVar

from benchmark.emotions.merges import resolve_merges
from benchmark.errors import RequestError, did_you_mean
from benchmark.results.runs import RunRecord

_Item = TypeVar("_Item")


def select_from(
    record: RunRecord,
    *,
    models: Collection[str] = (),
    corpora: Collection[str] = (),
    min_emotions: int | None = None,
    merge: Mapping[str, str] | None = None,
) -> RunRecord:
    """Take a part of a run; nothing is changed in the cache.

    Candidates and corpora are selected by names, ids or patterns such as `superb/*`; no pattern selects all. Candidates
    that distinguish fewer than `min_emotions`, by default the run's own limit, stay without scores. `merge` is added
    to the merges of the run.

    Raises:
        RequestError: A name fits nothing in the run, or the merges go round in a circle.
    """
    candidates = _matching(record.verifications, lambda item: (item.candidate, item.id), models, "candidate")
    chosen_corpora = _matching(record.corpora, lambda item: (item.name,), corpora, "corpus")
    if merge:
        chosen_corpora = tuple(
            corpus.model_copy(update={"merge": resolve_merges({**corpus.merge, **merge})}) for corpus in chosen_corpora
        )
    least = record.min_emotions if min_emotions is None else min_emotions
    emotions = {candidate.candidate: len(candidate.emotion_classes) for candidate in candidates}
    names = {corpus.name for corpus in chosen_corpora}
    scored = {name for name, count in emotions.items() if count >= least}
    unscored = {evaluation.candidate for evaluation in record.evaluations} - scored
    ineligible = {name: reason for name, reason in record.ineligible.items() if name in emotions}
    for name, count in emotions.items():
        if name in unscored:
            ineligible[name] = f"It distinguishes {count} emotions; at least {least} were asked for."
    update = {
        "min_emotions": least,
        "verifications": candidates,
        "ineligible": ineligible,
        "corpora": chosen_corpora,
        "evaluations": tuple(item for item in record.evaluations if item.candidate in scored and item.corpus in names),
        "latencies": tuple(item for item in record.latencies if item.candidate in scored),
        "perturbed": tuple(item for item in record.perturbed if item.candidate in scored and item.corpus in names),
    }
    return record.model_copy(update=update)


def with_rare_classes(record: RunRecord, choice: Literal["keep", "drop"] | None) -> RunRecord:
    """Keep or drop the rare emotions of all corpora of a run; None leaves it as the run had it."""
    if choice is None:
        return record
    corpora = tuple(corpus.model_copy(update={"rare_classes": choice}) for corpus in record.corpora)
    return record.model_copy(update={"corpora": corpora})


def _matching(
    items: tuple[_Item, ...], names_of: Callable[[_Item], tuple[str, ...]], patterns: Collection[str], what: str
) -> tuple[_Item, ...]:
    """The items of a run that a name or pattern fits, in the run's order; all if there is no pattern."""
    if not patterns:
        return items
    matches: list[_Item] = []
    for pattern in patterns:
        fitting = [item for item in items if any(fits(pattern, name) for name in names_of(item))]
        if not fitting:
            names = tuple(dict.fromkeys(name for item in items for name in names_of(item)))
            hint = did_you_mean(pattern, names) or f"; it has {', '.join(names) or 'none'}."
            raise RequestError(f"The run has no {what} {pattern!r}{hint}")
        matches += fitting
    return tuple(item for item in items if item in matches)


def fits(pattern: str, name: str) -> bool:
    """Whether a name is a pattern such as `superb/*`, or matches it in any case."""
    return pattern == name or fnmatchcase(name.casefold(), pattern.casefold())
