"""The difference of two runs of one candidate on the clips that both have: paired, by the jackknife over speakers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmark.results.leaderboard import Leaderboard
from benchmark.scoring.decisions import Decisions, SpeakerCounts, count_by_speaker
from benchmark.scoring.metrics import uar
from benchmark.scoring.robustness import loss_interval


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """New − old, on the same clips.

    Attributes:
        difference: Of the fractions.
        low: Lower end of its 95 % interval; both ends are 0 where not one answer differs.
        high: Upper end.
    """

    difference: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class PairedScores:
    """What two runs say of one candidate on common clips.

    Attributes:
        clips: Scored clips that both runs have.
        relabelled: How many of them have another emotion in the new run; both runs are held against the new one.
        uar: Of the open UAR; None without common clips.
        accuracy: Of the open accuracy.
    """

    clips: int
    relabelled: int
    uar: PairedDifference | None
    accuracy: PairedDifference | None


@dataclass(frozen=True, eq=False)
class _Counted:
    """Decisions with the speakers of their clips, as intervals want them."""

    decisions: Decisions
    speakers: Sequence[str | None]

    @cached_property
    def counts(self) -> SpeakerCounts | None:
        return count_by_speaker(self.decisions, self.speakers)


def paired_scores(old: pa.Table, new: pa.Table) -> PairedScores:
    """Hold two runs of one candidate against each other, clip by clip.

    Clips belong together by the hash of their audio; of a recording that a corpus has several times, the first with the
    first, and so on. What is right is what the new run says, so that a corrected label is no difference of the models.

    Args:
        old: Rows of the old run, with the columns clip_hash, emotion, speaker and predicted.
        new: Rows of the new run on the same corpus.
    """
    columns = {name: {key: table[name].to_pylist() for key, table in (("old", old), ("new", new))} for name in _COLUMNS}
    places = {key: place for place, key in enumerate(_keys(columns["clip_hash"]["old"]))}
    pairs = [
        (places[key], place)
        for place, key in enumerate(_keys(columns["clip_hash"]["new"]))
        if key in places and columns["emotion"]["new"][place] is not None
    ]
    before, after = [one for one, _ in pairs], [other for _, other in pairs]
    truth = [columns["emotion"]["new"][place] for place in after]
    was = [columns["emotion"]["old"][place] for place in before]
    speakers = [columns["speaker"]["new"][place] for place in after]
    said_before = [columns["predicted"]["old"][place] for place in before]
    said_after = [columns["predicted"]["new"][place] for place in after]
    if not pairs:
        return PairedScores(clips=0, relabelled=0, uar=None, accuracy=None)
    old_decisions, new_decisions = _decisions(truth, said_before), _decisions(truth, said_after)
    return PairedScores(
        clips=len(pairs),
        relabelled=sum(one != other for one, other in zip(was, truth, strict=True)),
        uar=_difference(old_decisions, new_decisions, speakers),
        accuracy=_difference(_right_or_wrong(old_decisions), _right_or_wrong(new_decisions), speakers),
    )


_COLUMNS = ("clip_hash", "emotion", "speaker", "predicted")


@dataclass(frozen=True)
class _Key:
    clip_hash: str | None
    occurrence: int


def _keys(hashes: Sequence[str | None]) -> list[_Key]:
    met: Counter[str | None] = Counter()
    keys = []
    for clip_hash in hashes:
        keys.append(_Key(clip_hash, met[clip_hash]))
        met[clip_hash] += 1
    return keys


def _decisions(truth: Sequence[str], said: Sequence[str | None]) -> Decisions:
    emotions = tuple(sorted(set(truth)))
    place: dict[str | None, int] = {emotion: number for number, emotion in enumerate(emotions)}
    return Decisions(
        emotions=emotions,
        truth=np.array([place[emotion] for emotion in truth], dtype=np.int64),
        answers=np.array([place.get(emotion, len(emotions)) for emotion in said], dtype=np.int64),
        confidence=np.full(len(truth), np.nan),
    )


def _right_or_wrong(decisions: Decisions) -> Decisions:
    """The same with all emotions as one: its UAR is the accuracy."""
    nothing: NDArray[np.int64] = np.zeros(len(decisions.truth), dtype=np.int64)
    return Decisions(
        emotions=("any",),
        truth=nothing,
        answers=np.where(decisions.correct, 0, 1).astype(np.int64),
        confidence=decisions.confidence,
    )


def _difference(old: Decisions, new: Decisions, speakers: Sequence[str | None]) -> PairedDifference:
    difference = (uar(new) or 0.0) - (uar(old) or 0.0)
    if np.array_equal(old.correct, new.correct):
        return PairedDifference(difference=0.0, low=0.0, high=0.0)
    interval = loss_interval(_Counted(new, speakers), _Counted(old, speakers))
    low, high = (difference, difference) if interval is None else (interval.low, interval.high)
    return PairedDifference(difference=difference, low=low, high=high)


@dataclass(frozen=True)
class Pairing:
    """One candidate on one corpus."""

    candidate: str
    corpus: str


@dataclass(frozen=True, eq=False, kw_only=True)
class ComparedRun:
    """One of two runs.

    Attributes:
        title: How the user named it.
        leaderboard: Its leaderboard.
        answers: Rows of `predictions.parquet` by candidate and corpus, with at least the columns clip, clip_hash,
            emotion, speaker and predicted; empty where they are not known.
    """

    title: str
    leaderboard: Leaderboard
    answers: Mapping[Pairing, pa.Table] = field(default_factory=dict)


def answers_by_pairing(table: pa.Table) -> dict[Pairing, pa.Table]:
    """Take a table of predictions apart.

    Of a candidate that was evaluated several times on a corpus, such as on two devices, the first answers count.

    Args:
        table: Rows of `predictions.parquet`.
    """
    found: dict[Pairing, pa.Table] = {}
    names = table.select(["candidate", "corpus"]).group_by(["candidate", "corpus"], use_threads=False).aggregate([])
    for row in names.to_pylist():
        pairing = Pairing(row["candidate"], row["corpus"])
        wanted = pc.and_(pc.equal(table["candidate"], pairing.candidate), pc.equal(table["corpus"], pairing.corpus))
        found[pairing] = _first_of_each_clip(table.filter(wanted))
    return found


def _first_of_each_clip(table: pa.Table) -> pa.Table:
    first: dict[str | None, int] = {}
    for place, clip in enumerate(table["clip"].to_pylist()):
        first.setdefault(clip, place)
    return table if len(first) == len(table) else table.take(list(first.values()))
