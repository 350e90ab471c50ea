"""A run as it is compared: its leaderboard, and what each candidate answered where that is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from benchmark.results.leaderboard import Leaderboard


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
