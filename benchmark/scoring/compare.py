"""Two runs side by side: added, removed and changed rows and statuses, and the change of every number."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmark.results.comparison import Change, RowChange, RunComparison, StatusChange
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow, deciding_rows
from benchmark.scoring.flags import Flag
from benchmark.scoring.gates import numbers_of
from benchmark.scoring.paired import ComparedRun, PairedScores, Pairing, paired_scores
from benchmark.scoring.signature import signature_difference

EVALUATED = "evaluated"
_WITH_INTERVAL = ("uar", "accuracy")
_IDENTITY = ("candidate", "corpus", "device", "backend", "dtype")
_UNPAIRED = "unpaired"
_REFERENCE = "reference"


@dataclass(frozen=True)
class _Key:
    """The identity of a row over two runs; for backend and dtype see `_under_new_keys`."""

    candidate: str
    corpus: str
    device: str | None
    backend: str | None
    dtype: str | None

    @property
    def without_engine(self) -> "_Key":
        return replace(self, backend=None, dtype=None)


def compare_runs(old: ComparedRun, new: ComparedRun) -> RunComparison:
    """Compare two runs.

    Differences of UAR and accuracy are paired, on the clips that both runs have, where the answers of both are known
    and both corpora have the same merges. Rows of the new run come first; gates are not judged.
    """
    after = _rows_by_key(new.leaderboard)
    before = _under_new_keys(_rows_by_key(old.leaderboard), after)
    paired = _paired(old, new)
    old_deciding, new_deciding = (deciding_rows(run.leaderboard.rows) for run in (old, new))
    same_reference = _has_same_reference(old.leaderboard, new.leaderboard)
    rows = []
    for key in dict.fromkeys((*after, *before)):
        pairing = (key.candidate, key.corpus)
        # The paired answers are those of the deciding rows; a row with other scores has other answers.
        is_paired = _same_scores(before.get(key), old_deciding.get(pairing)) and _same_scores(
            after.get(key), new_deciding.get(pairing)
        )
        row = _row_change(before.get(key), after.get(key), paired.get(pairing) if is_paired else None)
        rows.append(_with_latency(row, before.get(key), after.get(key), same_reference=same_reference))
    return RunComparison(
        old=old.title,
        new=new.title,
        old_created=old.leaderboard.created,
        new_created=new.leaderboard.created,
        gaps=tuple(
            f"The {word} run is incomplete: {run.leaderboard.gaps}."
            for word, run in (("old", old), ("new", new))
            if not run.leaderboard.complete
        ),
        warnings=(
            *_circumstances(old.leaderboard, new.leaderboard),
            *_signature_warnings(before, after),
            *_engine_warnings(before, after),
            *_relabelling_warnings(paired),
        ),
        statuses=tuple(_status_changes(old.leaderboard, new.leaderboard)),
        rows=tuple(rows),
    )


def _rows_by_key(leaderboard: Leaderboard) -> dict[_Key, LeaderboardRow]:
    return {
        _Key(row.candidate, row.corpus, row.device, row.backend, row.dtype): row
        for row in leaderboard.rows
        if row.corpus is not None
    }


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


def _same_scores(row: LeaderboardRow | None, deciding: LeaderboardRow | None) -> bool:
    """Whether a row shows the scores of the deciding one, as that of another device does; bfloat16's need not."""
    if row is None or deciding is None:
        return False
    return row.uar is not None and (row.uar, row.accuracy) == (deciding.uar, deciding.accuracy)


def _paired(old: ComparedRun, new: ComparedRun) -> dict[Pairing, PairedScores]:
    old_merges, new_merges = ({corpus.name: corpus.merge for corpus in run.leaderboard.corpora} for run in (old, new))
    paired = {}
    for pairing, answers in new.answers.items():
        if pairing in old.answers and old_merges.get(pairing[1]) == new_merges.get(pairing[1]):
            scores = paired_scores(old.answers[pairing], answers)
            if scores.changes:
                paired[pairing] = scores
    return paired


def _row_change(old: LeaderboardRow | None, new: LeaderboardRow | None, paired: PairedScores | None) -> RowChange:
    before, after = ({} if row is None else numbers_of(row) for row in (old, new))
    numbers = {}
    for name in dict.fromkeys((*after, *before)):
        change = Change(old=before.get(name), new=after.get(name))
        if change.old is not None and change.new is not None:
            change = change.model_copy(update={"difference": change.new - change.old})
        if paired is not None and name in paired.changes:
            change = paired.changes[name].model_copy(update={"old": change.old, "new": change.new})
        elif name in _WITH_INTERVAL and old is not None and new is not None:
            change = _with_unpaired_interval(change, old, new, name)
        numbers[name] = change
    update: dict[str, object] = {
        "presence": "new" if old is None else "old" if new is None else "both",
        "common_clips": None if paired is None else paired.clips,
        "numbers": numbers,
        "old_revision": None if old is None else old.revision,
        "new_revision": None if new is None else new.revision,
    }
    if old is not None and new is not None:
        update["flags_came"] = tuple(flag for flag in new.flags if flag not in old.flags)
        update["flags_went"] = tuple(flag for flag in old.flags if flag not in new.flags)
    identity = {name: getattr(new or old, name) for name in _IDENTITY}
    return RowChange.model_validate(identity | update)


def _with_latency(
    row: RowChange, old: LeaderboardRow | None, new: LeaderboardRow | None, *, same_reference: bool
) -> RowChange:
    if old is None or new is None:
        return row
    ratio = latency_change(old, new, same_reference=same_reference)
    noisy = ratio is not None and any(Flag.NOISY in flagged.flags for flagged in (old, new))
    return row.model_copy(update={"latency_ratio": ratio, "noisy": noisy})


def _with_unpaired_interval(change: Change, old: LeaderboardRow, new: LeaderboardRow, name: str) -> Change:
    """The interval of a difference from the intervals of both, as if they were about different clips (MOVER)."""
    ends = [[getattr(row, f"{name}{end}") for end in ("", "_low", "_high")] for row in (old, new)]
    if change.difference is None or None in (*ends[0], *ends[1]):
        return change
    below, above = _mover(np.array(ends))
    update = {"low": change.difference - below, "high": change.difference + above, "how": _UNPAIRED}
    return change.model_copy(update=update)


def latency_change(old: LeaderboardRow, new: LeaderboardRow, *, same_reference: bool) -> Change | None:
    """The change of the ratios to the reference workload, or else of the medians, with an interval from theirs.

    The interval is that of two independent runs (MOVER of logarithms).
    """
    names, how = ("latency_p50_ms", "latency_p50_low_ms", "latency_p50_high_ms"), _UNPAIRED
    if same_reference and old.latency_ratio and new.latency_ratio:
        names, how = ("latency_ratio", "latency_ratio_low", "latency_ratio_high"), _REFERENCE
    before, after = ([getattr(row, name) for name in names] for row in (old, new))
    if not before[0] or not after[0]:
        return None
    ratio = after[0] / before[0]
    change = Change(old=before[0], new=after[0], difference=ratio - 1, how=how)
    if not all((*before, *after)):
        return change
    below, above = _mover(np.log(np.array([before, after], dtype=np.float64)))
    low, high = ratio * float(np.exp(-below)) - 1, ratio * float(np.exp(above)) - 1
    return change.model_copy(update={"low": low, "high": high})


def _has_same_reference(old: Leaderboard, new: Leaderboard) -> bool:
    """Whether the reference workload computes the same in both runs: library, threads and length of the segments."""
    torch = [run.environment.versions.get("torch") for run in (old, new)]
    return torch[0] == torch[1] and (old.threads, old.segment_s) == (new.threads, new.segment_s)


def _mover(estimates: NDArray[np.float64]) -> tuple[float, float]:
    """How far the interval of new − old reaches below and above it.

    Args:
        estimates: Shape (2, 3): of the old and of the new run the estimate, and the ends of its interval.
    """
    (old, old_low, old_high), (new, new_low, new_high) = estimates.tolist()
    return math.hypot(new - new_low, old_high - old), math.hypot(new_high - new, old - old_low)


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


def _signature_warnings(before: Mapping[_Key, LeaderboardRow], after: Mapping[_Key, LeaderboardRow]) -> Iterator[str]:
    """Say where scores do not have the same signature, so that only what is paired may be compared."""
    differences: dict[tuple[str, str, str], None] = {}
    for key in before.keys() & after.keys():
        old, new = before[key].signature, after[key].signature
        if old is not None and new is not None and old != new:
            differences[key.corpus, *signature_difference(old, new)] = None
    for corpus, old, new in sorted(differences):
        yield (
            f"Scores on {corpus} have different signatures and may not be compared with each other, only what is "
            f"paired: the old one alone has {old or 'nothing'}, the new one {new or 'nothing'}."
        )


def _relabelling_warnings(paired: Mapping[Pairing, PairedScores]) -> Iterator[str]:
    most: dict[str, int] = {}
    for (_, corpus), scores in paired.items():
        most[corpus] = max(most.get(corpus, 0), scores.relabelled)
    for corpus, clips in most.items():
        if clips:
            yield (
                f"{clips} clips of {corpus} mean another emotion now; paired differences hold both runs against the "
                "new labels."
            )


def _circumstances(old: Leaderboard, new: Leaderboard) -> Iterator[str]:
    """Warn of differences in machine, versions, corpora and options that make two runs hard to compare."""
    conditions = _differences(_conditions(old), _conditions(new), _conditions(new))
    if conditions and all(any(row.latency_p50_ms is not None for row in run.rows) for run in (old, new)):
        yield f"Latencies were not measured under the same conditions: {conditions}."
    before, after = old.environment.versions, new.environment.versions
    versions = _differences(before, after, sorted({*before, *after}))
    if versions:
        yield f"Versions differ: {versions}."
    old_corpora, new_corpora = ({corpus.name: corpus for corpus in run.corpora} for run in (old, new))
    for name in sorted(old_corpora.keys() - new_corpora.keys()):
        yield f"The new run has no corpus {name}."
    for name in sorted(new_corpora.keys() - old_corpora.keys()):
        yield f"The old run has no corpus {name}."
    for name in sorted(old_corpora.keys() & new_corpora.keys()):
        yield from _corpus_circumstances(old_corpora[name], new_corpora[name])
    for run, word in ((old, "old"), (new, "new")):
        if run.limit is not None:
            yield f"The {word} run heard at most {run.limit} clips of each corpus."


def _conditions(run: Leaderboard) -> dict[str, object]:
    return {
        "processor": run.environment.processor,
        "cores": run.environment.cores,
        "platform": run.environment.platform,
        "Python": run.environment.python,
        "threads": run.threads,
        "seconds a segment": run.segment_s,
    }


def _differences(before: Mapping[str, object], after: Mapping[str, object], names: Iterable[str]) -> str:
    return ", ".join(
        f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}"
        for name in names
        if before.get(name) != after.get(name)
    )


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
