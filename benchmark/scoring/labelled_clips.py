"""The clips of a corpus with what each is held against: the same for all candidates, and found out once."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from benchmark.emotions.label_map import map_labels
from benchmark.emotions.merges import Merges
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.raters import majority, votes_by_emotion

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
