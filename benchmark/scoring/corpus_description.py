"""What there is to know of a corpus before trusting a score on it: counts, ties, flags, and what candidates cover."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from types import MappingProxyType

import numpy as np

from benchmark.audio.measuring import Acoustics
from benchmark.emotions.label_map import map_labels
from benchmark.results.corpus_description import (
    ChangedCopy,
    CorpusDescription,
    Coverage,
    DescribedClip,
    DescribedLabel,
    IdenticalClips,
    KnownOutputs,
    NearCopies,
    Spread,
)
from benchmark.results.leaderboard import CorpusSummary
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.compared_clips import knows_speakers
from benchmark.scoring.flags import FEW_CLIPS_BELOW, FEW_SPEAKERS_BELOW, TIED_FROM
from benchmark.scoring.labels import LabelledClips, emotion_of_clip, human_ceiling, is_tied, label_clips, majority
from benchmark.scoring.left_out import changed_copies, left_out_clips
from benchmark.scoring.telling_recordings import beat_guessing, telling_recordings
from benchmark.scoring.texts import few_texts
from benchmark.scoring.trained_on import seen

MIN_OCCURRENCES = 2
"""A value that occurs only once fits its label by necessity, and shows nothing."""
TELEPHONE_HZ = 4_200.0
"""A telephone's band ends at 3.4 kHz, and what is sampled at 8 kHz ends at 4 kHz; a filter's slope lies above that."""
_WIDE_RATE = 11_000
_SECONDS_PER_HOUR = 3600.0
CORPUS_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "unreadable": "Some clips cannot be read; they are left out for all candidates.",
        "no-speech": "In some clips a detector hears nobody speak; it takes some screams for noise.",
        "identical": "Some clips are the same recording, sample by sample: they count more than once.",
        "near-copies": "Some clips are changed copies of others (gain, encoding, length or noise): they count "
        "more than once.",
        "contradictory": "Some clips are the same recording, perhaps changed, with different labels.",
        "text-tied": "What is said gives the label away: a model that knows the text scores without hearing emotion.",
        "speaker-tied": "Who speaks gives the label away: a model that knows the voice scores without hearing emotion.",
        "length-tied": "How long a clip is gives the label away.",
        "level-tied": "How loud a clip is gives the label away.",
        "silence-tells": "A linear model on duration, level and pauses alone beats guessing on speakers that it does "
        "not know: compare all scores with its UAR.",
        "few-clips": f"An emotion has fewer than {FEW_CLIPS_BELOW} clips.",
        "few-speakers": f"Fewer than {FEW_SPEAKERS_BELOW} speakers, or nobody knows who speaks.",
        "telephone": "Some clips hold no more than a telephone's band, though their rate would hold more.",
        "clipped": "Some clips have peaks cut off at full scale.",
        "unmapped": "Some labels mean no emotion that is known; their clips are not scored.",
    }
)
"""The meaning of each flag of a corpus."""


def summarise_corpus(corpus: CorpusRecord, labelled: LabelledClips) -> CorpusSummary:
    """Count clips, emotions, speakers and hours of a corpus, as a leaderboard shows them."""
    clips, truth, emotions = labelled.clips, labelled.truth, labelled.emotions
    labels = Counter(clip.label for clip in clips if clip.label is not None)
    votes = [own or {} for own in labelled.votes]
    split = [
        own for clip, own in zip(clips, votes, strict=True) if own and clip.label is None and majority(own) is None
    ]
    tied = sum(map(is_tied, split))
    human = human_ceiling([own for emotion, own in zip(truth, votes, strict=True) if emotion is not None])
    human_uar, human_accuracy = human or (None, None)
    speakers, compared = set(labelled.speakers) - {None}, labelled.compared
    return CorpusSummary(
        name=corpus.name,
        source=corpus.source,
        synthetic=corpus.synthetic,
        clips=len(clips),
        available_clips=corpus.available_clips,
        unreadable=tuple(clip for clip in corpus.clips if clip.clip_hash is None),
        unscored_labels={label: number for label, number in sorted(labels.items()) if emotions[label] is None},
        emotion_clips=dict(sorted(Counter(emotion for emotion in truth if emotion is not None).items())),
        rare_emotions=tuple(sorted(labelled.rare.left_out)),
        label_emotions={label: emotion for label, emotion in sorted(emotions.items()) if emotion is not None},
        speakers=len(speakers) if knows_speakers(truth, labelled.speakers) else None,
        hours=sum(clip.duration_s or 0.0 for clip in clips) / _SECONDS_PER_HOUR,
        merge=corpus.merge,
        channel=corpus.channel,
        no_speech=sum(clip.is_silent for clip in clips),
        silent_clips=corpus.silent_clips,
        speech_share=_speech_share(clips),
        selection=corpus.selection,
        rated_clips=sum(map(bool, votes)),
        tied_clips=tied,
        minority_clips=len(split) - tied,
        human_uar=human_uar,
        human_accuracy=human_accuracy,
        duplicate_clips=len(clips) - len({clip.clip_hash for clip in clips}),
        text_tie=association([clip.text_id for clip in clips], truth),
        speaker_tie=association(labelled.speakers, truth),
        few_texts=few_texts(compared.texts),
        **vars(telling_recordings(clips, compared.truth)),
        failure=corpus.gap,
        left_out=left_out_clips(corpus, labelled),
    )


def describe(
    corpus: CorpusRecord,
    acoustics: Sequence[Acoustics | None],
    *,
    created: datetime,
    copies: Sequence[ChangedCopy] = (),
    notes: Sequence[str] = (),
) -> CorpusDescription:
    """Describe a corpus with the measurements of its clips, None for unreadable ones, and notes on how it was read.

    Args:
        copies: The changed copies among its clips.

    Raises:
        RequestError: An override or a merge names an unknown emotion.
    """
    labelled = label_clips(corpus)
    summary, emotions = summarise_corpus(corpus, labelled), labelled.emotions
    clips = tuple(_clip(clip, measured, emotions) for clip, measured in zip(corpus.clips, acoustics, strict=True))
    readable = [clip for clip in clips if clip.clip_hash is not None]
    near_copies = _near_copies(readable, copies)
    description = CorpusDescription(
        created=created,
        name=corpus.name,
        source=corpus.source,
        synthetic=corpus.synthetic,
        channel=corpus.channel,
        selection=corpus.selection,
        available_clips=corpus.available_clips,
        clips=clips,
        hours=summary.hours,
        labels=_labels(readable, emotions, summary.emotion_clips),
        classes=summary.emotion_clips,
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
        silent=summary.no_speech,
        speech_share=summary.speech_share,
        identical=_identical(readable),
        near_copies=near_copies,
        text_tie=summary.text_tie,
        speaker_tie=summary.speaker_tie,
        length_tie=summary.length_tie,
        level_tie=summary.level_tie,
        silence_uar=summary.silence_uar,
        silence_uar_low=summary.silence_uar_low,
        left_out=(*summary.left_out, *changed_copies(near_copies)),
        notes=tuple(notes),
    )
    return description.model_copy(update={"flags": _flags(description, summary)})


def is_telephone(clip: DescribedClip) -> bool:
    """Whether a clip holds a telephone's band only, saved at a rate that could hold much more."""
    if clip.bandwidth_hz is None or clip.sampling_rate is None:
        return False
    return clip.bandwidth_hz <= TELEPHONE_HZ and clip.sampling_rate >= _WIDE_RATE


def coverage_of(known: KnownOutputs, corpus: CorpusDescription) -> Coverage:
    """The emotions of a corpus that a candidate could express, by its labels alone."""
    labels = tuple(emotion for emotion in known.emotions if emotion is not None)
    own = map_labels(labels, merges=corpus.merge).classes
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


def association(values: Sequence[str | None], labels: Sequence[str | None]) -> float | None:
    """How strongly speakers, or texts, are tied to labels: Cramér's V with Bergsma's correction (Bergsma 2013).

    With φ² = χ²/n of the table of counts, r rows and c columns: φ̃² = max(0, φ² − (r−1)(c−1)/(n−1)),
    r̃ = r − (r−1)²/(n−1), c̃ = c − (c−1)²/(n−1), and V = √(φ̃² / min(r̃−1, c̃−1)): 0 on average for independent values,
    1 where one determines the other.

    Returns:
        V over the values that occur at least twice, with a label; None where these or the labels do not vary.

    Examples:
        >>> association(["s1", "s1", "s2", "s2", "s3"] * 20, ["anger", "anger", "fear", "fear", "joy"] * 20)
        1.0
        >>> association(["s1", "s2"] * 50, ["anger", "anger", "fear", "fear"] * 25)
        0.0
        >>> association([str(clip) for clip in range(100)], ["anger", "fear"] * 50) is None
        True
    """
    labelled = [pair for pair in zip(values, labels, strict=True) if None not in pair]
    occurrences = Counter(value for value, _ in labelled)
    sides = tuple(zip(*(pair for pair in labelled if occurrences[pair[0]] >= MIN_OCCURRENCES), strict=True))
    if not sides or 1 in (len(set(side)) for side in sides):
        return None
    # As objects: an array of texts takes the length of the longest for each.
    codes = [np.unique(np.array(side, dtype=object), return_inverse=True)[1] for side in sides]
    rows, columns = (int(side.max()) + 1 for side in codes)
    counts = np.bincount(codes[0] * columns + codes[1], minlength=rows * columns).reshape(rows, columns)
    clips = counts.sum()
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / clips
    phi_squared = float(((counts - expected) ** 2 / expected).sum() / clips)
    corrected = max(0.0, phi_squared - (rows - 1) * (columns - 1) / (clips - 1))
    most = min(spare - spare**2 / (clips - 1) for spare in (rows - 1, columns - 1))
    return 0.0 if most <= 0 else float(min(1.0, np.sqrt(corrected / most)))


def _speech_share(clips: Sequence[ClipRecord]) -> float | None:
    """The share of all audio that is speech; None where it is not known of every clip."""
    known = [(clip.duration_s, clip.speech_share) for clip in clips if clip.duration_s is not None]
    seconds = sum(duration for duration, _ in known)
    if not seconds or any(share is None for _, share in known):
        return None
    return sum(duration * (share or 0.0) for duration, share in known) / seconds


def _clip(clip: ClipRecord, acoustics: Acoustics | None, emotions: Mapping[str, str | None]) -> DescribedClip:
    described = DescribedClip.model_validate(clip, from_attributes=True)
    measured = {} if acoustics is None else vars(acoustics)
    return described.model_copy(update={"emotion": emotion_of_clip(clip, emotions), **measured})


def _labels(
    clips: Sequence[DescribedClip], emotions: Mapping[str, str | None], classes: Mapping[str, int]
) -> tuple[DescribedLabel, ...]:
    index = {name: number for number, name in enumerate(classes)}
    labels = [
        DescribedLabel(label=label, clips=number, emotion=emotions[label], index=index.get(emotions[label] or ""))
        for label, number in Counter(clip.label for clip in clips if clip.label is not None).items()
    ]
    return tuple(sorted(labels, key=lambda label: (label.index is None, label.index or 0, label.label)))


def _counts(values: Iterable[str | None]) -> dict[str, int]:
    """Clips by value, numbers in their order; the empty value stands for unknown and comes last."""
    counts = Counter(value or "" for value in values)
    order = {value: (value == "", float(value) if value.isdecimal() else math.inf, value) for value in counts}
    return {value: counts[value] for value in sorted(counts, key=lambda value: order[value])}


def _spread(values: Iterable[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return Spread(low=min(known), median=float(median(known)), high=max(known)) if known else None


def _identical(clips: Sequence[DescribedClip]) -> tuple[IdenticalClips, ...]:
    by_hash: dict[str | None, list[DescribedClip]] = {}
    for clip in clips:
        by_hash.setdefault(clip.clip_hash, []).append(clip)
    return tuple(
        IdenticalClips(
            clips=tuple(clip.clip for clip in same),
            labels=tuple(dict.fromkeys(clip.label for clip in same if clip.label is not None)),
            speakers=tuple(dict.fromkeys(clip.speaker for clip in same if clip.speaker is not None)),
        )
        for same in by_hash.values()
        if len(same) > 1
    )


def _near_copies(clips: Sequence[DescribedClip], copies: Sequence[ChangedCopy]) -> tuple[NearCopies, ...]:
    """Name the clips; the likest first."""
    by_hash = {clip.clip_hash: clip for clip in reversed(clips)}
    pairs = [((by_hash[copy.first], by_hash[copy.second]), copy.likeness) for copy in copies]
    return tuple(
        NearCopies(
            clips=tuple(clip.clip for clip in pair),
            likeness=min(likeness, 1.0),
            labels=tuple(dict.fromkeys(clip.label for clip in pair if clip.label is not None)),
            speakers=tuple(dict.fromkeys(clip.speaker for clip in pair if clip.speaker is not None)),
        )
        for pair, likeness in sorted(pairs, key=lambda found: -found[1])
    )


def _flags(description: CorpusDescription, summary: CorpusSummary) -> tuple[str, ...]:
    raised = {
        "unreadable": any(clip.clip_hash is None for clip in description.clips),
        "no-speech": description.silent > 0,
        "identical": bool(description.identical),
        "near-copies": bool(description.near_copies),
        "contradictory": any(len(same.labels) > 1 for same in description.identical)
        or any(len(same.labels) > 1 for same in description.near_copies),
        "text-tied": (description.text_tie or 0.0) >= TIED_FROM,
        "speaker-tied": (description.speaker_tie or 0.0) >= TIED_FROM,
        "length-tied": (description.length_tie or 0.0) >= TIED_FROM,
        "level-tied": (description.level_tie or 0.0) >= TIED_FROM,
        "silence-tells": beat_guessing(description.silence_uar_low, len(summary.compared_emotions)),
        "few-clips": bool(description.classes) and min(description.classes.values()) < FEW_CLIPS_BELOW,
        "few-speakers": (summary.speakers or 0) < FEW_SPEAKERS_BELOW,
        "telephone": description.telephone > 0,
        "clipped": description.clipped > 0,
        "unmapped": any(label.emotion is None for label in description.labels),
    }
    return tuple(flag for flag in CORPUS_FLAGS if raised[flag])
