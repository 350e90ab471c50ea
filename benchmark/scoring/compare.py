"""What two runs did not have in common, and what follows for whoever compares them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.results.comparison import Change, RowChange, RunComparison, StatusChange
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.scoring.gates import numbers_of
from benchmark.scoring.paired import ComparedRun, PairedDifference, PairedScores, Pairing, paired_scores


def circumstances(old: Leaderboard, new: Leaderboard) -> tuple[str, ...]:
    """Say in sentences what makes two runs hard to compare; nothing where nothing does."""
    return (*_latency(old, new), *_versions(old, new), *_corpora(old, new), *_options(old, new))


def _latency(old: Leaderboard, new: Leaderboard) -> Iterator[str]:
    if not all(any(row.latency_p50_ms is not None for row in run.rows) for run in (old, new)):
        return
    before, after = old.environment, new.environment
    differences = [
        f"{name} {one} → {other}"
        for name, one, other in (
            ("processor", before.processor, after.processor),
            ("cores", before.cores, after.cores),
            ("platform", before.platform, after.platform),
            ("Python", before.python, after.python),
            ("threads", old.threads, new.threads),
            ("seconds a segment", old.segment_s, new.segment_s),
        )
        if one != other
    ]
    if differences:
        yield f"Latencies were not measured under the same conditions: {', '.join(differences)}."


def _versions(old: Leaderboard, new: Leaderboard) -> Iterator[str]:
    before, after = old.environment.versions, new.environment.versions
    differences = [
        f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    if differences:
        yield f"Versions differ: {', '.join(differences)}."


def _corpora(old: Leaderboard, new: Leaderboard) -> Iterator[str]:
    before = {corpus.name: corpus for corpus in old.corpora}
    after = {corpus.name: corpus for corpus in new.corpora}
    for name in sorted(before.keys() - after.keys()):
        yield f"The new run has no corpus {name}."
    for name in sorted(after.keys() - before.keys()):
        yield f"The old run has no corpus {name}."
    for name in sorted(before.keys() & after.keys()):
        yield from _corpus(before[name], after[name])


def _corpus(old: CorpusSummary, new: CorpusSummary) -> Iterator[str]:
    if old.clips != new.clips:
        yield f"{new.name} has {new.clips} clips that could be read; it had {old.clips}."
    if old.merge != new.merge:
        yield f"Other emotions of {new.name} are merged: its scores are about other classes and are not paired."
    elif old.emotion_clips.keys() != new.emotion_clips.keys():
        yield (
            f"The emotions of {new.name} are {', '.join(new.emotion_clips) or 'none'}; "
            f"they were {', '.join(old.emotion_clips) or 'none'}."
        )
    if old.channel != new.channel:
        yield f"{new.name} is heard on the channel {new.channel}; it was {old.channel}."


def _options(old: Leaderboard, new: Leaderboard) -> Iterator[str]:
    for run, word in ((old, "old"), (new, "new")):
        if run.interrupted:
            yield f"The {word} run was interrupted."
        if run.limit is not None:
            yield f"The {word} run heard at most {run.limit} clips of each corpus."


EVALUATED = "evaluated"


_PAIRED = "paired"


_UNPAIRED = "unpaired"


@dataclass(frozen=True)
class _Key:
    """What makes two rows the same row; for backend and dtype see `_by_their_successors`."""

    candidate: str
    corpus: str | None
    device: str | None
    backend: str | None
    dtype: str | None


def compare_runs(old: ComparedRun, new: ComparedRun) -> RunComparison:
    """Compare two runs.

    Differences of UAR and accuracy are paired, on the clips that both runs have, where the answers of both are known
    and both corpora have the same merges.

    Args:
        old: The run before.
        new: The run after.

    Returns:
        All rows of either, those of the new run first and in its order; without gates.
    """
    after = {_key(row): row for row in new.leaderboard.rows if row.corpus is not None}
    before = _by_their_successors({_key(row): row for row in old.leaderboard.rows if row.corpus is not None}, after)
    paired = dict(_paired(old, new))
    first = [_first_rows(run.leaderboard) for run in (old, new)]
    return RunComparison(
        old=old.title,
        new=new.title,
        old_created=old.leaderboard.created,
        new_created=new.leaderboard.created,
        warnings=(
            *circumstances(old.leaderboard, new.leaderboard),
            *_engines_changed(before, after),
            *_labels_changed(paired),
        ),
        statuses=tuple(_statuses(old.leaderboard, new.leaderboard)),
        rows=tuple(
            _row_change(
                before.get(key),
                after.get(key),
                paired.get(pairing)
                if _same_answers(before.get(key), first[0].get(pairing))
                and _same_answers(after.get(key), first[1].get(pairing))
                else None,
            )
            for key in dict.fromkeys((*after, *before))
            for pairing in [Pairing(key.candidate, key.corpus or "")]
        ),
    )


def _key(row: LeaderboardRow) -> _Key:
    return _Key(row.candidate, row.corpus, row.device, row.backend, row.dtype)


def _by_their_successors(
    before: Mapping[_Key, LeaderboardRow], after: Mapping[_Key, LeaderboardRow]
) -> dict[_Key, LeaderboardRow]:
    """Put an old row under the key of the new one that took its place, computed by another engine.

    `--backend auto` takes another engine as soon as there are clips enough for it. Where either run has several rows of
    the candidate on the corpus and the device, which belong together is not known.
    """
    places = [Counter(map(_place, rows)) for rows in (before, after)]
    successors = {_place(key): key for key in after if all(count[_place(key)] == 1 for count in places)}
    return {successors.get(_place(key), key): row for key, row in before.items()}


def _place(key: _Key) -> _Key:
    return replace(key, backend=None, dtype=None)


def _engines_changed(before: Mapping[_Key, LeaderboardRow], after: Mapping[_Key, LeaderboardRow]) -> Iterator[str]:
    changed: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for key, new in after.items():
        old = before.get(key)
        if old is not None and (old.backend, old.dtype) != (new.backend, new.dtype):
            engines = f"{old.backend} {old.dtype} → {new.backend} {new.dtype}"
            changed[engines][key.candidate] = None
    for engines, candidates in changed.items():
        yield f"Computed by another engine ({engines}), so that latencies compare the two: {', '.join(candidates)}."


def _first_rows(leaderboard: Leaderboard) -> dict[Pairing, LeaderboardRow]:
    """The deciding row of each candidate on each corpus, whose answers are those that are exported first."""
    rows: dict[Pairing, LeaderboardRow] = {}
    for row in leaderboard.rows:
        rows.setdefault(Pairing(row.candidate, row.corpus or ""), row)
    return rows


def _same_answers(row: LeaderboardRow | None, deciding: LeaderboardRow | None) -> bool:
    """Whether a row shows the scores of the deciding one, as that of another device does; bfloat16's need not."""
    if row is None or deciding is None:
        return False
    return row.uar is not None and (row.uar, row.accuracy) == (deciding.uar, deciding.accuracy)


def _paired(old: ComparedRun, new: ComparedRun) -> Iterator[tuple[Pairing, PairedScores]]:
    merges = [{corpus.name: corpus.merge for corpus in run.leaderboard.corpora} for run in (old, new)]
    for pairing, table in new.answers.items():
        other = old.answers.get(pairing)
        if other is not None and merges[0].get(pairing.corpus) == merges[1].get(pairing.corpus):
            scores = paired_scores(other, table)
            if scores.uar is not None:
                yield pairing, scores


def _labels_changed(paired: Mapping[Pairing, PairedScores]) -> Iterator[str]:
    most: dict[str, int] = {}
    for pairing, scores in paired.items():
        most[pairing.corpus] = max(most.get(pairing.corpus, 0), scores.relabelled)
    for corpus, clips in most.items():
        if clips:
            yield (
                f"{clips} clips of {corpus} mean another emotion now; paired differences hold both runs against the "
                "new labels."
            )


def _statuses(old: Leaderboard, new: Leaderboard) -> Iterator[StatusChange]:
    before, after = _status_by_candidate(old), _status_by_candidate(new)
    reasons = {each.candidate: each.reason for each in new.not_evaluated}
    for candidate in dict.fromkeys((*after, *before)):
        was, now = before.get(candidate), after.get(candidate)
        if was != now:
            yield StatusChange(candidate=candidate, old=was, new=now, reason=reasons.get(candidate))


def _status_by_candidate(leaderboard: Leaderboard) -> dict[str, str]:
    statuses = dict.fromkeys((row.candidate for row in leaderboard.rows if row.corpus is not None), EVALUATED)
    for each in leaderboard.not_evaluated:
        statuses.setdefault(each.candidate, "fallback" if each.fallback else each.status)
    return statuses


def _row_change(old: LeaderboardRow | None, new: LeaderboardRow | None, paired: PairedScores | None) -> RowChange:
    row = new or old
    if row is None:
        raise ValueError("neither run has the row")
    return RowChange(
        candidate=row.candidate,
        corpus=row.corpus,
        device=row.device,
        backend=row.backend,
        dtype=row.dtype,
        presence="both" if old is not None and new is not None else "new" if old is None else "old",
        common_clips=None if paired is None else paired.clips,
        numbers=_numbers(old, new, paired),
        latency_ratio=_latency_ratio(old, new),
        flags_came=_only_in(new, old),
        flags_went=_only_in(old, new),
        old_revision=None if old is None else old.revision,
        new_revision=None if new is None else new.revision,
    )


def _only_in(one: LeaderboardRow | None, other: LeaderboardRow | None) -> tuple[str, ...]:
    if one is None or other is None:
        return ()
    return tuple(flag for flag in one.flags if flag not in other.flags)


def _numbers(old: LeaderboardRow | None, new: LeaderboardRow | None, paired: PairedScores | None) -> dict[str, Change]:
    before = {} if old is None else numbers_of(old)
    after = {} if new is None else numbers_of(new)
    changes = {name: _change(before.get(name), after.get(name)) for name in dict.fromkeys((*after, *before))}
    if paired is not None:
        for name, difference in (("uar", paired.uar), ("accuracy", paired.accuracy)):
            if difference is not None and name in changes:
                changes[name] = _with_pairing(changes[name], difference)
    elif old is not None and new is not None:
        for name in ("uar", "accuracy"):
            if name in changes:
                changes[name] = _with_unpaired_interval(changes[name], old, new, name)
    return changes


def _change(old: float | None, new: float | None) -> Change:
    return Change(old=old, new=new, difference=None if old is None or new is None else new - old)


def _with_pairing(change: Change, found: PairedDifference) -> Change:
    return change.model_copy(
        update={"difference": found.difference, "low": found.low, "high": found.high, "how": _PAIRED}
    )


def _with_unpaired_interval(change: Change, old: LeaderboardRow, new: LeaderboardRow, name: str) -> Change:
    """The interval of a difference from the intervals of both, as if they were about different clips (MOVER)."""
    ends = [(getattr(row, f"{name}_low"), getattr(row, f"{name}_high")) for row in (old, new)]
    (old_low, old_high), (new_low, new_high) = ends
    if change.difference is None or None in (old_low, old_high, new_low, new_high):
        return change
    below = np.hypot((change.new or 0.0) - new_low, old_high - (change.old or 0.0))
    above = np.hypot(new_high - (change.new or 0.0), (change.old or 0.0) - old_low)
    return change.model_copy(
        update={
            "low": change.difference - float(below),
            "high": change.difference + float(above),
            "how": _UNPAIRED,
        }
    )


def _latency_ratio(old: LeaderboardRow | None, new: LeaderboardRow | None) -> Change | None:
    """The ratio of the medians, with an interval from those that the order of the calls gives (MOVER of logarithms)."""
    if old is None or new is None or not old.latency_p50_ms or not new.latency_p50_ms:
        return None
    ratio = new.latency_p50_ms / old.latency_p50_ms
    change = Change(old=old.latency_p50_ms, new=new.latency_p50_ms, difference=ratio - 1)
    ends = (old.latency_p50_low_ms, old.latency_p50_high_ms, new.latency_p50_low_ms, new.latency_p50_high_ms)
    if not all(ends):
        return change
    old_low, old_high, new_low, new_high = (np.log(end) for end in ends if end)
    old_median, new_median = np.log(old.latency_p50_ms), np.log(new.latency_p50_ms)
    below, above = (
        np.hypot(new_median - new_low, old_high - old_median),
        np.hypot(new_high - new_median, old_median - old_low),
    )
    return change.model_copy(
        update={
            "low": ratio * float(np.exp(-below)) - 1,
            "high": ratio * float(np.exp(above)) - 1,
            "how": _UNPAIRED,
        }
    )
