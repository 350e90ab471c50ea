"""Whether answers depend on the clips at all: permutation tests within speakers, and the gain over guessing.

Answers that are interchanged among the clips of each speaker keep every habit of the candidate and of the speakers, and
lose what was heard. If the UAR of the answers as they are is nothing special among those of interchanged ones, the
clips do not show that the candidate is better than guessing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmark.scoring.decisions import (
    MIN_EMOTIONS,
    Decisions,
    SpeakerCounts,
    confusion_matrix,
    count_by_speaker,
    speaker_codes,
    unweighted_average_recall,
)
from benchmark.scoring.intervals import (
    BOOTSTRAP_DRAWS,
    BOOTSTRAP_SEED,
    NO_SPREAD,
    TAIL,
    critical_t,
    equivalent_clips,
    jackknife_error,
    leave_one_out_accuracy,
    leave_one_out_uar,
    speakers_can_be_left_out,
    wilson_interval,
)

SIGNIFICANCE = 0.025
"""One-sided, as the ends of 95 % intervals are."""
LARGE_GAIN = 0.10
"""Below this a gain over guessing is too small to matter."""
PERMUTATIONS = 199
_CLIPS_AT_ONCE = 8192
_SEED = 20_261_130


@dataclass(frozen=True, eq=False, kw_only=True)
class Gain:
    """How far a candidate is above answers that do not depend on the clip, with ends of 95 % intervals.

    Attributes:
        uar: Open UAR.
        by_luck: The same of interchanged answers, shape (permutations,), interchanged alike for all candidates.
        above_guessing: UAR − (1/K) · the share of answers that are one of the K emotions: 0 for answers that do not
            depend on the clip, however they are distributed.
        above_majority: Accuracy − the share of the most frequent emotion.
    """

    uar: float
    by_luck: NDArray[np.float64]
    above_guessing: float
    above_guessing_high: float
    above_majority: float
    above_majority_low: float

    @property
    def p_value(self) -> float:
        """How often interchanged answers have at least its UAR, its own answers among them."""
        return _p_value(self.by_luck, self.uar)

    @property
    def shown(self) -> bool:
        """Whether the clips show that it is better than guessing."""
        return self.p_value <= SIGNIFICANCE

    @property
    def at_chance(self) -> bool:
        """Whether it is not shown to be better than guessing, and is not much better in any case."""
        return not self.shown and self.above_guessing_high < LARGE_GAIN

    @property
    def cannot_tell(self) -> bool:
        """Whether it may be guessing and may be much better: too few clips to tell."""
        return not self.shown and not self.at_chance

    @property
    def majority_like(self) -> bool:
        """Whether it is shown to be better neither than guessing nor than always the most frequent emotion."""
        return not self.shown and self.above_majority_low <= NO_SPREAD


def p_of_best(gains: Sequence[Gain]) -> float | None:
    """How often the best of several candidates does as well by luck, each in units of its own deviation.

    P. H. Westfall and S. S. Young, Resampling-Based Multiple Testing (1993): the maximum over candidates.

    Args:
        gains: On the same clips.

    Returns:
        None without candidates.
    """
    if not gains:
        return None
    by_luck = np.stack([gain.by_luck for gain in gains])
    centre, spread = by_luck.mean(axis=1), by_luck.std(axis=1)
    varied = spread > NO_SPREAD
    if not varied.any():
        return 1.0
    own = np.array([gain.uar for gain in gains])
    best = ((own - centre)[varied] / spread[varied]).max()
    return _p_value(((by_luck - centre[:, None])[varied] / spread[varied, None]).max(axis=0), float(best))


def _p_value(by_luck: NDArray[np.float64], own: float) -> float:
    return float((1 + (by_luck >= own - NO_SPREAD).sum()) / (1 + len(by_luck)))


def interchange(truth: NDArray[np.int64], speakers: Sequence[str | None]) -> NDArray[np.uint8]:
    """Interchange the emotions of the clips of each speaker at random, shape (permutations, clips).

    Where the speaker of a clip is unknown, those of all clips are.
    """
    codes = speaker_codes(speakers)
    order = np.arange(len(truth)) if codes is None else np.argsort(codes, kind="stable")
    limits = [0, len(truth)] if codes is None else [0, *np.bincount(codes).cumsum().tolist()]
    generator = np.random.default_rng(_SEED)
    interchanged = np.empty((PERMUTATIONS, len(truth)), dtype=np.uint8)
    for start, end in pairwise(limits):
        own = order[start:end]
        rows = np.broadcast_to(truth[own].astype(np.uint8), (PERMUTATIONS, len(own)))
        interchanged[:, own] = generator.permuted(rows, axis=1)
    return interchanged


def uars_by_luck(
    truth: NDArray[np.int64], answers: NDArray[np.uint8], speakers: Sequence[str | None]
) -> NDArray[np.float64]:
    """Open UARs where the emotions of the clips of each speaker are interchanged, alike for all candidates.

    Args:
        truth: Index of each clip's emotion, shape (clips,); every emotion has a clip.
        answers: Shape (candidates, clips).
        speakers: The speaker of each clip.

    Returns:
        Shape (candidates, permutations).
    """
    emotions, interchanged = int(truth.max()) + 1, interchange(truth, speakers)
    hits = np.zeros((len(answers), PERMUTATIONS, emotions), dtype=np.int64)
    for start in range(0, len(truth), _CLIPS_AT_ONCE):  # exact in float32, and ten times as fast as integers
        at_once = slice(start, start + _CLIPS_AT_ONCE)
        for emotion in range(emotions):
            own, mixed = (values[:, at_once] == emotion for values in (answers, interchanged))
            hits[..., emotion] += (own.astype(np.float32) @ mixed.T.astype(np.float32)).astype(np.int64)
    return unweighted_average_recall(hits, np.bincount(truth, minlength=emotions))


def gain(
    decisions: Decisions, speakers: Sequence[str | None], by_luck: NDArray[np.float64] | None = None
) -> Gain | None:
    """Compare a candidate with guessing and with the majority; None below two emotions.

    Intervals as for the scores: the jackknife over speakers with Student's t where speakers can be left out, else a
    bootstrap over the clips of each emotion; where nothing varies, Wilson's bound of the score. One answer to all clips
    gains exactly nothing.

    Args:
        decisions: The open decisions.
        speakers: The speaker of each of their clips.
        by_luck: What `uars_by_luck` makes of the candidate, where it is known.

    Examples:
        >>> always_the_first = Decisions(emotions=("anger", "fear"), truth=np.array([0, 0, 0, 1] * 5),
        ...     answers=np.zeros(20, dtype=np.int64), confidence=np.ones(20))
        >>> gain(always_the_first, [f"s{clip // 4}" for clip in range(20)]).majority_like
        True
    """
    emotions = len(decisions.emotions)
    if emotions < MIN_EMOTIONS:
        return None
    confusion = confusion_matrix(decisions)
    hits, clips, inside = np.diagonal(confusion), confusion.sum(axis=1), confusion[:, :-1].sum(axis=1)
    # Answers that are one of the emotions, counted as the hits of decisions that are right wherever they are one.
    covered = replace(decisions, answers=np.where(decisions.answers < emotions, decisions.truth, emotions))
    right, within = count_by_speaker(decisions, speakers), count_by_speaker(covered, speakers)
    uar, right_share = float(unweighted_average_recall(hits, clips)), float(hits.sum() / clips.sum())
    guessed, majority = float(inside.sum() / clips.sum()) / emotions, float(clips.max() / clips.sum())
    if right is not None and within is not None and speakers_can_be_left_out(right.clips):
        high, majority_low = _jackknife_ends(right, within)
    else:
        high, majority_low = _bootstrap_ends(hits, clips, inside)
    if (decisions.answers == decisions.answers[0]).all():
        high = uar - guessed
    elif high is None:
        high = wilson_interval(uar, equivalent_clips(clips)).high - guessed
    if majority_low is None:
        majority_low = wilson_interval(right_share, float(clips.sum())).low - majority
    return Gain(
        uar=uar,
        by_luck=_own_luck(decisions, speakers) if by_luck is None else by_luck,
        above_guessing=uar - guessed,
        above_guessing_high=high,
        above_majority=right_share - majority,
        above_majority_low=majority_low,
    )


def _own_luck(decisions: Decisions, speakers: Sequence[str | None]) -> NDArray[np.float64]:
    return np.asarray(uars_by_luck(decisions.truth, decisions.answers.astype(np.uint8)[None], speakers)[0])


def _jackknife_ends(right: SpeakerCounts, within: SpeakerCounts) -> tuple[float | None, float | None]:
    """The upper end above guessing and the lower above the majority; None where leaving out changes nothing."""
    clips, hits = right.clips.sum(axis=0), right.hits.sum(axis=0)
    emotions, most = len(clips), int(clips.argmax())
    remaining = clips - right.clips
    above_guessing = float(unweighted_average_recall(hits, clips) - within.hits.sum() / clips.sum() / emotions)
    left_out_guessing = (
        leave_one_out_uar(right.hits, right.clips) - leave_one_out_accuracy(within.hits, right.clips) / emotions
    )
    above_majority = float((hits.sum() - clips[most]) / clips.sum())
    left_out_majority = leave_one_out_accuracy(right.hits, right.clips) - remaining[:, most] / remaining.sum(axis=1)
    reach, majority_reach = _jackknife_reach(left_out_guessing), _jackknife_reach(left_out_majority)
    return (
        None if reach is None else above_guessing + reach,
        None if majority_reach is None else above_majority - majority_reach,
    )


def _jackknife_reach(left_out: NDArray[np.float64]) -> float | None:
    error = float(jackknife_error(left_out))
    return None if error < NO_SPREAD else float(critical_t(len(left_out) - 1)) * error


def _bootstrap_ends(
    hits: NDArray[np.int64], clips: NDArray[np.int64], within: NDArray[np.int64]
) -> tuple[float | None, float | None]:
    """The same by drawing the clips of each emotion with replacement; None where all draws are equal."""
    outcomes = np.stack([hits, within - hits, clips - within], axis=-1)
    if (outcomes.max(axis=-1) == clips).all():
        return None, None
    drawn = np.random.default_rng(BOOTSTRAP_SEED).multinomial(
        clips, outcomes / clips[:, None], size=(BOOTSTRAP_DRAWS, len(clips))
    )
    inside = drawn[..., :2].sum(axis=(-1, -2)) / clips.sum()
    guessing = np.quantile(unweighted_average_recall(drawn[..., 0], clips) - inside / len(clips), 1 - TAIL)
    majority = np.quantile(drawn[..., 0].sum(axis=-1) / clips.sum(), TAIL) - clips.max() / clips.sum()
    return float(guessing), float(majority)
