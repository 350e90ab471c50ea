"""Signs that a score is not what it seems: chance level, permuted labels, scores that are too good, near-twins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from benchmark.results.leaderboard import CorpusSummary
from benchmark.scoring.decisions import (
    MIN_EMOTIONS,
    Decisions,
    SpeakerCounts,
    confusion_matrix,
    count_by_speaker,
    covered_emotions,
    speaker_codes,
    unweighted_average_recall,
)
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.flags import Flag
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
from benchmark.scoring.metrics import accuracy
from benchmark.scoring.trained_on import main_name

MIN_RECALL_RISE = 0.25
MIN_RECALL = 0.5
# Of relabellings that are equally good, the one that moves fewest labels is taken.
_STAY_BONUS = 1e-9
TOO_GOOD_MARGIN = 0.05
NEARLY_PERFECT = 0.97
PERFECT_BELOW_CLIPS = 100
_LISTED_TWINS = 5


def suspicions(evaluation: Evaluation, corpus: CorpusSummary, twins: Mapping[str, tuple[str, ...]]) -> dict[Flag, str]:
    """The flags that one complete evaluation raises, each with its reason; without labels none but `near-twins`."""
    reasons: dict[Flag, str] = {}
    if evaluation.answers.scored.any():
        decisions, speakers = evaluation.decisions, evaluation.speakers
        above = chance(decisions, speakers)
        if above is not None and above.at_chance:
            reasons[Flag.AT_CHANCE] = (
                f"its UAR less that of giving its answers to clips at random is {above.above_guessing:+.3f}, with a "
                f"lower bound of {above.above_guessing_low:+.3f}."
            )
        if above is not None and above.majority_like:
            reasons[Flag.MAJORITY_LIKE] = (
                f"its accuracy less the share of the most frequent emotion is {above.above_majority:+.3f}, with a "
                f"lower bound of {above.above_majority_low:+.3f}."
            )
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


@dataclass(frozen=True, kw_only=True)
class Chance:
    """How far a candidate is above answers that do not depend on the clip, with lower ends of 95 % intervals.

    Attributes:
        above_guessing: UAR − (1/K) · the share of answers that are one of the K emotions: 0 for answers that do not
            depend on the clip, however they are distributed.
        above_majority: Accuracy − the share of the most frequent emotion.
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


def chance(decisions: Decisions, speakers: Sequence[str | None]) -> Chance | None:
    """Compare a candidate with guessing and with the majority; None below two emotions.

    Intervals as for the scores: the jackknife over speakers with Student's t where speakers can be left out, else a
    bootstrap over the clips of each emotion; where nothing varies, Wilson's lower bound of the score.

    Examples:
        >>> always_the_first = Decisions(emotions=("anger", "fear"), truth=np.array([0, 0, 0, 1] * 5),
        ...     answers=np.zeros(20, dtype=np.int64), confidence=np.ones(20))
        >>> chance(always_the_first, [f"s{clip // 4}" for clip in range(20)]).majority_like
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
        guessing_low, majority_low = _jackknife_lows(right, within)
    else:
        guessing_low, majority_low = _bootstrap_lows(hits, clips, inside)
    if guessing_low is None:
        guessing_low = wilson_interval(uar, equivalent_clips(clips)).low - guessed
    if majority_low is None:
        majority_low = wilson_interval(right_share, float(clips.sum())).low - majority
    return Chance(
        above_guessing=uar - guessed,
        above_guessing_low=guessing_low,
        above_majority=right_share - majority,
        above_majority_low=majority_low,
    )


def _jackknife_lows(right: SpeakerCounts, within: SpeakerCounts) -> tuple[float | None, float | None]:
    """The lower ends of both differences; None where leaving out a speaker changes nothing."""
    clips, hits = right.clips.sum(axis=0), right.hits.sum(axis=0)
    emotions, most = len(clips), int(clips.argmax())
    remaining = clips - right.clips
    above_guessing = float(unweighted_average_recall(hits, clips) - within.hits.sum() / clips.sum() / emotions)
    left_out_guessing = (
        leave_one_out_uar(right.hits, right.clips) - leave_one_out_accuracy(within.hits, right.clips) / emotions
    )
    above_majority = float((hits.sum() - clips[most]) / clips.sum())
    left_out_majority = leave_one_out_accuracy(right.hits, right.clips) - remaining[:, most] / remaining.sum(axis=1)
    return _jackknife_low(above_guessing, left_out_guessing), _jackknife_low(above_majority, left_out_majority)


def _jackknife_low(estimate: float, left_out: NDArray[np.float64]) -> float | None:
    error = float(jackknife_error(left_out))
    return None if error < NO_SPREAD else estimate - float(critical_t(len(left_out) - 1)) * error


def _bootstrap_lows(
    hits: NDArray[np.int64], clips: NDArray[np.int64], within: NDArray[np.int64]
) -> tuple[float | None, float | None]:
    """The lower ends by drawing the clips of each emotion with replacement; None where all draws are equal."""
    outcomes = np.stack([hits, within - hits, clips - within], axis=-1)
    if (outcomes.max(axis=-1) == clips).all():
        return None, None
    drawn = np.random.default_rng(BOOTSTRAP_SEED).multinomial(
        clips, outcomes / clips[:, None], size=(BOOTSTRAP_DRAWS, len(clips))
    )
    inside = drawn[..., :2].sum(axis=(-1, -2)) / clips.sum()
    guessing = np.quantile(unweighted_average_recall(drawn[..., 0], clips) - inside / len(clips), TAIL)
    majority = np.quantile(drawn[..., 0].sum(axis=-1) / clips.sum(), TAIL) - clips.max() / clips.sum()
    return float(guessing), float(majority)


def label_permutation(decisions: Decisions, speakers: Sequence[str | None], covered: Sequence[str]) -> dict[str, str]:
    """Find a one-to-one relabelling that makes the answers right on speakers that it was not chosen on.

    The best relabelling (Hungarian, of the mean recall) of one half of the speakers is scored on the other half, both
    ways: both halves must give the same, and the mean recall of the emotions whose label moves must rise by 0.25 to
    at least 0.5 in both.

    Args:
        decisions: The open decisions.
        speakers: The speaker of each of their clips; where one is unknown, nothing moves.
        covered: The emotions that the candidate can express; only they have a label.

    Returns:
        Name → meaning of the labels that moved; empty where the present names are as good as any.
    """
    codes = speaker_codes(speakers)
    if codes is None or codes.max(initial=0) < 1:
        return {}
    halves = [
        confusion_matrix(replace(decisions, truth=decisions.truth[half], answers=decisions.answers[half]))
        for half in (codes % 2 == 0, codes % 2 == 1)
    ]
    known = [
        index
        for index, emotion in enumerate(decisions.emotions)
        if emotion in covered and all(half[index].any() for half in halves)
    ]
    recalls = [(half / np.maximum(half.sum(axis=1, keepdims=True), 1))[np.ix_(known, known)] for half in halves]
    bonus = _STAY_BONUS * np.eye(len(known))
    labels, other_labels = (linear_sum_assignment(recall + bonus, maximize=True)[1] for recall in recalls)
    moved = np.flatnonzero(labels != np.arange(len(known)))
    if not moved.size or (labels != other_labels).any():
        return {}
    for recall in recalls:
        after, before = recall[moved, labels[moved]].mean(), recall[moved, moved].mean()
        if after < MIN_RECALL or after - before < MIN_RECALL_RISE:
            return {}
    names = [decisions.emotions[index] for index in known]
    return {names[labels[index]]: names[index] for index in moved}


@dataclass(frozen=True, kw_only=True)
class PublishedBests:
    """The best published scores, by corpus, in the form of `main_name`, and set of emotions.

    Attributes:
        exempt: Corpora on which scores are saturated.
    """

    uar: dict[tuple[str, frozenset[str]], float]
    exempt: frozenset[str]


@lru_cache(maxsize=1)
def published_bests() -> PublishedBests:
    """Read the packaged table.

    Examples:
        >>> published_bests().uar["iemocap", frozenset({"anger", "happiness", "neutral", "sadness"})]
        0.74
    """
    content = yaml.safe_load(files(__package__).joinpath("published_bests.yaml").read_text(encoding="utf-8"))
    return PublishedBests(
        uar={(main_name(best["corpus"]), frozenset(best["emotions"])): best["uar"] for best in content["bests"]},
        exempt=frozenset(main_name(name) for name in content["exempt"]),
    )


def too_good(corpus: CorpusSummary, uar_low: float | None, accuracy: float | None) -> str | None:
    """The reason why a score is too good to be true, in a sentence; None where there is none.

    Args:
        corpus: The corpus; a part of a known one (`ravdess-heldout` from `ravdess:…`) is compared with the whole.
        uar_low: Lower end of the interval of the open UAR.
        accuracy: Open accuracy.
    """
    bests, clips = published_bests(), sum(corpus.emotion_clips.values())
    scheme = corpus.source.partition(":")[0]
    names = {main_name(name) for name in (corpus.name, scheme, corpus.source)}
    if uar_low is None or len(corpus.emotion_clips) < MIN_EMOTIONS or names & bests.exempt:
        return None
    emotions = frozenset(corpus.emotion_clips)
    best = next((bests.uar[name, emotions] for name in sorted(names) if (name, emotions) in bests.uar), None)
    if best is not None:
        if uar_low <= best + TOO_GOOD_MARGIN:
            return None
        return f"its UAR is above {uar_low:.3f}, where the best published is {best:.2f} (EmoBox)."
    if uar_low >= NEARLY_PERFECT:
        return f"its UAR is above {uar_low:.3f}: nearly perfect, which emotions in speech hardly allow."
    if accuracy == 1.0 and clips < PERFECT_BELOW_CLIPS:
        return f"not one error in {clips} clips."
    return None
