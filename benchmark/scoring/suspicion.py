"""Whether a candidate can be told from one that does not listen: from guessing, and from always saying the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import t

from benchmark.results.leaderboard import CorpusSummary
from benchmark.scoring.decisions import Decisions, confusion_matrix, count_by_speaker, covered_emotions, number_speakers
from benchmark.scoring.evaluations import StoredEvaluation
from benchmark.scoring.flags import Flag
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
    uar_interval,
    wilson_interval,
)
from benchmark.scoring.metrics import accuracy
from benchmark.scoring.seen import main_name

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


LEAST_RISE = 0.25


LEAST_RECALL = 0.5


FEWEST_SPEAKERS = 2


# Of relabellings that are equally good, the one that moves fewest labels.
_STAY = 1e-9


@dataclass(frozen=True)
class Moved:
    """A label that means another emotion than it says."""

    says: str
    means: str


def label_permutation(
    decisions: Decisions, speakers: Sequence[str | None], covered: Sequence[str]
) -> tuple[Moved, ...]:
    """Find a one-to-one relabelling that makes the answers right, on speakers it was not found on.

    The best relabelling (Hungarian, of the mean recall) of one half of the speakers is scored on the other half, both
    ways: both halves must find the same, and the mean recall of the emotions whose label moves must rise by 0.25 to
    at least 0.5 in both.

    Args:
        decisions: The open decisions.
        speakers: Who speaks in each of their clips.
        covered: The emotions that the candidate can express; the others can have no label of its.

    Returns:
        The labels that moved; none where the names are as good as any, and where a speaker is unknown.
    """
    halves = _halves(decisions, speakers)
    if halves is None:
        return ()
    first, second = halves
    known = [
        place
        for place, emotion in enumerate(decisions.emotions)
        if emotion in covered and first[place].sum() and second[place].sum()
    ]
    recalls = [(half / np.maximum(half.sum(axis=1, keepdims=True), 1))[np.ix_(known, known)] for half in halves]
    found = [_best_labels(recall) for recall in recalls]
    moved = np.flatnonzero(found[0] != np.arange(len(known)))
    if not moved.size or (found[0] != found[1]).any():
        return ()
    for recall in recalls:
        after, before = recall[moved, found[0][moved]].mean(), recall[moved, moved].mean()
        if after < LEAST_RECALL or after - before < LEAST_RISE:
            return ()
    names = [decisions.emotions[place] for place in known]
    return tuple(Moved(says=names[found[0][place]], means=names[place]) for place in moved)


def _halves(decisions: Decisions, speakers: Sequence[str | None]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """The confusion of every other speaker and of the rest, shape (emotions, emotions + 1) each."""
    known = number_speakers(speakers)
    if known is None or known.speakers < FEWEST_SPEAKERS:
        return None
    height, width = len(decisions.emotions), len(decisions.emotions) + 1
    cells = ((known.who % 2) * height + decisions.truth) * width + decisions.answers
    counts = np.bincount(cells, minlength=2 * height * width).reshape(2, height, width).astype(np.int64)
    return counts[0], counts[1]


def _best_labels(recall: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each emotion the label that means it, one each."""
    _, labels = linear_sum_assignment(recall + _STAY * np.eye(len(recall)), maximize=True)
    return np.asarray(labels, dtype=np.int64)


MARGIN = 0.05


NEARLY_PERFECT = 0.97


FEW_TO_BE_PERFECT_ON = 100


@dataclass(frozen=True, kw_only=True)
class PublishedBests:
    """What others have reached.

    Attributes:
        source: Where that is published.
        uar: By corpus, in the form of `main_name`, and set of emotions.
        exempt: Corpora on which everybody is nearly perfect.
    """

    source: str
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
        source=content["source"],
        uar={(main_name(best["corpus"]), frozenset(best["emotions"])): best["uar"] for best in content["bests"]},
        exempt=frozenset(main_name(name) for name in content["exempt"]),
    )


def too_good(corpus: CorpusSummary, uar_low: float | None, accuracy: float | None) -> str | None:
    """Say why a score is too good to be believed.

    Args:
        corpus: The corpus; a part of a known one (`ravdess-heldout` from `ravdess:…`) is held against the whole.
        uar_low: Lower end of the interval of the open UAR; None where there is none.
        accuracy: Open accuracy.

    Returns:
        The reason in a sentence; None where there is none.
    """
    bests, clips = published_bests(), sum(corpus.emotion_clips.values())
    names = set(_names(corpus))
    if uar_low is None or len(corpus.emotion_clips) < FEWEST_EMOTIONS or names & bests.exempt:
        return None
    emotions = frozenset(corpus.emotion_clips)
    best = next((bests.uar[name, emotions] for name in sorted(names) if (name, emotions) in bests.uar), None)
    if best is not None:
        if uar_low <= best + MARGIN:
            return None
        return f"its UAR is above {uar_low:.3f}, where the best published is {best:.2f} (EmoBox)."
    if uar_low >= NEARLY_PERFECT:
        return f"its UAR is above {uar_low:.3f}: nearly perfect, which emotions in speech hardly allow."
    if accuracy == 1.0 and clips < FEW_TO_BE_PERFECT_ON:
        return f"not one error in {clips} clips."
    return None


def _names(corpus: CorpusSummary) -> Iterable[str]:
    scheme, _, _ = corpus.source.partition(":")
    return (main_name(name) for name in (corpus.name, scheme, corpus.source))


_NAMED_TWINS = 5


def suspicions(
    evaluated: StoredEvaluation, corpus: CorpusSummary, twins: Mapping[str, tuple[str, ...]]
) -> dict[Flag, str]:
    """Judge one complete evaluation.

    Args:
        evaluated: The evaluation.
        corpus: The corpus.
        twins: By candidate, those that cannot be told from it.

    Returns:
        The flags that it raises, each with its reason; none of them without labels but `near-twins`.
    """
    reasons: dict[Flag, str] = {}
    if evaluated.answers.scored.any():
        reasons |= _about_skill(evaluated, corpus)
    others = twins.get(evaluated.evaluation.candidate, ())
    if others:
        more = f" and {len(others) - _NAMED_TWINS} more" if len(others) > _NAMED_TWINS else ""
        reasons[Flag.NEAR_TWINS] = f"cannot be told from {', '.join(others[:_NAMED_TWINS])}{more}."
    return reasons


def _about_skill(evaluated: StoredEvaluation, corpus: CorpusSummary) -> dict[Flag, str]:
    reasons: dict[Flag, str] = {}
    decisions, speakers = evaluated.decisions, evaluated.speakers
    above = chance(decisions, speakers)
    if above is not None and above.at_chance:
        reasons[Flag.AT_CHANCE] = (
            f"its UAR less that of giving its answers to clips at random is {above.above_guessing:+.3f}, with a lower "
            f"bound of {above.above_guessing_low:+.3f}."
        )
    if above is not None and above.majority_like:
        reasons[Flag.MAJORITY_LIKE] = (
            f"its accuracy less the share of the most frequent emotion is {above.above_majority:+.3f}, with a lower "
            f"bound of {above.above_majority_low:+.3f}."
        )
    moved = label_permutation(decisions, speakers, covered_emotions(evaluated.answers))
    if moved:
        listed = ", ".join(f"{label.says} → {label.means}" for label in moved)
        reasons[Flag.LABEL_PERMUTED] = f"its answers are right when read as {listed}."
    interval = uar_interval(confusion_matrix(decisions), evaluated.counts)
    doubt = too_good(corpus, None if interval is None else interval.low, accuracy(decisions))
    if doubt is not None:
        reasons[Flag.TOO_GOOD] = doubt
    return reasons
