"""A part of a finished run, or the same run in other words: what a report is written about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from benchmark.emotions.merges import Merges
from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.results.run import CorpusRecord, RunRecord
from benchmark.results.verification import Verification


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of a run is wanted.

    Attributes:
        models: Names, ids or patterns such as `superb/*`; none for all candidates.
        corpora: Names or patterns of corpora; none for all.
        min_emotions: Leave out the scores of candidates that distinguish fewer; None for what the run asked for.
        merge: Emotions to merge, beside those that the run merged.
    """

    models: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    min_emotions: int | None = None
    merge: Mapping[str, str] = field(default_factory=dict)


def select_from(record: RunRecord, wanted: Selection) -> RunRecord:
    """Take a part of a run; nothing is changed in the store.

    Args:
        record: The run.
        wanted: Which part.

    Returns:
        The record of a run that asked for this part only. Candidates below `min_emotions` stay in it, without scores.

    Raises:
        RequestError: A name fits nothing in the run, or the merges go round in a circle.
    """
    candidates = _chosen_candidates(record, wanted.models)
    corpora = tuple(_merged(corpus, wanted.merge) for corpus in _chosen_corpora(record, wanted.corpora))
    least = record.min_emotions if wanted.min_emotions is None else wanted.min_emotions
    too_few = {each.candidate: _too_few(each, least) for each in candidates if len(each.emotion_classes) < least}
    names = {each.candidate for each in candidates}
    scored, heard = names - set(too_few), {corpus.name for corpus in corpora}
    left_out = {name: reason for name, reason in too_few.items() if _was_evaluated(record, name)}
    return record.model_copy(
        update={
            "min_emotions": least,
            "verifications": candidates,
            "ineligible": {name: why for name, why in record.ineligible.items() if name in names} | left_out,
            "corpora": corpora,
            "evaluations": tuple(one for one in record.evaluations if one.candidate in scored and one.corpus in heard),
            "latencies": tuple(one for one in record.latencies if one.candidate in scored),
            "perturbed": tuple(one for one in record.perturbed if one.candidate in scored and one.corpus in heard),
        }
    )


def _chosen_candidates(record: RunRecord, models: Sequence[str]) -> tuple[Verification, ...]:
    found: dict[str, Verification] = {}
    for model in models:
        fitting = [each for each in record.verifications if _fits(model, each.candidate, each.id)]
        if not fitting:
            names = dict.fromkeys(name for each in record.verifications for name in (each.candidate, each.id))
            raise RequestError(f"The run has no candidate {model!r}{_hint(model, tuple(names))}")
        found |= {each.candidate: each for each in fitting}
    if not models:
        return record.verifications
    return tuple(each for each in record.verifications if each.candidate in found)


def _chosen_corpora(record: RunRecord, corpora: Sequence[str]) -> tuple[CorpusRecord, ...]:
    names = tuple(corpus.name for corpus in record.corpora)
    for wanted in corpora:
        if not any(_fits(wanted, name) for name in names):
            raise RequestError(f"The run has no corpus {wanted!r}{_hint(wanted, names)}")
    if not corpora:
        return record.corpora
    return tuple(corpus for corpus in record.corpora if any(_fits(wanted, corpus.name) for wanted in corpora))


def _fits(wanted: str, *names: str) -> bool:
    return any(wanted == name or fnmatchcase(name.casefold(), wanted.casefold()) for name in names)


def _hint(wanted: str, names: Sequence[str]) -> str:
    return did_you_mean(wanted, names) or f"; it has {', '.join(names) or 'none'}."


def _merged(corpus: CorpusRecord, merge: Mapping[str, str]) -> CorpusRecord:
    if not merge:
        return corpus
    return corpus.model_copy(update={"merge": Merges({**corpus.merge, **merge}).as_dict()})


def _too_few(verification: Verification, least: int) -> str:
    return f"It distinguishes {len(verification.emotion_classes)} emotions; at least {least} were asked for."


def _was_evaluated(record: RunRecord, candidate: str) -> bool:
    return any(one.candidate == candidate for one in record.evaluations)
