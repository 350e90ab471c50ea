"""The clips of a corpus with what each is held against: the same for all candidates, and found out once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmark.emotions.label_map import map_labels
from benchmark.emotions.merges import Merges
from benchmark.results.runs import ClipRecord, CorpusRecord

PROBABILITY_FLOOR = 1e-6
"""A probability below this counts as this, so that what a model cannot express costs 13.8 nats and not infinity."""


_FEWEST_RATERS = 2


class Agreement(StrEnum):
    """Whether the raters of a clip name one emotion."""

    MAJORITY = "majority"
    """More than half of the votes are for one emotion."""
    TIED = "tied"
    """Two or more emotions have equally many votes, more than any other."""
    MINORITY = "minority"
    """One emotion has the most votes, and no more than half of them; or most votes are for no emotion."""


@dataclass(frozen=True)
class Opinion:
    """What the raters of a clip say together.

    Attributes:
        emotion: What more than half of them say; None where there is no such emotion.
        agreement: Whether there is.
    """

    emotion: str | None
    agreement: Agreement


@dataclass(frozen=True)
class HumanCeiling:
    """How well one rater predicts the others, which no model can be asked to exceed by much.

    Attributes:
        uar: Unweighted average recall of a rater against the others; None without clips that two have rated.
        accuracy: How often a rater says what the others say.
    """

    uar: float | None
    accuracy: float | None


@dataclass(frozen=True)
class SoftScores:
    """How far a model's probabilities are from the raters' shares.

    Attributes:
        cross_entropy: In nats.
        jensen_shannon: Jensen–Shannon divergence to base 2, from 0 for the same to 1 for nothing in common.
    """

    cross_entropy: float
    jensen_shannon: float


def votes_by_emotion(votes: Mapping[str, int], emotions: Mapping[str, str | None]) -> dict[str | None, int]:
    """Count votes for emotions instead of labels.

    Args:
        votes: Label → how many raters chose it.
        emotions: Label → emotion; None where it means nothing.

    Returns:
        Emotion → votes; None → votes for labels that mean nothing.

    Examples:
        >>> votes_by_emotion({"hap": 1, "joy": 2, "??": 1}, {"hap": "happiness", "joy": "happiness", "??": None})
        {'happiness': 3, None: 1}
    """
    counted: dict[str | None, int] = {}
    for label, number in votes.items():
        emotion = emotions.get(label)
        counted[emotion] = counted.get(emotion, 0) + number
    return counted


def majority(votes: Mapping[str | None, int]) -> Opinion:
    """What more than half of the raters say.

    Args:
        votes: Emotion → votes; None → votes for no emotion.

    Examples:
        >>> majority({"anger": 2, "fear": 1}).emotion
        'anger'
        >>> majority({"anger": 1, "fear": 1}).agreement, majority({"anger": 2, "fear": 1, "calm": 1}).agreement
        (<Agreement.TIED: 'tied'>, <Agreement.MINORITY: 'minority'>)
    """
    most = max(votes.values(), default=0)
    leaders = [emotion for emotion, number in votes.items() if number == most]
    if len(leaders) != 1:
        return Opinion(None, Agreement.TIED)
    if leaders[0] is None or 2 * most <= sum(votes.values()):
        return Opinion(None, Agreement.MINORITY)
    return Opinion(leaders[0], Agreement.MAJORITY)


def human_ceiling(votes: Sequence[Mapping[str | None, int]]) -> HumanCeiling:
    """Hold each rater of each clip against what most of the clip's other raters say.

    Where several emotions are equally frequent among the others, each is the truth with an equal share: dropping those
    clips would drop just the ratings that agreed with somebody. Each clip weighs the same, however many rated it.

    Args:
        votes: For each clip, emotion → votes. Votes for no emotion count as answers, and never as the truth.

    Returns:
        The mean over clips and raters; None where no clip has two raters.

    Examples:
        >>> human_ceiling([{"anger": 3}, {"anger": 1, "fear": 1}]).accuracy
        0.5
    """
    hits: dict[str, float] = {}
    total: dict[str, float] = {}
    for clip in votes:
        raters = sum(clip.values())
        if raters < _FEWEST_RATERS:
            continue
        for answer, number in clip.items():
            others = {emotion: count - (emotion == answer) for emotion, count in clip.items() if emotion is not None}
            most = max(others.values(), default=0)
            leaders = [emotion for emotion, count in others.items() if count == most and count > 0]
            for truth in leaders:
                weight = number / raters / len(leaders)
                total[truth] = total.get(truth, 0.0) + weight
                hits[truth] = hits.get(truth, 0.0) + weight * (truth == answer)
    if not total:
        return HumanCeiling(None, None)
    recalls = [hits[emotion] / weight for emotion, weight in sorted(total.items())]
    return HumanCeiling(float(np.mean(recalls)), float(sum(hits.values()) / sum(total.values())))


def soft_scores(
    probabilities: NDArray[np.float64], classes: Sequence[str], votes: Sequence[Mapping[str | None, int] | None]
) -> SoftScores | None:
    """Compare probabilities with the raters' shares, over all clips that somebody rated, ties as well.

    Cross-entropy is -Σ q ln p, with p no less than `PROBABILITY_FLOOR`; Jensen–Shannon is
    H((p + q)/2) - (H(p) + H(q))/2 in bits. q are the shares of the votes for emotions; what the model gives to labels
    that mean nothing stays apart, where q is 0. A clip that the model could not process has nothing in common with what
    was said of it.

    Args:
        probabilities: Shape (clips, classes); rows of clips that could not be processed are NaN.
        classes: The model's classes.
        votes: For each clip, emotion → votes; None where nobody rated it.

    Returns:
        The means over the clips; None where nobody rated any.
    """
    rated = [row for row, clip in enumerate(votes) if clip and any(clip[emotion] for emotion in clip if emotion)]
    if not rated:
        return None
    named = {emotion for row in rated for emotion in votes[row] or {} if emotion is not None}
    emotions = [*classes, *sorted(named - set(classes))]
    said = np.zeros((len(rated), len(emotions) + 1))
    said[:, : len(classes)] = probabilities[rated]
    processed = np.isfinite(said).all(axis=1)
    said[:, -1] = np.clip(1.0 - said[:, :-1].sum(axis=1), 0.0, 1.0)
    wanted = np.zeros_like(said)
    for place, row in enumerate(rated):
        for emotion, number in (votes[row] or {}).items():
            if emotion is not None:
                wanted[place, emotions.index(emotion)] = number
    wanted /= wanted.sum(axis=1, keepdims=True)
    said[~processed] = 0.0
    cross_entropy = -(wanted * np.log(np.maximum(said, PROBABILITY_FLOOR))).sum(axis=1)
    divergence = _entropy((said + wanted) / 2) - (_entropy(said) + _entropy(wanted)) / 2
    divergence[~processed] = 1.0
    return SoftScores(float(cross_entropy.mean()), float(np.clip(divergence, 0.0, 1.0).mean()))


def _entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """In bits, of each row."""
    logarithms = np.log2(np.where(shares > 0, shares, 1.0))
    return np.asarray(-(shares * logarithms).sum(axis=1), dtype=np.float64)


_NOBODY_KNOWS = "unknown"


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledClips:
    """Those clips of a corpus that have audio, in the corpus's order, with the corpus's labels joined.

    Attributes:
        clips: The clips.
        clip_hashes: The hash of each clip's audio, as an Arrow array of texts.
        truth: The emotion of each clip, after merges; None where it has no label, or one that maps to nothing.
        speakers: Who speaks in each clip; None where nobody knows.
        labelled: Whether the corpus has labels at all.
        votes: What the raters of each clip said, emotion → votes after merges; None where the corpus does not tell.
    """

    clips: tuple[ClipRecord, ...]
    clip_hashes: pa.Array
    truth: tuple[str | None, ...]
    speakers: tuple[str | None, ...]
    labelled: bool
    votes: tuple[Mapping[str | None, int] | None, ...]


def label_clips(corpus: CorpusRecord, merges: Merges) -> LabelledClips:
    """Join the labels of a corpus to its clips.

    Args:
        corpus: The corpus as the run met it; its own label overrides apply to its labels.
        merges: Emotions that the user merges into others.

    Raises:
        RequestError: An override or a merge names an emotion that nobody knows.
    """
    clips = readable_clips(corpus)
    emotions = emotion_by_label(corpus, merges)
    return LabelledClips(
        clips=clips,
        clip_hashes=pa.array([clip.clip_hash for clip in clips], type=pa.string()),
        truth=tuple(emotion_of_clip(clip, emotions) for clip in clips),
        speakers=tuple(clip.speaker for clip in clips),
        labelled=any(clip.label is not None or clip.votes for clip in clips),
        votes=tuple(None if clip.votes is None else votes_by_emotion(clip.votes, emotions) for clip in clips),
    )


def readable_clips(corpus: CorpusRecord) -> tuple[ClipRecord, ...]:
    """Those clips of the corpus that have audio."""
    return tuple(clip for clip in corpus.clips if clip.clip_hash is not None)


def emotion_by_label(corpus: CorpusRecord, merges: Merges) -> dict[str, str | None]:
    """What each label that occurs in the corpus means, after its overrides and the merges; None for nothing.

    Overrides of labels that do not occur are passed over: a part of a corpus need not hold all its labels. A label that
    says that nobody knows, such as IEMOCAP's `xxx`, means nothing: there is no being right about it.

    Raises:
        RequestError: An override or a merge names an emotion that nobody knows.
    """
    labels = occurring_labels(corpus.clips)
    overrides = {label: emotion for label, emotion in corpus.labels.items() if label in labels}
    emotions = map_labels(labels, overrides=overrides, merges=merges).emotions
    return {
        label: None if emotion == _NOBODY_KNOWS else emotion for label, emotion in zip(labels, emotions, strict=True)
    }


def occurring_labels(clips: tuple[ClipRecord, ...]) -> tuple[str, ...]:
    """The labels of clips in the order of their first occurrence, those of raters behind the others."""
    given = {clip.label: None for clip in clips if clip.label is not None}
    for clip in clips:
        if clip.votes:
            given |= dict.fromkeys(clip.votes)
    return tuple(given)


def emotion_of_clip(clip: ClipRecord, emotions: Mapping[str, str | None]) -> str | None:
    """What a clip is held against: the emotion of its label, or else what more than half of its raters say.

    Args:
        clip: The clip.
        emotions: Label → emotion, as `emotion_by_label` gives it.
    """
    if clip.label is not None:
        return emotions[clip.label]
    return majority(votes_by_emotion(clip.votes, emotions)).emotion if clip.votes else None
