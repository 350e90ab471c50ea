"""What a reader has to know of a corpus beside the scores on it: how much of it was heard, and of what."""

import math
from collections import Counter
from collections.abc import Sequence

from benchmark.emotions.label_map import map_labels
from benchmark.emotions.merges import Merges
from benchmark.results.leaderboard import CorpusSummary
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.association import association
from benchmark.scoring.labelled_clips import emotion_by_label, emotion_of_clip, readable_clips
from benchmark.scoring.raters import Agreement, human_ceiling, majority, votes_by_emotion

SECONDS_PER_HOUR = 3600.0


def summarise_corpus(corpus: CorpusRecord, merges: Merges) -> CorpusSummary:
    """Count clips, emotions, speakers and hours of a corpus.

    Args:
        corpus: The corpus as the run met it.
        merges: Its merges.

    Returns:
        Counts over the clips that could be read; those that could not are listed.

    Raises:
        RequestError: An override or a merge names an emotion that nobody knows.
    """
    clips = readable_clips(corpus)
    emotions = emotion_by_label(corpus, merges)
    labels = Counter(clip.label for clip in clips if clip.label is not None)
    truth = [emotion_of_clip(clip, emotions) for clip in clips]
    emotion_clips = Counter(emotion for emotion in truth if emotion is not None)
    votes = [votes_by_emotion(clip.votes or {}, emotions) for clip in clips]
    agreements = Counter(
        majority(said).agreement for clip, said in zip(clips, votes, strict=True) if clip.votes and clip.label is None
    )
    ceiling = human_ceiling([said for emotion, said in zip(truth, votes, strict=True) if emotion is not None])
    speakers = {clip.speaker for clip in clips}
    return CorpusSummary(
        name=corpus.name,
        source=corpus.source,
        synthetic=corpus.synthetic,
        clips=len(clips),
        available_clips=corpus.available_clips,
        unreadable=tuple(clip for clip in corpus.clips if clip.clip_hash is None),
        unscored_labels={label: number for label, number in sorted(labels.items()) if emotions[label] is None},
        emotion_clips=dict(sorted(emotion_clips.items())),
        label_emotions={label: emotion for label, emotion in sorted(emotions.items()) if emotion is not None},
        speakers=len(speakers) if speakers and None not in speakers else None,
        hours=sum(clip.duration_s or 0.0 for clip in clips) / SECONDS_PER_HOUR,
        merge=corpus.merge,
        channel=corpus.channel,
        no_speech=sum(clip.is_silent for clip in clips),
        silent_clips=corpus.silent_clips,
        speech_share=speech_share(clips),
        selection=corpus.selection,
        rated_clips=sum(bool(clip.votes) for clip in clips),
        tied_clips=agreements[Agreement.TIED],
        minority_clips=agreements[Agreement.MINORITY],
        human_uar=ceiling.uar,
        human_accuracy=ceiling.accuracy,
        duplicate_clips=len(clips) - len({clip.clip_hash for clip in clips}),
        text_tie=_tie([clip.text_id for clip in clips], truth),
        speaker_tie=_tie([clip.speaker for clip in clips], truth),
    )


def _tie(values: Sequence[str | None], truth: Sequence[str | None]) -> float | None:
    tie = association(values, truth)
    return None if math.isnan(tie) else tie


def speech_share(clips: Sequence[ClipRecord]) -> float | None:
    """The share of all audio in which somebody speaks; None where it is not known of every clip."""
    heard = [(clip.duration_s, clip.speech_share) for clip in clips if clip.duration_s is not None]
    seconds = sum(duration for duration, _ in heard)
    if not seconds or any(share is None for _, share in heard):
        return None
    return sum(duration * (share or 0.0) for duration, share in heard) / seconds


def has_loose_labels(corpus: CorpusRecord) -> bool:
    """Whether a coarse label that occurs in the corpus stands for an emotion by an override."""
    clips = readable_clips(corpus)
    present = {clip.label for clip in clips if clip.label is not None}
    labels = tuple((present | {label for clip in clips for label in clip.votes or ()}) & set(corpus.labels))
    return bool(map_labels(labels, overrides={label: corpus.labels[label] for label in labels}).loose)
