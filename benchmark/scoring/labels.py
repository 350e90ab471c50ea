"""The emotion of each clip of a corpus: from its label, or else from the votes of its raters."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from benchmark.emotions.label_map import map_labels
from benchmark.results.predictions import RowFinder
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.compared_clips import RareEmotions, compared_truth, rare_emotions, without_emotions
from benchmark.scoring.texts import CorpusTexts, corpus_texts

_UNKNOWN = "unknown"
_MIN_RATERS = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledClips:
    """The readable clips of a corpus, in its order, with their emotions after overrides and merges.

    Attributes:
        clip_hashes: The hash of each clip's audio, as an Arrow array of texts.
        truth: The emotion of each clip; None where it has no label, or one that maps to nothing.
        speakers: None where unknown.
        votes: Emotion → number of raters who chose it; None where the corpus does not tell.
        emotions: The emotion of each label that occurs; None where it maps to nothing.
        loose: Whether an override lets a coarse label stand for an emotion.
        dropped: Names of the clips by rare emotion that `--rare-classes drop` took out of `truth`.
    """

    clips: tuple[ClipRecord, ...]
    clip_hashes: pa.Array
    truth: tuple[str | None, ...]
    speakers: tuple[str | None, ...]
    votes: tuple[Mapping[str | None, int] | None, ...]
    emotions: Mapping[str, str | None]
    loose: bool
    dropped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def finder(self) -> RowFinder:
        """Finds the clips in tables of predictions."""
        return RowFinder(self.clip_hashes)

    @cached_property
    def rare(self) -> RareEmotions:
        """The emotions with few clips or a single speaker."""
        return rare_emotions(self.truth, self.speakers)

    @cached_property
    def compared(self) -> "LabelledClips":
        """The same with the emotions of those clips only that intervals, pairs and ranks rest on; itself if all are."""
        truth = compared_truth(self.truth, self.speakers)
        return self if truth == self.truth else replace(self, truth=truth)

    @cached_property
    def texts(self) -> CorpusTexts | None:
        """The texts of the scored clips; None where none is said by two speakers, or some are unknown."""
        return corpus_texts([clip.text_id for clip in self.clips], self.speakers, self.truth)


def label_clips(corpus: CorpusRecord) -> LabelledClips:
    """Join the labels of a corpus with its clips.

    Overrides of labels that do not occur are ignored: a part of a corpus need not hold all its labels. A label that
    means that the emotion is unknown, such as IEMOCAP's `xxx`, maps to None: no answer to it can be right.

    Raises:
        RequestError: An override or a merge names an unknown emotion.
    """
    occurring = {clip.label: None for clip in corpus.clips if clip.label is not None}
    for clip in corpus.clips:
        if clip.votes:
            occurring |= dict.fromkeys(clip.votes)
    overrides = {label: emotion for label, emotion in corpus.labels.items() if label in occurring}
    label_map = map_labels(tuple(occurring), overrides=overrides, merges=corpus.merge)
    emotions = {
        label: None if emotion == _UNKNOWN else emotion
        for label, emotion in zip(label_map.labels, label_map.emotions, strict=True)
    }
    clips = readable_clips(corpus)
    in_readable = {label for clip in clips for label in (clip.label, *(clip.votes or ()))}
    truth, speakers = tuple(emotion_of_clip(clip, emotions) for clip in clips), tuple(clip.speaker for clip in clips)
    rare = rare_emotions(truth, speakers).left_out if corpus.rare_classes == "drop" else frozenset[str]()
    kept = without_emotions(truth, rare)
    return LabelledClips(
        clips=clips,
        clip_hashes=pa.array([clip.clip_hash for clip in clips], type=pa.string()),
        truth=kept,
        speakers=speakers,
        votes=tuple(None if clip.votes is None else votes_by_emotion(clip.votes, emotions) for clip in clips),
        emotions=emotions,
        loose=not in_readable.isdisjoint(label_map.loose),
        dropped={
            name: tuple(clip.clip for clip, emotion in zip(clips, truth, strict=True) if emotion == name)
            for name in sorted(rare)
        },
    )


def readable_clips(corpus: CorpusRecord) -> tuple[ClipRecord, ...]:
    """The clips of a corpus that could be decoded."""
    return tuple(clip for clip in corpus.clips if clip.clip_hash is not None)


def emotion_of_clip(clip: ClipRecord, emotions: Mapping[str, str | None]) -> str | None:
    """The emotion of a clip's label; without a label, the emotion that more than half of its raters chose."""
    if clip.label is not None:
        return emotions[clip.label]
    return majority(votes_by_emotion(clip.votes, emotions)) if clip.votes else None


def votes_by_emotion(votes: Mapping[str, int], emotions: Mapping[str, str | None]) -> dict[str | None, int]:
    """Count votes for emotions instead of labels; None for labels that mean no emotion.

    Examples:
        >>> votes_by_emotion({"hap": 1, "joy": 2, "??": 1}, {"hap": "happiness", "joy": "happiness", "??": None})
        {'happiness': 3, None: 1}
    """
    counts: Counter[str | None] = Counter()
    for label, number in votes.items():
        counts[emotions.get(label)] += number
    return dict(counts)


def majority(votes: Mapping[str | None, int]) -> str | None:
    """The emotion that more than half of the raters chose; None where there is none, or they chose no emotion.

    Examples:
        >>> majority({"anger": 2, "fear": 1}), majority({"anger": 2, "fear": 1, "calm": 1})
        ('anger', None)
    """
    half = sum(votes.values()) / 2
    return next((emotion for emotion, number in votes.items() if number > half), None)


def is_tied(votes: Mapping[str | None, int]) -> bool:
    """Whether several emotions, or no emotion and another, have the most votes.

    Examples:
        >>> is_tied({"anger": 1, "fear": 1}), is_tied({"anger": 2, "fear": 1, "calm": 1})
        (True, False)
    """
    return list(votes.values()).count(max(votes.values(), default=0)) != 1


def human_ceiling(votes: Sequence[Mapping[str | None, int]]) -> tuple[float, float] | None:
    """Compare each rater of each clip with the majority of the clip's other raters.

    Where several emotions are equally frequent among the others, each is the truth with an equal share: dropping those
    clips would drop just the ratings that agreed with somebody. Each clip has the same weight, however many rated it.
    Votes for no emotion count as answers, and never as the truth.

    Args:
        votes: For each clip, emotion → votes.

    Returns:
        UAR and accuracy, the means over clips and raters; None where no clip has two raters.

    Examples:
        >>> human_ceiling([{"anger": 3}, {"fear": 2}])
        (1.0, 1.0)
    """
    hits: defaultdict[str, float] = defaultdict(float)
    total: defaultdict[str, float] = defaultdict(float)
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
                total[truth] += weight
                hits[truth] += weight * (truth == answer)
    if not total:
        return None
    recalls = [hits[emotion] / weight for emotion, weight in sorted(total.items())]
    return float(np.mean(recalls)), float(sum(hits.values()) / sum(total.values()))
