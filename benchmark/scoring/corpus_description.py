"""From what was heard and measured of a corpus to its description: counts, spreads, ties and flags."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from types import MappingProxyType

from benchmark.audio.measuring import Acoustics
from benchmark.emotions.label_map import require_contiguous
from benchmark.emotions.merges import Merges
from benchmark.results.description import (
    CorpusDescription,
    Coverage,
    DescribedClip,
    DescribedLabel,
    IdenticalClips,
    Spread,
)
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.association import TIED_FROM, association
from benchmark.scoring.corpus_summary import SECONDS_PER_HOUR, speech_share
from benchmark.scoring.flags import FEW_CLIPS, FEW_SPEAKERS
from benchmark.scoring.labelled_clips import emotion_by_label, emotion_of_clip

TELEPHONE_HZ = 4_200.0
"""A telephone's band ends at 3.4 kHz, and what is sampled at 8 kHz ends at 4 kHz; a filter's slope lies above that."""
_WIDE_RATE = 11_000
CORPUS_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "unreadable": "Some clips cannot be read; they are left out for all candidates.",
        "no-speech": "In some clips a detector hears nobody speak; it takes some screams for noise.",
        "identical": "Some clips are the same recording, sample by sample: they count more than once.",
        "contradictory": "Some clips are the same recording with different labels.",
        "text-tied": "What is said gives the label away: a model that knows the text scores without hearing emotion.",
        "speaker-tied": "Who speaks gives the label away: a model that knows the voice scores without hearing emotion.",
        "few-clips": f"An emotion has fewer than {FEW_CLIPS} clips.",
        "few-speakers": f"Fewer than {FEW_SPEAKERS} speakers, or nobody knows who speaks.",
        "telephone": "Some clips hold no more than a telephone's band, though their rate would hold more.",
        "clipped": "Some clips have peaks cut off at full scale.",
        "unmapped": "Some labels mean no emotion that is known; their clips are not scored.",
    }
)
"""What each flag of a corpus means."""


def describe(
    corpus: CorpusRecord, acoustics: Sequence[Acoustics | None], *, created: datetime, notes: Sequence[str] = ()
) -> CorpusDescription:
    """Describe a corpus.

    Args:
        corpus: As it was heard, with its merges.
        acoustics: What was measured of each clip, in its order; None where it could not be read.
        created: When.
        notes: What a person should know of how it was read.

    Returns:
        The description, without candidates.

    Raises:
        RequestError: An override or a merge names an emotion that nobody knows.
    """
    emotions = emotion_by_label(corpus, Merges(corpus.merge))
    clips = tuple(_clip(each, measured, emotions) for each, measured in zip(corpus.clips, acoustics, strict=True))
    readable = [clip for clip in clips if clip.clip_hash is not None]
    records = [clip for clip in corpus.clips if clip.clip_hash is not None]
    classes = Counter(clip.emotion for clip in readable if clip.emotion is not None)
    ordered = {name: classes[name] for name in sorted(classes)}
    described = CorpusDescription(
        created=created,
        name=corpus.name,
        source=corpus.source,
        synthetic=corpus.synthetic,
        channel=corpus.channel,
        selection=corpus.selection,
        available_clips=corpus.available_clips,
        clips=clips,
        hours=sum(clip.duration_s or 0.0 for clip in readable) / SECONDS_PER_HOUR,
        labels=_labels(readable, emotions, ordered),
        classes=ordered,
        unlabelled=sum(clip.label is None for clip in readable),
        merge=corpus.merge,
        speakers=_counts(clip.speaker for clip in readable),
        sexes=_counts(clip.sex for clip in readable),
        languages=_counts(clip.language for clip in readable),
        sampling_rates=_counts(str(clip.sampling_rate) for clip in readable),
        channels=_counts(str(clip.channels) for clip in readable),
        duration_s=_spread(clip.duration_s for clip in readable),
        level_db=_spread(clip.level_db for clip in readable),
        bandwidth_hz=_spread(clip.bandwidth_hz for clip in readable),
        clipped=sum(bool(clip.clipped_share) for clip in readable),
        telephone=sum(is_telephone(clip) for clip in readable),
        silent=sum(clip.is_silent for clip in records),
        speech_share=speech_share(records),
        identical=_identical(readable),
        text_tie=_tie([clip.text_id for clip in readable], readable),
        speaker_tie=_tie([clip.speaker for clip in readable], readable),
        notes=tuple(notes),
    )
    return described.model_copy(update={"flags": _flags(described)})


def is_telephone(clip: DescribedClip) -> bool:
    """Whether a clip holds a telephone's band only, saved at a rate that could hold much more.

    Examples:
        >>> is_telephone(DescribedClip(clip="a", clip_hash="h", sampling_rate=16000, bandwidth_hz=3400.0))
        True
        >>> is_telephone(DescribedClip(clip="a", clip_hash="h", sampling_rate=8000, bandwidth_hz=3400.0))
        False
    """
    if clip.bandwidth_hz is None or clip.sampling_rate is None:
        return False
    return clip.bandwidth_hz <= TELEPHONE_HZ and clip.sampling_rate >= _WIDE_RATE


def with_candidates(description: CorpusDescription, candidates: Sequence[Coverage]) -> CorpusDescription:
    """Add what the candidates could cover."""
    return description.model_copy(update={"candidates": tuple(candidates)})


def _clip(clip: ClipRecord, acoustics: Acoustics | None, emotions: Mapping[str, str | None]) -> DescribedClip:
    return DescribedClip(
        clip=clip.clip,
        clip_hash=clip.clip_hash,
        failure=clip.failure,
        label=clip.label,
        emotion=emotion_of_clip(clip, emotions),
        speaker=clip.speaker,
        sex=clip.sex,
        language=clip.language,
        text_id=clip.text_id,
        duration_s=clip.duration_s,
        speech_share=clip.speech_share,
        **({} if acoustics is None else vars(acoustics)),
    )


def _labels(
    clips: Sequence[DescribedClip], emotions: Mapping[str, str | None], classes: Mapping[str, int]
) -> tuple[DescribedLabel, ...]:
    places = {name: place for place, name in enumerate(classes)}
    counted = Counter(clip.label for clip in clips if clip.label is not None)
    labels = [
        DescribedLabel(label=label, clips=number, emotion=emotions[label], index=places.get(emotions[label] or ""))
        for label, number in counted.items()
    ]
    require_contiguous([*places.values()], once=True)
    return tuple(sorted(labels, key=lambda each: (each.index is None, each.index or 0, each.label)))


def _counts(values: Iterable[str | None]) -> dict[str, int]:
    counted = Counter(value or "" for value in values)
    return dict(sorted(counted.items(), key=lambda item: (item[0] == "", _natural(item[0]))))


def _natural(name: str) -> tuple[float, str]:
    return (float(name) if name.isdecimal() else math.inf, name)


def _spread(values: Iterable[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return Spread(low=min(known), median=float(median(known)), high=max(known)) if known else None


def _identical(clips: Sequence[DescribedClip]) -> tuple[IdenticalClips, ...]:
    groups: dict[str | None, list[DescribedClip]] = {}
    for clip in clips:
        groups.setdefault(clip.clip_hash, []).append(clip)
    return tuple(
        IdenticalClips(
            clips=tuple(clip.clip for clip in group),
            labels=tuple(dict.fromkeys(clip.label for clip in group if clip.label is not None)),
            speakers=tuple(dict.fromkeys(clip.speaker for clip in group if clip.speaker is not None)),
        )
        for group in groups.values()
        if len(group) > 1
    )


def _tie(values: Sequence[str | None], clips: Sequence[DescribedClip]) -> float | None:
    tie = association(values, [clip.emotion for clip in clips])
    return None if math.isnan(tie) else tie


def _flags(described: CorpusDescription) -> tuple[str, ...]:
    known_speakers = "" not in described.speakers
    raised = {
        "unreadable": any(clip.clip_hash is None for clip in described.clips),
        "no-speech": described.silent > 0,
        "identical": bool(described.identical),
        "contradictory": any(len(group.labels) > 1 for group in described.identical),
        "text-tied": (described.text_tie or 0.0) >= TIED_FROM,
        "speaker-tied": (described.speaker_tie or 0.0) >= TIED_FROM,
        "few-clips": bool(described.classes) and min(described.classes.values()) < FEW_CLIPS,
        "few-speakers": not known_speakers or len(described.speakers) < FEW_SPEAKERS,
        "telephone": described.telephone > 0,
        "clipped": described.clipped > 0,
        "unmapped": any(label.index is None for label in described.labels),
    }
    return tuple(flag for flag in CORPUS_FLAGS if raised[flag])
