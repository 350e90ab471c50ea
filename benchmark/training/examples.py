"""From a decoded corpus to the clips of a training."""

from collections import Counter
from dataclasses import dataclass

from benchmark.corpora.audio_sources import AudioSource
from benchmark.errors import RequestError
from benchmark.evaluation.decoding import DecodedCorpus
from benchmark.results.runs import ClipRecord
from benchmark.scoring.labels import label_clips
from benchmark.training.training_clips import TrainingClips, class_indices


@dataclass(frozen=True, eq=False, kw_only=True)
class Examples:
    """The clips of a corpus that can be trained on, with their audio.

    Attributes:
        corpus: The name of the corpus.
        audio: Clip hashes with their audio, parallel to the clips.
        label_map: What each label of the corpus means; None for no emotion.
        left_out: Sentences on the clips that are not among them.
    """

    corpus: str
    clips: TrainingClips
    audio: tuple[tuple[str, AudioSource], ...]
    label_map: dict[str, str | None]
    left_out: tuple[str, ...]


def examples_of(corpus: DecodedCorpus) -> Examples:
    """Take the readable clips with an emotion; of a recording that occurs twice alike, the first.

    Raises:
        RequestError: No clip is left.
    """
    labelled = label_clips(corpus.record)
    seen: set[tuple[str | None, ...]] = set()
    kept: list[tuple[ClipRecord, str]] = []
    reasons: Counter[str] = Counter({"cannot be read": len(corpus.record.clips) - len(labelled.clips)})
    for clip, emotion in zip(labelled.clips, labelled.truth, strict=True):
        key = (clip.clip_hash, emotion, clip.speaker)
        if emotion is None:
            reasons["have no label that means an emotion"] += 1
        elif key in seen:
            reasons["are copies of others with the same label and speaker"] += 1
        else:
            seen.add(key)
            kept.append((clip, emotion))
    left_out = tuple(
        f"{number:,} of {len(corpus.record.clips):,} clips of {corpus.record.name} are left out: they {reason}."
        for reason, number in reasons.items()
        if number
    )
    if not kept:
        raise RequestError(
            f"{corpus.record.name} has no clip to train on: {' '.join(left_out) or 'it is empty.'} "
            "`bench corpus` shows its labels; the registry's `labels` say what they mean."
        )
    labels, classes = class_indices([emotion for _, emotion in kept])
    records = [clip for clip, _ in kept]
    hashes = [clip.clip_hash or "" for clip in records]
    return Examples(
        corpus=corpus.record.name,
        clips=TrainingClips(
            names=tuple(clip.clip for clip in records),
            labels=labels,
            classes=classes,
            speakers=tuple(clip.speaker for clip in records),
            texts=tuple(clip.text_id for clip in records),
            hashes=tuple(hashes),
            attributes=tuple(map(_columns, records)),
        ),
        audio=tuple((clip_hash, corpus.audio[clip_hash]) for clip_hash in hashes),
        label_map=dict(labelled.emotions),
        left_out=left_out,
    )


def _columns(clip: ClipRecord) -> dict[str, str]:
    """What the corpus says of a clip, by column, for folds by a column."""
    described = {"sex": clip.sex, "language": clip.language, "intensity": clip.intensity, "text_id": clip.text_id}
    return {**{name: text for name, text in described.items() if text is not None}, **clip.attributes}
