"""One number per candidate over several corpora: how far from guessing to perfect, on average over the corpora."""

from collections.abc import Sequence

import numpy as np

from benchmark.results.leaderboard import ALL_CORPORA, CorpusSummary, LeaderboardRow
from benchmark.results.verification import Verification
from benchmark.scoring.flags import Flag
from benchmark.scoring.rows import candidate_row
from benchmark.scoring.scores import above_guessing
from benchmark.scoring.seen import Seen

FEWEST_CORPORA = 2
FEWEST_EMOTIONS = 2


def shared_corpora(
    corpora: Sequence[CorpusSummary], rows: Sequence[LeaderboardRow], *, rank_seen: bool = False
) -> tuple[str, ...]:
    """List the corpora that a summary is about: on which all ranked candidates are scored, and which none has seen.

    Args:
        corpora: All corpora of the run.
        rows: Their rows, a candidate's deciding one first.
        rank_seen: Whether it does not matter that a candidate was trained on a corpus.

    Returns:
        Their names in the run's order; none where they are fewer than two, and where nobody is ranked on any.
    """
    ranked = {row.candidate for row in rows if row.rank is not None}
    if not ranked:
        return ()
    found = []
    for corpus in corpora:
        scored = {row.candidate for row in _deciding(rows, corpus.name) if _counts(row, rank_seen=rank_seen)}
        if len(corpus.emotion_clips) >= FEWEST_EMOTIONS and ranked <= scored:
            found.append(corpus.name)
    return tuple(found) if len(found) >= FEWEST_CORPORA else ()


def summary_rows(
    corpora: Sequence[CorpusSummary],
    rows: Sequence[LeaderboardRow],
    candidates: Sequence[Verification],
    *,
    rank_seen: bool = False,
) -> list[LeaderboardRow]:
    """Summarise a run over its corpora, a row per candidate with `*` as its corpus, the best first.

    Clips are never pooled. The interval follows from those of the corpora, whose speakers are other people each: its
    ends lie √Σ(θ − end)² / C from the mean (MOVER: G. Y. Zou and A. Donner, Statistics in Medicine 27, 2008).

    Args:
        corpora: All corpora of the run.
        rows: Their rows, a candidate's deciding one first.
        candidates: Those that the run evaluated.
        rank_seen: Whether a candidate that was trained on one of the corpora gets a number, too.

    Returns:
        Nothing where `shared_corpora` finds none; a candidate without a score on all of those has no number.
    """
    names = shared_corpora(corpora, rows, rank_seen=rank_seen)
    if not names:
        return []
    own = {name: {row.candidate: row for row in _deciding(rows, name)} for name in names}
    emotions = {corpus.name: len(corpus.emotion_clips) for corpus in corpora}
    summaries = [
        _summary(verification, [own[name][verification.candidate] for name in names], emotions, rank_seen=rank_seen)
        for verification in candidates
    ]
    return sorted(summaries, key=lambda row: (row.adjusted_uar is None, -(row.adjusted_uar or 0.0)))


def _summary(
    verification: Verification, own: Sequence[LeaderboardRow], emotions: dict[str, int], *, rank_seen: bool
) -> LeaderboardRow:
    flags = {flag for flag in own[0].flags if all(flag in row.flags for row in own)}
    flags |= {flag.value for flag in (Flag.INCOMPLETE, Flag.SEEN) if any(flag in row.flags for row in own)}
    row = candidate_row(verification, *(flag.value for flag in Flag if flag in flags))
    row = row.model_copy(update={"corpus": ALL_CORPORA})
    if not all(_counts(each, rank_seen=rank_seen) for each in own):
        return row
    scores = np.array([
        [above_guessing(score, emotions[each.corpus or ""]) for score in (each.uar, each.uar_low, each.uar_high)]
        for each in own
    ])  # fmt: skip
    mean = float(scores[:, 0].mean())
    below, above = (np.sqrt(((scores[:, 0] - scores[:, end]) ** 2).sum()) / len(own) for end in (1, 2))
    return row.model_copy(
        update={
            "adjusted_uar": mean,
            "adjusted_uar_low": mean - float(below),
            "adjusted_uar_high": min(mean + float(above), 1.0),
        }
    )


def _counts(row: LeaderboardRow, *, rank_seen: bool) -> bool:
    return row.uar is not None and (rank_seen or row.seen != Seen.YES)


def _deciding(rows: Sequence[LeaderboardRow], corpus: str) -> list[LeaderboardRow]:
    """The first row of each candidate on a corpus."""
    first: dict[str, LeaderboardRow] = {}
    for row in rows:
        if row.corpus == corpus:
            first.setdefault(row.candidate, row)
    return list(first.values())
