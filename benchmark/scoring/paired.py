"""Two runs of one candidate on the clips that both have: paired differences of UAR and accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from benchmark.results.comparison import Change
from benchmark.results.leaderboard import Leaderboard
from benchmark.scoring.compared_clips import compared_truth
from benchmark.scoring.decisions import Decisions, count_by_speaker, uar
from benchmark.scoring.intervals import uar_difference_interval

if TYPE_CHECKING:
    import pandas as pd

Pairing = tuple[str, str]
"""A candidate and a corpus."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ComparedRun:
    """One of two runs that are compared.

    Attributes:
        title: The user's name for it.
        answers: Rows of `predictions.parquet` by candidate and corpus, with at least the columns clip_hash, emotion,
            speaker and predicted; empty where they are not known.
    """

    title: str
    leaderboard: Leaderboard
    answers: Mapping[Pairing, "pd.DataFrame"] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PairedScores:
    """The scores of two runs of one candidate on common clips.

    Attributes:
        clips: Scored clips that both runs have, as far as intervals rest on them.
        relabelled: Those with another emotion in the new run; the new emotion is the truth for both.
        changes: New − old of the open `uar` and `accuracy`; nothing without common clips.
    """

    clips: int = 0
    relabelled: int = 0
    changes: Mapping[str, Change] = field(default_factory=dict)


def answers_by_pairing(table: pa.Table) -> dict[Pairing, "pd.DataFrame"]:
    """Split a table of predictions by candidate and corpus.

    Of a candidate that was evaluated several times on a corpus, such as on two devices, the first answers count.
    """
    # A notebook that has rewritten the file may have made categories of the texts.
    plain = [field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in table.schema]
    pairs = table.cast(pa.schema(plain)).to_pandas().groupby(["candidate", "corpus"], sort=False)
    return {(candidate, corpus): answers.drop_duplicates("clip") for (candidate, corpus), answers in pairs}


def paired_scores(old: "pd.DataFrame", new: "pd.DataFrame") -> PairedScores:
    """Compare two runs of one candidate clip by clip.

    Clips are matched by the hash of their audio; of a recording that a corpus has several times, the first with the
    first, and so on. The truth is that of the new run, so that a corrected label is no difference of the models.
    """
    old, new = (rows.assign(occurrence=rows.groupby("clip_hash", dropna=False).cumcount()) for rows in (old, new))
    common = new.dropna(subset="emotion").merge(old, on=["clip_hash", "occurrence"], suffixes=("", "_before"))
    if common.empty:
        return PairedScores()
    speakers = [speaker if isinstance(speaker, str) else None for speaker in common["speaker"]]
    compared = [emotion is not None for emotion in compared_truth(common["emotion"].tolist(), speakers)]
    common, speakers = common[compared], list(compress(speakers, compared))
    truth = common["emotion"].tolist()
    before, after = (_decisions(truth, common[name].tolist()) for name in ("predicted_before", "predicted"))
    return PairedScores(
        clips=len(common),
        relabelled=int((common["emotion"] != common["emotion_before"]).sum()),
        changes={
            "uar": _change(before, after, speakers),
            "accuracy": _change(_as_one_emotion(before), _as_one_emotion(after), speakers),
        },
    )


def _decisions(truth: Sequence[str], predicted: Sequence[str]) -> Decisions:
    emotions = tuple(sorted(set(truth)))
    index = {emotion: number for number, emotion in enumerate(emotions)}
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


def _change(old: Decisions, new: Decisions, speakers: Sequence[str | None]) -> Change:
    """The difference of UAR with its interval, whose ends are 0 where both are right on the same clips."""
    if np.array_equal(old.correct, new.correct):
        return Change(difference=0.0, low=0.0, high=0.0, how="paired")
    difference = (uar(new) or 0.0) - (uar(old) or 0.0)
    counts = [count_by_speaker(decisions, speakers) for decisions in (new, old)]
    interval = uar_difference_interval(new, old, *counts)
    low, high = (difference, difference) if interval is None else (interval.low, interval.high)
    return Change(difference=difference, low=low, high=high, how="paired")
