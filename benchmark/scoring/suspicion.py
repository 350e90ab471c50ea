"""Signs that a score is not what it seems: chance level, permuted labels, scores that are too good, near-twins."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import ndtri

from benchmark.results.leaderboard import CorpusSummary
from benchmark.scoring.decisions import MIN_EMOTIONS, Decisions, confusion_matrix, covered_emotions, speaker_codes
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.flags import FEW_SPEAKERS_BELOW, Flag
from benchmark.scoring.guessing import Gain
from benchmark.scoring.metrics import accuracy
from benchmark.scoring.published import corpus_names, published_bests

MIN_RECALL_RISE = 0.25
MIN_RECALL = 0.5
RISE_IN_ERRORS = float(ndtri(0.99))
"""How many standard errors, of independent clips, the recall has to rise by."""
# Of relabellings that are equally good, the one that moves fewest labels is taken.
_STAY_BONUS = 1e-9
TOO_GOOD_MARGIN = 0.05
LUCK = 0.05
"""No error at all is too good where the best published would do that more rarely."""
_LISTED_TWINS = 5


def suspicions(
    evaluation: Evaluation, corpus: CorpusSummary, twins: Mapping[str, tuple[str, ...]], gain: Gain | None
) -> dict[Flag, str]:
    """The flags that one complete evaluation raises, each with its reason; without labels none but `near-twins`."""
    reasons: dict[Flag, str] = {}
    if gain is not None:
        reasons |= _guessing(gain, evaluation)
    if evaluation.answers.scored.any():
        decisions, speakers = evaluation.decisions, evaluation.speakers
        moved = label_permutation(decisions, speakers, covered_emotions(evaluation.answers))
        if moved:
            listed = ", ".join(f"{name} → {meaning}" for name, meaning in moved.items())
            reasons[Flag.LABEL_PERMUTED] = f"its answers are right when read as {listed}."
        interval = evaluation.uar_interval
        doubt = too_good(corpus, None if interval is None else interval.low, accuracy(decisions))
        if doubt is not None:
            reasons[Flag.TOO_GOOD] = doubt
    others = twins.get(evaluation.candidate, ())
    if others:
        more = f" and {len(others) - _LISTED_TWINS} more" if len(others) > _LISTED_TWINS else ""
        reasons[Flag.NEAR_TWINS] = f"cannot be told from {', '.join(others[:_LISTED_TWINS])}{more}."
    return reasons


def _guessing(gain: Gain, evaluation: Evaluation) -> dict[Flag, str]:
    """What the clips show of a candidate against guessing, unless it is plainly better."""
    above = f"its UAR less that of giving its answers to clips at random is {gain.above_guessing:+.3f}"
    measured = (
        f"{above}, at most {gain.above_guessing_high:+.3f}; luck does as well in {100 * gain.p_value:.1f} % of cases."
    )
    reasons: dict[Flag, str] = {}
    if gain.at_chance:
        reasons[Flag.AT_CHANCE] = measured
    if gain.cannot_tell:
        reasons[Flag.CANNOT_TELL] = measured
    if gain.majority_like:
        reasons[Flag.MAJORITY_LIKE] = (
            f"its accuracy less the share of the most frequent emotion is {gain.above_majority:+.3f}, with a "
            f"lower bound of {gain.above_majority_low:+.3f}."
        )
    if gain.shown and evaluation.counts is not None and len(evaluation.counts.clips) < FEW_SPEAKERS_BELOW:
        reasons[Flag.FEW_SPEAKERS] = "it is better than guessing for these speakers; others may differ."
    return reasons


def label_permutation(decisions: Decisions, speakers: Sequence[str | None], covered: Sequence[str]) -> dict[str, str]:
    """Find labels that are interchanged: names under which the answers are right.

    The best relabelling (Hungarian, of the mean recall) is found on each half of the clips. Labels move in cycles, such
    as two that are swapped; a cycle that both halves have counts if the mean recall of its emotions, over all clips,
    rises by 0.25 to at least 0.5, and by 2.33 standard errors.

    Args:
        decisions: The open decisions.
        speakers: The speaker of each of their clips. The halves have different speakers; with fewer than six known
            speakers each half has every other clip of every emotion.
        covered: The emotions that the candidate can express; only they have a label.

    Returns:
        Name → meaning of the labels that moved; empty where the present names are as good as any.
    """
    in_second = _second_half(decisions, speakers)
    halves = [
        confusion_matrix(replace(decisions, truth=decisions.truth[half], answers=decisions.answers[half]))
        for half in (~in_second, in_second)
    ]
    known = [
        index
        for index, emotion in enumerate(decisions.emotions)
        if emotion in covered and all(half[index].any() for half in halves)
    ]
    bonus = _STAY_BONUS * np.eye(len(known))
    cycles = [_cycles(linear_sum_assignment(_recalls(half, known) + bonus, maximize=True)[1]) for half in halves]
    confusion = halves[0] + halves[1]
    recalls, clips = _recalls(confusion, known), confusion.sum(axis=1)[known]
    names = [decisions.emotions[index] for index in known]
    moved: dict[str, str] = {}
    for cycle in sorted(set(cycles[0]) & set(cycles[1])):
        own, given = list(cycle), [*cycle[1:], cycle[0]]
        after, before = recalls[own, given], recalls[own, own]
        rise = after.mean() - before.mean()
        error = np.sqrt(((after + before - (after - before) ** 2) / clips[own]).sum()) / len(own)
        if after.mean() >= MIN_RECALL and rise >= max(MIN_RECALL_RISE, RISE_IN_ERRORS * error):
            moved |= {names[label]: names[meaning] for meaning, label in zip(own, given, strict=True)}
    return moved


def _second_half(decisions: Decisions, speakers: Sequence[str | None]) -> NDArray[np.bool_]:
    codes = speaker_codes(speakers)
    if codes is not None and codes.max(initial=-1) + 1 >= FEW_SPEAKERS_BELOW:
        return np.asarray(codes % 2 == 1, dtype=np.bool_)
    second = np.zeros(len(decisions.truth), dtype=np.bool_)
    for emotion in range(len(decisions.emotions)):
        second[np.flatnonzero(decisions.truth == emotion)[1::2]] = True
    return second


def _recalls(confusion: NDArray[np.int64], known: Sequence[int]) -> NDArray[np.float64]:
    """The share of each known emotion's clips that is answered as each of them, shape (known, known)."""
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return np.asarray(shares[np.ix_(known, known)], dtype=np.float64)


def _cycles(labels: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """The cycles of a permutation that have two members and more, each from its smallest member on."""
    cycles, left = [], set(range(len(labels)))
    while left:
        cycle = [min(left)]
        while (following := int(labels[cycle[-1]])) != cycle[0]:
            cycle.append(following)
        left -= set(cycle)
        if len(cycle) > 1:
            cycles.append(tuple(cycle))
    return cycles


def too_good(corpus: CorpusSummary, uar_low: float | None, accuracy: float | None) -> str | None:
    """The reason why a score is too good to be true, in a sentence; None where there is none.

    Args:
        corpus: The corpus; one with a known name among the words of its own (`my-ravdess`), or of its source, is
            compared with the whole.
        uar_low: Lower end of the interval of the open UAR.
        accuracy: Accuracy on the same clips.
    """
    compared = corpus.compared_emotions
    bests, clips, emotions = published_bests(), sum(compared.values()), len(compared)
    names = corpus_names(corpus)
    if uar_low is None or emotions < MIN_EMOTIONS or names & bests.exempt:
        return None
    best = bests.best(names, compared)
    usual = best.among(emotions)
    held = f"{usual:.2f} for these {emotions} emotions" + (" (EmoBox)" if best.corpus else " on any corpus")
    if uar_low > best.among(emotions, best.uar + TOO_GOOD_MARGIN):
        return f"its UAR is above {uar_low:.3f}, where the best published amounts to {held}."
    if accuracy == 1.0 and usual**clips < LUCK:
        return f"not one error in {clips} clips, where the best published amounts to {held}."
    return None
