"""Whether a candidate can be told from one that does not listen: from guessing, and from always saying the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from benchmark.scoring.confusion import count_by_speaker
from benchmark.scoring.decisions import Decisions
from benchmark.scoring.intervals import (
    BOOTSTRAP_DRAWS,
    BOOTSTRAP_SEED,
    CONFIDENCE,
    NO_SPREAD,
    equivalent_clips,
    jackknife_error,
    leave_one_out_accuracy,
    leave_one_out_uar,
    speakers_can_be_left_out,
    wilson_interval,
)

FEWEST_EMOTIONS = 2
_TAIL = (1 - CONFIDENCE) / 2


@dataclass(frozen=True, kw_only=True)
class Chance:
    """How far a candidate is above those that do not listen.

    Attributes:
        above_guessing: UAR − (1/K) · the share of answers that are one of the K emotions: 0 for whoever answers
            without regard to the clip, whatever and how often.
        above_guessing_low: Lower end of its 95 % interval.
        above_majority: Accuracy − the share of the most frequent emotion.
        above_majority_low: Lower end of its 95 % interval.
    """

    above_guessing: float
    above_guessing_low: float
    above_majority: float
    above_majority_low: float

    @property
    def at_chance(self) -> bool:
        """Whether the clips do not show that it is better than guessing."""
        return self.above_guessing_low <= NO_SPREAD

    @property
    def majority_like(self) -> bool:
        """Whether, besides, they do not show that it is better than always answering the most frequent emotion."""
        return self.at_chance and self.above_majority_low <= NO_SPREAD


@dataclass(frozen=True, eq=False, kw_only=True)
class _Counts:
    """Hits, clips, and answers within the emotions; each of shape (speakers, emotions), by the clip's emotion."""

    hits: NDArray[np.int64]
    clips: NDArray[np.int64]
    within: NDArray[np.int64]


def chance(decisions: Decisions, speakers: Sequence[str | None]) -> Chance | None:
    """Hold a candidate against guessing and against the majority.

    Intervals as for the scores: the jackknife over speakers with Student's t where speakers can be left out, else a
    bootstrap over the clips of each emotion; where nothing varies, Wilson's lower bound of the score.

    Args:
        decisions: The open decisions.
        speakers: Who speaks in each of their clips.

    Returns:
        None below two emotions: there is nothing to guess.

    Examples:
        >>> always_the_first = Decisions(emotions=("anger", "fear"), truth=np.array([0, 0, 0, 1] * 5),
        ...     answers=np.zeros(20, dtype=np.int64), confidence=np.ones(20))
        >>> chance(always_the_first, [f"s{clip // 4}" for clip in range(20)]).majority_like
        True
    """
    if len(decisions.emotions) < FEWEST_EMOTIONS:
        return None
    by_speaker = _count(decisions, speakers)
    counts = by_speaker or _count(decisions, ["anybody"] * len(decisions.truth))
    if counts is None:
        return None
    clips, hits, within = (part.sum(axis=0) for part in (counts.clips, counts.hits, counts.within))
    most = int(clips.argmax())
    of_uar = wilson_interval(float((hits / clips).mean()), equivalent_clips(clips)).low
    of_accuracy = wilson_interval(float(hits.sum() / clips.sum()), float(clips.sum())).low
    guessed, majority = float(within.sum() / clips.sum()) / len(clips), float(clips[most] / clips.sum())
    if by_speaker is not None and speakers_can_be_left_out(by_speaker.clips):
        lows = _by_leaving_out_speakers(by_speaker, most)
    else:
        lows = _by_drawing_clips(hits, clips, within)
    guessing, frequent = lows
    return Chance(
        above_guessing=float((hits / clips).mean()) - guessed,
        above_guessing_low=of_uar - guessed if guessing is None else guessing,
        above_majority=float(hits.sum() / clips.sum()) - majority,
        above_majority_low=of_accuracy - majority if frequent is None else frequent,
    )


def _count(decisions: Decisions, speakers: Sequence[str | None]) -> _Counts | None:
    right = count_by_speaker(decisions, speakers)
    if right is None:
        return None
    is_within = decisions.answers < len(decisions.emotions)
    # To count the answers within the emotions is to count the hits of one who is right wherever they are.
    inside = Decisions(
        emotions=decisions.emotions,
        truth=decisions.truth,
        answers=np.where(is_within, decisions.truth, len(decisions.emotions)),
        confidence=decisions.confidence,
    )
    within = count_by_speaker(inside, speakers)
    return None if within is None else _Counts(hits=right.hits, clips=right.clips, within=within.hits)


def _by_leaving_out_speakers(counts: _Counts, most: int) -> tuple[float | None, float | None]:
    """The lower ends of both differences; None where leaving out a speaker changes nothing."""
    emotions = counts.clips.shape[1]
    left_uar = leave_one_out_uar(counts.hits, counts.clips)
    left_guessed = leave_one_out_accuracy(counts.within, counts.clips) / emotions
    rest = counts.clips.sum(axis=0) - counts.clips
    left_majority = rest[:, most] / rest.sum(axis=1)
    clips, hits = counts.clips.sum(axis=0), counts.hits.sum(axis=0)
    whole_guessing = float((hits / clips).mean() - counts.within.sum() / clips.sum() / emotions)
    whole_majority = float((hits.sum() - clips[most]) / clips.sum())
    left_accuracy = leave_one_out_accuracy(counts.hits, counts.clips)
    return (
        _lower(whole_guessing, left_uar - left_guessed),
        _lower(whole_majority, left_accuracy - left_majority),
    )


def _lower(whole: float, left_out: NDArray[np.float64]) -> float | None:
    error = float(jackknife_error(left_out))
    return None if error < NO_SPREAD else whole - float(t.ppf(1 - _TAIL, len(left_out) - 1)) * error


def _by_drawing_clips(
    hits: NDArray[np.int64], clips: NDArray[np.int64], within: NDArray[np.int64]
) -> tuple[float | None, float | None]:
    """The same by drawing the clips of each emotion anew; None where every draw is the same."""
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    kinds = np.stack([hits, within - hits, clips - within], axis=-1)
    if ((kinds == 0).sum(axis=-1) == 2).all():  # noqa: PLR2004 - two of three kinds do not occur: nothing varies
        return None, None
    drawn = generator.multinomial(clips, kinds / clips[:, None], size=(BOOTSTRAP_DRAWS, len(clips)))
    recalls = drawn[..., 0] / clips
    inside = drawn[..., :2].sum(axis=(-1, -2)) / clips.sum()
    guessing = np.quantile(recalls.mean(axis=-1) - inside / len(clips), _TAIL)
    majority = np.quantile(drawn[..., 0].sum(axis=-1) / clips.sum(), _TAIL) - clips.max() / clips.sum()
    return float(guessing), float(majority)
