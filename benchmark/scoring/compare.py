"""Two runs side by side: added, removed and changed rows and statuses, and the change of every number."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmark.results.comparison import Change, RowChange, RunComparison, StatusChange
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.scoring.gates import numbers_of
from benchmark.scoring.paired import ComparedRun, PairedScores, Pairing, paired_scores

EVALUATED = "evaluated"
_PAIRED = "paired"
_UNPAIRED = "unpaired"


@dataclass(frozen=True)
class _Key:
    """The identity of a row over two runs; for backend and dtype see `_under_new_keys`."""

    candidate: str
    corpus: str | None
    device: str | None
    backend: str | None
    dtype: str | None

    @classmethod
    def of(cls, row: LeaderboardRow) -> "_Key":
        return cls(row.candidate, row.corpus, row.device, row.backend, row.dtype)

    @property
    def without_engine(self) -> "_Key":
        return replace(self, backend=None, dtype=None)

    @property
    def pairing(self) -> Pairing:
        return Pairing(self.candidate, self.corpus or "")


def compare_runs(old: ComparedRun, new: ComparedRun) -> RunComparison:
    """Compare two runs.

    Differences of UAR and accuracy are paired, on the clips that both runs have, where the answers of both are known
    and both corpora have the same merges.

    Returns:
        All rows of either, those of the new run first and in its order; without gates.
    """
    after = _rows_by_key(new.leaderboard)
    before = _under_new_keys(_rows_by_key(old.leaderboard), after)
    paired = _paired(old, new)
    deciding = [_deciding_rows(run.leaderboard) for run in (old, new)]
    rows = []
    for key in dict.fromkeys((*after, *before)):
        old_row, new_row = before.get(key), after.get(key)
        # The paired answers are those of the deciding rows; a row with other scores has other answers.
        is_paired = _same_scores(old_row, deciding[0].get(key.pairing)) and _same_scores(
            new_row, deciding[1].get(key.pairing)
        )
        rows.append(_row_change(key, old_row, new_row, paired.get(key.pairing) if is_paired else None))
    return RunComparison(
        old=old.title,
        new=new.title,
        old_created=old.leaderboard.created,
        new_created=new.leaderboard.created,
        warnings=(
            *circumstances(old.leaderboard, new.leaderboard),
            *_engine_warnings(before, after),
            *_relabelling_warnings(paired),
        ),
        statuses=tuple(_status_changes(old.leaderboard, new.leaderboard)),
        rows=tuple(rows),
    )


def _rows_by_key(leaderboard: Leaderboard) -> dict[_Key, LeaderboardRow]:
    return {_Key.of(row): row for row in leaderboard.rows if row.corpus is not None}


def _under_new_keys(
    before: Mapping[_Key, LeaderboardRow], after: Mapping[_Key, LeaderboardRow]
) -> dict[_Key, LeaderboardRow]:
    """Put an old row under the key of the new row of the same candidate, corpus and device, on another engine.

    `--backend auto` takes another engine as soon as there are clips enough for it. Where either run has several rows of
    the candidate on the corpus and the device, it is not known which belong together.
    """
    counts = [Counter(key.without_engine for key in rows) for rows in (before, after)]
    new_keys = {key.without_engine: key for key in after if all(count[key.without_engine] == 1 for count in counts)}
    return {new_keys.get(key.without_engine, key): row for key, row in before.items()}


def _deciding_rows(leaderboard: Leaderboard) -> dict[Pairing, LeaderboardRow]:
    """The first row of each candidate on each corpus, whose answers are those that are exported first."""
    rows: dict[Pairing, LeaderboardRow] = {}
    for row in leaderboard.rows:
        rows.setdefault(_Key.of(row).pairing, row)
    return rows


def _same_scores(row: LeaderboardRow | None, deciding: LeaderboardRow | None) -> bool:
    """Whether a row shows the scores of the deciding one, as that of another device does; bfloat16's need not."""
    if row is None or deciding is None:
        return False
    return row.uar is not None and (row.uar, row.accuracy) == (deciding.uar, deciding.accuracy)


def _paired(old: ComparedRun, new: ComparedRun) -> dict[Pairing, PairedScores]:
    old_merges, new_merges = ({corpus.name: corpus.merge for corpus in run.leaderboard.corpora} for run in (old, new))
    paired = {}
    for pairing, table in new.answers.items():
        other = old.answers.get(pairing)
        if other is not None and old_merges.get(pairing.corpus) == new_merges.get(pairing.corpus):
            scores = paired_scores(other, table)
            if scores.uar is not None:
                paired[pairing] = scores
    return paired


def _row_change(
    key: _Key, old: LeaderboardRow | None, new: LeaderboardRow | None, paired: PairedScores | None
) -> RowChange:
    both = old is not None and new is not None
    return RowChange(
        candidate=key.candidate,
        corpus=key.corpus,
        device=key.device,
        backend=key.backend,
        dtype=key.dtype,
        presence="both" if both else "new" if old is None else "old",
        common_clips=None if paired is None else paired.clips,
        numbers=_numbers(old, new, paired),
        latency_ratio=_latency_ratio(old, new),
        flags_came=tuple(flag for flag in new.flags if flag not in old.flags) if old and new else (),
        flags_went=tuple(flag for flag in old.flags if flag not in new.flags) if old and new else (),
        old_revision=None if old is None else old.revision,
        new_revision=None if new is None else new.revision,
    )


def _numbers(old: LeaderboardRow | None, new: LeaderboardRow | None, paired: PairedScores | None) -> dict[str, Change]:
    before = {} if old is None else numbers_of(old)
    after = {} if new is None else numbers_of(new)
    changes = {}
    for name in dict.fromkeys((*after, *before)):
        first, second = before.get(name), after.get(name)
        difference = None if first is None or second is None else second - first
        changes[name] = Change(old=first, new=second, difference=difference)
    for name in ("uar", "accuracy"):
        if name not in changes:
            continue
        pair = None if paired is None else paired.uar if name == "uar" else paired.accuracy
        if pair is not None:
            update = {"difference": pair.difference, "low": pair.low, "high": pair.high, "how": _PAIRED}
            changes[name] = changes[name].model_copy(update=update)
        elif old is not None and new is not None:
            changes[name] = _with_unpaired_interval(changes[name], old, new, name)
    return changes


def _with_unpaired_interval(change: Change, old: LeaderboardRow, new: LeaderboardRow, name: str) -> Change:
    """The interval of a difference from the intervals of both, as if they were about different clips (MOVER)."""
    ends = [getattr(row, f"{name}_{end}") for row in (old, new) for end in ("low", "high")]
    if change.old is None or change.new is None or change.difference is None or None in ends:
        return change
    old_low, old_high, new_low, new_high = ends
    below = np.hypot(change.new - new_low, old_high - change.old)
    above = np.hypot(new_high - change.new, change.old - old_low)
    low, high = change.difference - float(below), change.difference + float(above)
    return change.model_copy(update={"low": low, "high": high, "how": _UNPAIRED})


def _latency_ratio(old: LeaderboardRow | None, new: LeaderboardRow | None) -> Change | None:
    """The ratio of the medians, with an interval from theirs, by the order of the calls (MOVER of logarithms)."""
    if old is None or new is None or not old.latency_p50_ms or not new.latency_p50_ms:
        return None
    ratio = new.latency_p50_ms / old.latency_p50_ms
    change = Change(old=old.latency_p50_ms, new=new.latency_p50_ms, difference=ratio - 1)
    ends = (old.latency_p50_low_ms, old.latency_p50_high_ms, new.latency_p50_low_ms, new.latency_p50_high_ms)
    if not all(ends):
        return change
    old_low, old_high, new_low, new_high = (np.log(end) for end in ends if end)
    old_median, new_median = np.log(old.latency_p50_ms), np.log(new.latency_p50_ms)
    below = np.hypot(new_median - new_low, old_high - old_median)
    above = np.hypot(new_high - new_median, old_median - old_low)
    low, high = ratio * float(np.exp(-below)) - 1, ratio * float(np.exp(above)) - 1
    return change.model_copy(update={"low": low, "high": high, "how": _UNPAIRED})


def _status_changes(old: Leaderboard, new: Leaderboard) -> Iterator[StatusChange]:
    before, after = _statuses(old), _statuses(new)
    reasons = {candidate.candidate: candidate.reason for candidate in new.not_evaluated}
    for candidate in dict.fromkeys((*after, *before)):
        was, now = before.get(candidate), after.get(candidate)
        if was != now:
            yield StatusChange(candidate=candidate, old=was, new=now, reason=reasons.get(candidate))


def _statuses(leaderboard: Leaderboard) -> dict[str, str]:
    statuses = dict.fromkeys((row.candidate for row in leaderboard.rows if row.corpus is not None), EVALUATED)
    for absent in leaderboard.not_evaluated:
        statuses.setdefault(absent.candidate, "fallback" if absent.fallback else absent.status)
    return statuses


def _engine_warnings(before: Mapping[_Key, LeaderboardRow], after: Mapping[_Key, LeaderboardRow]) -> Iterator[str]:
    changed: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for key, new in after.items():
        old = before.get(key)
        if old is not None and (old.backend, old.dtype) != (new.backend, new.dtype):
            changed[f"{old.backend} {old.dtype} → {new.backend} {new.dtype}"][key.candidate] = None
    for engines, candidates in changed.items():
        yield f"Computed by another engine ({engines}), so that latencies compare the two: {', '.join(candidates)}."


def _relabelling_warnings(paired: Mapping[Pairing, PairedScores]) -> Iterator[str]:
    most: dict[str, int] = {}
    for pairing, scores in paired.items():
        most[pairing.corpus] = max(most.get(pairing.corpus, 0), scores.relabelled)
    for corpus, clips in most.items():
        if clips:
            yield (
                f"{clips} clips of {corpus} mean another emotion now; paired differences hold both runs against the "
                "new labels."
            )


def circumstances(old: Leaderboard, new: Leaderboard) -> Iterator[str]:
    """Warn of differences in machine, versions, corpora and options that make two runs hard to compare."""
    before, after = old.environment, new.environment
    if all(any(row.latency_p50_ms is not None for row in run.rows) for run in (old, new)):
        conditions = [
            f"{name} {first} → {second}"
            for name, first, second in (
                ("processor", before.processor, after.processor),
                ("cores", before.cores, after.cores),
                ("platform", before.platform, after.platform),
                ("Python", before.python, after.python),
                ("threads", old.threads, new.threads),
                ("seconds a segment", old.segment_s, new.segment_s),
            )
            if first != second
        ]
        if conditions:
            yield f"Latencies were not measured under the same conditions: {', '.join(conditions)}."
    versions = [
        f"{name} {before.versions.get(name, 'none')} → {after.versions.get(name, 'none')}"
        for name in sorted({*before.versions, *after.versions})
        if before.versions.get(name) != after.versions.get(name)
    ]
    if versions:
        yield f"Versions differ: {', '.join(versions)}."
    old_corpora, new_corpora = ({corpus.name: corpus for corpus in run.corpora} for run in (old, new))
    for name in sorted(old_corpora.keys() - new_corpora.keys()):
        yield f"The new run has no corpus {name}."
    for name in sorted(new_corpora.keys() - old_corpora.keys()):
        yield f"The old run has no corpus {name}."
    for name in sorted(old_corpora.keys() & new_corpora.keys()):
        yield from _corpus_circumstances(old_corpora[name], new_corpora[name])
    for run, word in ((old, "old"), (new, "new")):
        if run.interrupted:
            yield f"The {word} run was interrupted."
        if run.limit is not None:
            yield f"The {word} run heard at most {run.limit} clips of each corpus."


def _corpus_circumstances(old: CorpusSummary, new: CorpusSummary) -> Iterator[str]:
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
