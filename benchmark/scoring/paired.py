"""Two runs of one candidate on the clips that both have: paired differences of UAR and accuracy."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmark.results.leaderboard import Leaderboard
from benchmark.scoring.decisions import Decisions, count_by_speaker
from benchmark.scoring.intervals import uar_difference_interval
from benchmark.scoring.metrics import uar


@dataclass(frozen=True)
class Pairing:
    """One candidate on one corpus."""

    candidate: str
    corpus: str


@dataclass(frozen=True, eq=False, kw_only=True)
class ComparedRun:
    """One of two runs that are compared.

    Attributes:
        title: The user's name for it.
        leaderboard: Its leaderboard.
        answers: Rows of `predictions.parquet` by candidate and corpus, with at least the columns clip, clip_hash,
            emotion, speaker and predicted; empty where they are not known.
    """

    title: str
    leaderboard: Leaderboard
    answers: Mapping[Pairing, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """New − old, on the same clips.

    Attributes:
        difference: Of the fractions.
        low: Lower end of its 95 % interval; both ends are 0 where both are right on the same clips.
        high: Upper end.
    """

    difference: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class PairedScores:
    """The scores of two runs of one candidate on common clips.

    Attributes:
        clips: Scored clips that both runs have.
        relabelled: Those with another emotion in the new run; the new emotion is the truth for both.
        uar: Of the open UAR; None without common clips.
        accuracy: Of the open accuracy.
    """

    clips: int
    relabelled: int
    uar: PairedDifference | None
    accuracy: PairedDifference | None


def answers_by_pairing(table: pa.Table) -> dict[Pairing, pa.Table]:
    """Split a table of predictions by candidate and corpus.

    Of a candidate that was evaluated several times on a corpus, such as on two devices, the first answers count.
    """
    tables: dict[Pairing, pa.Table] = {}
    names = table.select(["candidate", "corpus"]).group_by(["candidate", "corpus"], use_threads=False).aggregate([])
    for row in names.to_pylist():
        pairing = Pairing(row["candidate"], row["corpus"])
        mask = pc.and_(pc.equal(table["candidate"], pairing.candidate), pc.equal(table["corpus"], pairing.corpus))
        own = table.filter(mask)
        first: dict[str | None, int] = {}
        for number, clip in enumerate(own["clip"].to_pylist()):
            first.setdefault(clip, number)
        tables[pairing] = own if len(first) == len(own) else own.take(list(first.values()))
    return tables


def paired_scores(old: pa.Table, new: pa.Table) -> PairedScores:
    """Compare two runs of one candidate clip by clip.

    Clips are matched by the hash of their audio; of a recording that a corpus has several times, the first with the
    first, and so on. The truth is that of the new run, so that a corrected label is no difference of the models.

    Args:
        old: Rows of the old run, with the columns clip_hash, emotion, speaker and predicted.
        new: Rows of the new run on the same corpus.
    """
    old_row_of = {key: row for row, key in enumerate(_keys(old["clip_hash"].to_pylist()))}
    new_emotions = new["emotion"].to_pylist()
    new_rows, old_rows = [], []
    for row, key in enumerate(_keys(new["clip_hash"].to_pylist())):
        if key in old_row_of and new_emotions[row] is not None:
            new_rows.append(row)
            old_rows.append(old_row_of[key])
    if not new_rows:
        return PairedScores(clips=0, relabelled=0, uar=None, accuracy=None)
    old, new = old.take(old_rows), new.take(new_rows)
    truth, speakers = new["emotion"].to_pylist(), new["speaker"].to_pylist()
    before, after = (_decisions(truth, table["predicted"].to_pylist()) for table in (old, new))
    return PairedScores(
        clips=len(truth),
        relabelled=sum(emotion != label for emotion, label in zip(old["emotion"].to_pylist(), truth, strict=True)),
        uar=_difference(before, after, speakers),
        accuracy=_difference(_as_one_emotion(before), _as_one_emotion(after), speakers),
    )


@dataclass(frozen=True)
class _ClipKey:
    clip_hash: str | None
    occurrence: int


def _keys(hashes: Sequence[str | None]) -> list[_ClipKey]:
    occurrences: Counter[str | None] = Counter()
    keys = []
    for clip_hash in hashes:
        keys.append(_ClipKey(clip_hash, occurrences[clip_hash]))
        occurrences[clip_hash] += 1
    return keys


def _decisions(truth: Sequence[str], predicted: Sequence[str | None]) -> Decisions:
    emotions = tuple(sorted(set(truth)))
    index: dict[str | None, int] = {emotion: number for number, emotion in enumerate(emotions)}
    return Decisions(
        emotions=emotions,
        truth=np.array([index[emotion] for emotion in truth], dtype=np.int64),
        answers=np.array([index.get(emotion, len(emotions)) for emotion in predicted], dtype=np.int64),
        confidence=np.full(len(truth), np.nan),
    )


def _as_one_emotion(decisions: Decisions) -> Decisions:
    """The decisions with all emotions as one: its UAR is the accuracy."""
    truth, wrong = np.zeros_like(decisions.truth), (~decisions.correct).astype(np.int64)
    return replace(decisions, emotions=("any",), truth=truth, answers=wrong)


def _difference(old: Decisions, new: Decisions, speakers: Sequence[str | None]) -> PairedDifference:
    if np.array_equal(old.correct, new.correct):
        return PairedDifference(difference=0.0, low=0.0, high=0.0)
    difference = (uar(new) or 0.0) - (uar(old) or 0.0)
    counts = [count_by_speaker(decisions, speakers) for decisions in (new, old)]
    interval = uar_difference_interval(new, old, *counts)
    low, high = (difference, difference) if interval is None else (interval.low, interval.high)
    return PairedDifference(difference=difference, low=low, high=high)
