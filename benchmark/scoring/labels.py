"""The emotion of each clip of a corpus: from its label, or else from the votes of its raters."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa

from benchmark.emotions.label_map import map_labels
from benchmark.results.runs import ClipRecord, CorpusRecord

_UNKNOWN = "unknown"
_MIN_RATERS = 2


class RaterAgreement(StrEnum):
    """Whether the raters of a clip name one emotion."""

    MAJORITY = "majority"
    """More than half of the votes are for one emotion."""
    TIED = "tied"
    """Two or more emotions have equally many votes, more than any other."""
    MINORITY = "minority"
    """One emotion has the most votes, and no more than half of them; or most votes are for no emotion."""


@dataclass(frozen=True)
class Opinion:
    """The common opinion of a clip's raters.

    Attributes:
        emotion: The emotion that more than half of them chose; None where there is none.
        agreement: How far they agree.
    """

    emotion: str | None
    agreement: RaterAgreement


@dataclass(frozen=True)
class HumanCeiling:
    """How well one rater predicts the others, a level that no model can be expected to exceed by much.

    Attributes:
        uar: Unweighted average recall of a rater against the others; None without clips that two have rated.
        accuracy: How often a rater agrees with the others.
    """

    uar: float | None
    accuracy: float | None


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledClips:
    """The readable clips of a corpus, in the corpus's order, with its labels joined: the same for all candidates.

    Attributes:
        clips: The clips.
        clip_hashes: The hash of each clip's audio, as an Arrow array of texts.
        truth: The emotion of each clip, after merges; None where it has no label, or one that maps to nothing.
        speakers: The speaker of each clip; None where unknown.
        votes: What the raters of each clip chose, emotion → votes after merges; None where the corpus does not tell.
    """

    clips: tuple[ClipRecord, ...]
    clip_hashes: pa.Array
    truth: tuple[str | None, ...]
    speakers: tuple[str | None, ...]
    votes: tuple[Mapping[str | None, int] | None, ...]


def label_clips(corpus: CorpusRecord) -> LabelledClips:
    """Join the labels of a corpus with its clips.

    Raises:
        RequestError: An override or a merge names an unknown emotion.
    """
    clips = readable_clips(corpus)
    emotions = emotion_by_label(corpus)
    return LabelledClips(
        clips=clips,
        clip_hashes=pa.array([clip.clip_hash for clip in clips], type=pa.string()),
        truth=tuple(emotion_of_clip(clip, emotions) for clip in clips),
        speakers=tuple(clip.speaker for clip in clips),
        votes=tuple(None if clip.votes is None else votes_by_emotion(clip.votes, emotions) for clip in clips),
    )


def readable_clips(corpus: CorpusRecord) -> tuple[ClipRecord, ...]:
    """The clips of a corpus that could be decoded."""
    return tuple(clip for clip in corpus.clips if clip.clip_hash is not None)


def emotion_by_label(corpus: CorpusRecord) -> dict[str, str | None]:
    """Map each label that occurs in the corpus to its emotion, after overrides and merges; None for no emotion.

    Overrides of labels that do not occur are ignored: a part of a corpus need not hold all its labels. A label that
    means that the emotion is unknown, such as IEMOCAP's `xxx`, maps to None: no answer to it can be right.

    Raises:
        RequestError: An override or a merge names an unknown emotion.
    """
    occurring = {clip.label: None for clip in corpus.clips if clip.label is not None}
    for clip in corpus.clips:
        if clip.votes:
            occurring |= dict.fromkeys(clip.votes)
    labels = tuple(occurring)
    overrides = {label: emotion for label, emotion in corpus.labels.items() if label in occurring}
    emotions = map_labels(labels, overrides=overrides, merges=corpus.merge).emotions
    return {label: None if emotion == _UNKNOWN else emotion for label, emotion in zip(labels, emotions, strict=True)}


def emotion_of_clip(clip: ClipRecord, emotions: Mapping[str, str | None]) -> str | None:
    """The emotion of a clip's label; without a label, the emotion that more than half of its raters chose."""
    if clip.label is not None:
        return emotions[clip.label]
    return majority(votes_by_emotion(clip.votes, emotions)).emotion if clip.votes else None


def votes_by_emotion(votes: Mapping[str, int], emotions: Mapping[str, str | None]) -> dict[str | None, int]:
    """Count votes for emotions instead of labels.

    Args:
        votes: Label → number of raters.
        emotions: Label → emotion; None where the label means no emotion.

    Examples:
        >>> votes_by_emotion({"hap": 1, "joy": 2, "??": 1}, {"hap": "happiness", "joy": "happiness", "??": None})
        {'happiness': 3, None: 1}
    """
    counts: Counter[str | None] = Counter()
    for label, number in votes.items():
        counts[emotions.get(label)] += number
    return dict(counts)


def majority(votes: Mapping[str | None, int]) -> Opinion:
    """Find the emotion that more than half of the raters chose.

    Args:
        votes: Emotion → votes; None → votes for no emotion.

    Examples:
        >>> majority({"anger": 2, "fear": 1}).emotion
        'anger'
        >>> majority({"anger": 1, "fear": 1}).agreement, majority({"anger": 2, "fear": 1, "calm": 1}).agreement
        (<RaterAgreement.TIED: 'tied'>, <RaterAgreement.MINORITY: 'minority'>)
    """
    most = max(votes.values(), default=0)
    leaders = [emotion for emotion, number in votes.items() if number == most]
    if len(leaders) != 1:
        return Opinion(None, RaterAgreement.TIED)
    if leaders[0] is None or 2 * most <= sum(votes.values()):
        return Opinion(None, RaterAgreement.MINORITY)
    return Opinion(leaders[0], RaterAgreement.MAJORITY)


def human_ceiling(votes: Sequence[Mapping[str | None, int]]) -> HumanCeiling:
    """Compare each rater of each clip with the majority of the clip's other raters.

    Where several emotions are equally frequent among the others, each is the truth with an equal share: dropping those
    clips would drop just the ratings that agreed with somebody. Each clip has the same weight, however many rated it.

    Args:
        votes: For each clip, emotion → votes. Votes for no emotion count as answers, and never as the truth.

    Returns:
        The means over clips and raters; None where no clip has two raters.

    Examples:
        >>> human_ceiling([{"anger": 3}, {"anger": 1, "fear": 1}]).accuracy
        0.5
    """
    hits: dict[str, float] = {}
    total: dict[str, float] = {}
    for clip in votes:
        raters = sum(clip.values())
        if raters < _MIN_RATERS:
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
