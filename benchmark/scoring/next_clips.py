"""Which clips to label next: those that separate the candidates, or a sample that scores can be estimated from.

Both take stored answers only. The table that results says in its column `CHOSEN_FOR` what its clips were chosen for:
clips that separate candidates are unlike the others, so that no score is computed from them.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from benchmark.results.leaderboard import LeaderboardRow
from benchmark.results.runs import ClipRecord
from benchmark.scoring.evaluations import CorpusEvaluations, Evaluation
from benchmark.scoring.flags import Flag, in_order
from benchmark.scoring.twins import near_twins

CHOSEN_FOR = "chosen_for"
ERROR_RATE = 0.4
"""How often a candidate is assumed to be wrong when clips are chosen."""


_KEPT = frozenset(
    (
        *("rank", "candidate", "revision", "head", "corpus", "clips", "failed_clips", "unscored_clips", "emotions"),
        *("seen", "device", "backend", "dtype", "rtfx", "load_s", "peak_memory_mb", "parameters", "size_mb"),
        *("trained_speakers", "rank_high", "may_be_best"),
    )
)
"""What rows on clips that separate candidates keep, with all columns of latency."""
_KEPT_FLAGS = frozenset(
    flag.value
    for flag in (
        *(Flag.INCOMPLETE, Flag.LATENCY_ONLY, Flag.ENSEMBLE, Flag.NO_CLIPS, Flag.NO_LABELS, Flag.NEAR_TWINS, Flag.SEEN),
        *(Flag.ADAPTED, Flag.REPAIRED, Flag.LOOSE_MAP, Flag.MULTI_LABEL, Flag.FAILED_CLIPS, Flag.FEW_SPEAKERS),
        *(Flag.OUTSIDE_LENGTH, Flag.FIXED_WINDOW, Flag.STATED_LATENCY, Flag.NOISY, Flag.LIMIT, Flag.SYNTHETIC),
    )
)


class Purpose(StrEnum):
    """What clips are chosen for."""

    PICK = "pick"
    SCORE = "score"


def separates(clips: Iterable[ClipRecord]) -> bool:
    """Whether clips of a corpus were chosen to separate candidates."""
    return any(clip.attributes.get(CHOSEN_FOR) == Purpose.PICK for clip in clips)


def without_scores(rows: Sequence[LeaderboardRow]) -> list[LeaderboardRow]:
    """Rows on clips that separate candidates, without what the clips say nothing about, most right answers first."""
    ordered = sorted(rows, key=lambda row: (row.rank is None, -(row.accuracy or 0.0)))
    kept = {name for name in LeaderboardRow.model_fields if name in _KEPT or name.startswith("latency")}
    return [
        LeaderboardRow.model_validate(
            {name: value for name, value in row.model_dump().items() if name in kept}
            | {"flags": in_order({*_KEPT_FLAGS.intersection(row.flags), Flag.SEPARATING.value})}
        )
        for row in ordered
    ]


def voters(corpus: CorpusEvaluations) -> list[Evaluation]:
    """The candidates that have answered all clips, near-twins once."""
    twins, chosen = near_twins(corpus.complete), list[Evaluation]()
    for evaluation in corpus.complete:
        if not any(other.candidate in twins.get(evaluation.candidate, ()) for other in chosen):
            chosen.append(evaluation)
    return chosen


def answer_codes(evaluations: Sequence[Evaluation]) -> NDArray[np.int64]:
    """The emotion that each candidate answers, as a number over all of their emotions, shape (clips, candidates).

    A clip that a candidate could not process has a number of its own.
    """
    classes = sorted({name for evaluation in evaluations for name in evaluation.answers.classes})
    columns = [evaluation.answers.chosen_among(classes) for evaluation in evaluations]
    return np.column_stack([np.where(column < 0, len(classes), column) for column in columns])


def separating_clips(
    answers: NDArray[np.int64], speakers: Sequence[str | None], candidates: NDArray[np.int64], number: int
) -> NDArray[np.int64]:
    """Choose the clips whose labels tell most about which candidate is the best; deterministic.

    The information that the label of a clip gives about which candidate answers rightly, where all are equally likely
    and err with `ERROR_RATE`, is the entropy of the smoothed votes less a constant (Okanovic et al., All models are
    wrong, some are useful: model selection with limited labels, AISTATS 2025). Speakers take turns, so that no speaker
    decides alone. Candidates are weighted neither by earlier labels nor by their agreement with the others, which would
    follow candidates that are related: in simulation both named the best less often.

    Args:
        answers: As of `answer_codes`.
        speakers: Of each clip.
        candidates: Indices of the clips to choose from.
        number: How many; all where there are fewer.

    Returns:
        Indices, the most telling of each speaker first.
    """
    codes = _speaker_codes(speakers, candidates)
    votes = _vote_shares(answers[candidates])
    smoothed = (1 - ERROR_RATE) * votes + ERROR_RATE / max(votes.shape[1] - 1, 1) * (1 - votes)
    information = np.round(entr(smoothed).sum(axis=1), 12)
    order = np.lexsort((-information, codes))
    turn = np.empty(len(order), dtype=np.int64)
    turn[order] = np.arange(len(order)) - np.searchsorted(codes[order], codes[order])
    return candidates[np.lexsort((candidates, -information, turn))[:number]]


def sampled_clips(
    answers: NDArray[np.int64], speakers: Sequence[str | None], candidates: NDArray[np.int64], number: int, seed: int
) -> NDArray[np.int64]:
    """Draw clips so that each has the same probability, as evenly as possible over speakers and most frequent answers.

    Systematic sampling: clips are sorted by speaker, by most frequent answer in an order that differs between speakers,
    and by chance, and every (N/n)-th is taken from a random start. The probability of each is n/N, so that plain means
    of the sample are the estimates with inverse weights. Arguments as for `separating_clips`.
    """
    generator = np.random.default_rng(seed)
    codes = _speaker_codes(speakers, candidates)
    votes = _vote_shares(answers[candidates])
    # One order for all speakers would always take the same answers, where each speaker has equally many clips.
    orders = generator.random((int(codes.max(initial=0)) + 1, votes.shape[1]))
    place = orders[codes, votes.argmax(axis=1)]
    order = np.lexsort((generator.random(len(candidates)), place, codes))
    number = min(number, len(candidates))
    places = ((np.arange(number) + generator.random()) * len(candidates) / max(number, 1)).astype(np.int64)
    return candidates[order[places]]


def _speaker_codes(speakers: Sequence[str | None], clips: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of the speakers of some clips; all that are unknown have one."""
    return np.unique([speakers[index] or "" for index in clips.tolist()], return_inverse=True)[1].astype(np.int64)


def _vote_shares(answers: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of candidates that give each answer, shape (clips, answers)."""
    classes = int(answers.max(initial=0)) + 1
    cells = np.arange(len(answers))[:, None] * classes + answers
    counts = np.bincount(cells.ravel(), minlength=len(answers) * classes).reshape(len(answers), classes)
    return np.asarray(counts / answers.shape[1], dtype=np.float64)
