"""From what was heard and measured of a corpus to its description: counts, spreads, ties and flags."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from types import MappingProxyType

import numpy as np

from benchmark.audio.measuring import Acoustics
from benchmark.emotions.label_map import map_labels, require_contiguous
from benchmark.emotions.merges import Merges
from benchmark.results.description import (
    CorpusDescription,
    Coverage,
    DescribedClip,
    DescribedLabel,
    IdenticalClips,
    KnownOutputs,
    Spread,
)
from benchmark.results.leaderboard import CorpusSummary
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.flags import FEW_CLIPS, FEW_SPEAKERS, TIED_FROM
from benchmark.scoring.labels import (
    Agreement,
    emotion_by_label,
    emotion_of_clip,
    human_ceiling,
    majority,
    readable_clips,
    votes_by_emotion,
)
from benchmark.scoring.seen import seen

MIN_OCCURRENCES = 2
"""A value that occurs only once fits its label by necessity, and says nothing."""


def bias_corrected_cramers_v(first: Sequence[str | None], second: Sequence[str | None]) -> float:
    r"""Cramér's V with Bergsma's correction, which is 0 on average where nothing is tied (Bergsma 2013).

    With φ² = χ²/n of the table of counts, r rows and c columns: φ̃² = max(0, φ² − (r−1)(c−1)/(n−1)),
    r̃ = r − (r−1)²/(n−1), c̃ = c − (c−1)²/(n−1), and V = √(φ̃² / min(r̃−1, c̃−1)).

    Args:
        first: A value per clip; clips with None on either side are left out.
        second: Another one, as long.

    Returns:
        A number from 0, nothing in common, to 1, one tells the other; NaN where a side has fewer than two values.

    Raises:
        ValueError: The lengths differ.

    Examples:
        >>> bias_corrected_cramers_v(["a", "b"] * 50, ["x", "y"] * 50)
        1.0
        >>> bias_corrected_cramers_v(["a", "b"] * 50, ["x", "x", "y", "y"] * 25)
        0.0
    """
    pairs = [(one, other) for one, other in zip(first, second, strict=True) if one is not None and other is not None]
    rows, columns = ({value: place for place, value in enumerate(dict.fromkeys(side))} for side in _sides(pairs))
    if min(len(rows), len(columns)) < 2:  # noqa: PLR2004 - one value cannot vary
        return float("nan")
    counts = np.zeros((len(rows), len(columns)))
    for (one, other), number in Counter(pairs).items():
        counts[rows[one], columns[other]] = number
    clips = counts.sum()
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / clips
    phi_squared = float(((counts - expected) ** 2 / expected).sum() / clips)
    spare_rows, spare_columns = len(rows) - 1, len(columns) - 1
    corrected = max(0.0, phi_squared - spare_rows * spare_columns / (clips - 1))
    most = min(spare_rows - spare_rows**2 / (clips - 1), spare_columns - spare_columns**2 / (clips - 1))
    return 0.0 if most <= 0 else float(min(1.0, np.sqrt(corrected / most)))


def association(values: Sequence[str | None], labels: Sequence[str | None]) -> float:
    """How strongly speakers, or texts, are tied to labels (PROTOCOL, Flags).

    Args:
        values: The speaker or the text of each clip; None where nobody knows.
        labels: The label of each clip.

    Returns:
        The bias-corrected Cramér's V over the values that occur at least twice; NaN where there are not two of them.

    Examples:
        >>> association(["s1", "s1", "s2", "s2", "s3"] * 20, ["anger", "anger", "fear", "fear", "joy"] * 20)
        1.0
        >>> association([str(clip) for clip in range(100)], ["anger", "fear"] * 50)
        nan
    """
    often = Counter(value for value, label in zip(values, labels, strict=True) if label is not None)
    kept = [value if often[value] >= MIN_OCCURRENCES else None for value in values]
    return bias_corrected_cramers_v(kept, labels)


def _sides(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


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
        text_tie=_clip_tie([clip.text_id for clip in readable], readable),
        speaker_tie=_clip_tie([clip.speaker for clip in readable], readable),
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


def _clip_tie(values: Sequence[str | None], clips: Sequence[DescribedClip]) -> float | None:
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


def coverage_of(known: KnownOutputs, corpus: CorpusDescription) -> Coverage:
    """Hold what a candidate distinguishes against the emotions of a corpus.

    Args:
        known: What is known of the candidate.
        corpus: The description of the corpus.

    Returns:
        What it covers.
    """
    named = tuple(emotion for emotion in known.emotions if emotion is not None)
    own = map_labels(named, merges=Merges(corpus.merge)).classes
    covered = tuple(name for name in corpus.classes if name in own)
    clips = sum(corpus.classes.values())
    return Coverage(
        candidate=known.candidate,
        known_from=known.known_from,
        status=known.status,
        classes=own,
        covered=covered,
        missing=tuple(name for name in corpus.classes if name not in own) if known.emotions else (),
        coverage=sum(corpus.classes[name] for name in covered) / clips if known.emotions and clips else None,
        seen=seen(known.trained_on, corpus.name).value,
    )
