"""Folds of a corpus: each clip is answered once, by a model that was not trained on its speaker.

Where sentences recur (10 actors read the same 10 texts), a model may recognise the sentence instead of the emotion.
From five texts on, texts are held out as well: the clips of a training part whose text is tested are left out of it.
Where that would cost more than a third of the training clips, each fold is answered in three parts, with a third of
the texts each, by three models: a part is trained on the other speakers and on texts that it does not test.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from benchmark.errors import RequestError, did_you_mean, shorten
from benchmark.results.training_record import TrainingFinding
from benchmark.scoring.texts import numbered
from benchmark.settings import expanded
from benchmark.training.balanced_folds import MIN_FOLDS, balanced_folds, inner_split
from benchmark.training.fold_files import FoldFile, folds_of_clips, read_emobox_folds, read_fold_file
from benchmark.training.training_clips import Indices, TrainingClips

MIN_TEXTS = 5
"""Below so many texts a part without those that are tested would lack most of the corpus."""
TEXT_PARTS = 3
_LARGEST_LOSS = 1 / TEXT_PARTS
_LEAVE_ONE_OUT = "loso"
_COLUMN = "column:"
_EMOBOX = "emobox:"
_LISTED = 3


class Allowed(StrEnum):
    """What a user may allow by name, although it makes the score say less than it seems to."""

    SHARED_SPEAKERS = "shared-speakers"
    """A speaker in several folds, as some published folds have it."""
    ONE_SPEAKER = "one-speaker"
    """Folds of the clips of a single speaker."""
    NEAR_COPIES = "near-copies"
    """A changed copy of a recording under another speaker or in another fold."""
    SEEN_ENCODER = "seen-encoder"
    """An encoder that was trained on the corpus."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Fold:
    """One division of the clips; indices are in ascending order.

    Attributes:
        number: From 1.
        name: What the user's column or file calls it, and the part of the texts, if there are several.
        speaker_fold: The number of the fold of speakers that this is, or is a part of.
    """

    number: int
    name: str
    speaker_fold: int
    train: Indices
    test: Indices
    validation: Indices = field(default_factory=lambda: np.array([], dtype=np.int64))

    def with_validation(self, clips: TrainingClips, share: float, seed: int) -> "Fold":
        """Hold `share` of the training speakers out of the fit, to monitor it; none where no speaker can be spared."""
        split = inner_split(self.train, clips.labels, clips.groups, share, seed)
        return replace(self, train=split.train, validation=split.validation)

    def describe(self, clips: TrainingClips) -> str:
        """Count the speakers of each part, or the clips where no speaker is known: `19 of 24 speakers train, …`.

        Texts are counted where those that are tested are not trained on.
        """
        noun, parts = "clips", [len(self.train), len(self.validation), len(self.test)]
        total = len(clips.names)
        if clips.has_speakers:
            noun, parts = (
                "speakers",
                [len(clips.speakers_of(part)) for part in (self.train, self.validation, self.test)],
            )
            total = len(clips.speakers_of(np.arange(total)))
        train, validate, test = parts
        middle = f", {validate:,} validate" if len(self.validation) else ""
        return f"{train:,} of {total:,} {noun} train{middle}, {test:,} test{self._describe_texts(clips)}"

    def _describe_texts(self, clips: TrainingClips) -> str:
        fitted = np.concatenate([self.train, self.validation])
        trained, tested = ({clips.texts[index] for index in part} - {None} for part in (fitted, self.test))
        if not trained or not tested or trained & tested:
            return ""
        return f"; {len(trained):,} of {len(set(clips.texts) - {None}):,} texts train, {len(tested):,} test"


@dataclass(frozen=True, kw_only=True)
class Folds:
    """All folds of a corpus.

    Attributes:
        rule: How they were made, in words.
        notes: Sentences for the user on what was done differently from what was asked.
        findings: What limits the meaning of the score.
    """

    folds: tuple[Fold, ...]
    rule: str
    notes: tuple[str, ...] = ()
    findings: tuple[TrainingFinding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Division:
    """The fold of each clip as an index into `names`."""

    of_clip: Indices
    names: tuple[str, ...]
    rule: str
    notes: tuple[str, ...] = ()


def make_folds(
    clips: TrainingClips,
    folds: str = "5",
    *,
    seed: int = 0,
    allow: Collection[str] = (),
    hold_out_texts: bool = True,
) -> Folds:
    """Divide a corpus into folds.

    Args:
        folds: A number; `loso`, a fold per speaker; `column:NAME`, a fold per value of a column; `emobox:DIR`, the
            test parts of EmoBox's manifests; or a file.
        seed: Of the division where `folds` is a number; the same seed gives the same folds.
        allow: Values of `Allowed`.
        hold_out_texts: Leave texts that are tested out of training, where there are enough texts.

    Raises:
        RequestError: The folds cannot be made, do not cover the clips, share speakers, or leave a class nothing to
            train on; or there is no such value of `Allowed`.
    """
    if unknown := [name for name in allow if name not in list(Allowed)]:
        hint = did_you_mean(unknown[0], [str(name) for name in Allowed], otherwise="these can be allowed:")
        raise RequestError(f"--allow {unknown[0]} is unknown{hint}")
    if len(clips.classes) < MIN_FOLDS:
        raise RequestError(
            f"All {len(clips.names):,} clips have the emotion {', '.join(clips.classes)}: training needs two emotions."
        )
    division = _divide(clips, folds, seed, allow)
    speakers = [*_unknown_speakers(clips), *_shared_speakers(clips, division, allow)]
    made = _folds_of(clips, division)
    _check_training_parts(clips, made)
    rule, texts = division.rule, list[TrainingFinding]()
    if hold_out_texts and (recurring := _recurring_texts(clips, division)):
        apart, sentence = _without_tested_texts(clips, division, recurring, seed)
        if apart:
            made, rule = apart, f"{rule}; {sentence}"
        else:
            texts.append(TrainingFinding(kind="same-texts", sentence=sentence))
    findings = (*speakers, *texts, *_untested_classes(clips, made))
    return Folds(folds=tuple(made), rule=rule, notes=division.notes, findings=findings)


def _divide(clips: TrainingClips, folds: str, seed: int, allow: Collection[str]) -> _Division:
    """Find the fold of each clip by the user's rule."""
    if folds == _LEAVE_ONE_OUT:
        return _leave_one_speaker_out(clips)
    if folds.startswith(_COLUMN):
        return _by_column(clips, folds.removeprefix(_COLUMN))
    if folds.startswith(_EMOBOX):
        folder = expanded(folds.removeprefix(_EMOBOX))
        return _by_file(clips, read_emobox_folds(folder), folder)
    if not folds.isdecimal():
        return _by_file(clips, read_fold_file(Path(folds)), Path(folds))
    if int(folds) < MIN_FOLDS:
        raise RequestError(f"--folds {folds} leaves nothing to train on: take 2 or more, such as --folds 5.")
    if len(set(clips.groups.tolist())) == 1 and Allowed.ONE_SPEAKER not in allow:
        raise RequestError(
            f"All {len(clips.names):,} clips are of one speaker, so nothing tells what the model is worth on another: "
            f"name more speakers, or accept folds of clips with --allow {Allowed.ONE_SPEAKER}."
        )
    return _balanced(clips, int(folds), seed)


def _balanced(clips: TrainingClips, count: int, seed: int) -> _Division:
    groups, noun = clips.groups, "speaker" if clips.has_speakers else "different recording"
    if len(set(groups.tolist())) == 1:
        groups, noun = numbered(clips.hashes), "different recording"
    of_clip = balanced_folds(clips.labels, groups, count, seed)
    made = int(of_clip.max()) + 1
    if made < MIN_FOLDS:
        raise RequestError(f"{len(clips.names)} clips cannot be divided into folds: training needs more recordings.")
    disjoint = "speaker-disjoint folds" if noun == "speaker" else "folds of clips"
    notes = (f"{made} folds are made instead of {count}, since there are no more {noun}s, or clips of an emotion.",)
    return _Division(
        of_clip=of_clip,
        names=tuple(str(number) for number in range(1, made + 1)),
        rule=f"{made} {disjoint} with the emotions spread evenly, seed {seed}",
        notes=notes if made < count else (),
    )


def _leave_one_speaker_out(clips: TrainingClips) -> _Division:
    if unknown := clips.speakers.count(None):
        raise RequestError(
            f"{unknown:,} of {len(clips.names):,} clips name no speaker, so that none can be left out: name them, or "
            "take a number of folds."
        )
    return _by_names(clips, clips.speakers, "of one speaker each", "no speaker is known of")


def _by_column(clips: TrainingClips, column: str) -> _Division:
    columns = sorted({name for values in clips.attributes for name in values})
    if column not in columns:
        hint = did_you_mean(column, columns, otherwise="it has") or "; it has none"
        raise RequestError(f"The corpus has no column {column!r} to take folds from{hint}")
    values = [values.get(column) for values in clips.attributes]
    return _by_names(clips, values, f"by the column {column!r}", f"the column {column!r} is empty for")


def _by_file(clips: TrainingClips, file: FoldFile, path: Path) -> _Division:
    of_clips = folds_of_clips(file, clips)
    if empty := sorted(set(file.folds.values()) - set(of_clips), key=_natural):
        raise RequestError(
            f"No clip is in fold {empty[0]} of {path}: check that it names each {file.names} as the corpus does, or "
            "delete the fold."
        )
    return _by_names(clips, of_clips, f"by {path.name}", f"{path} gives no fold to")


def _by_names(clips: TrainingClips, of_clips: Sequence[str | None], rule: str, missing: str) -> _Division:
    """Number named folds, which have to cover all clips."""
    if without := [name for name, fold in zip(clips.names, of_clips, strict=True) if fold is None]:
        raise RequestError(
            f"Folds {rule}: {missing} {len(without):,} of {len(clips.names):,} clips "
            f"({shorten(without, _LISTED)}): give each clip a fold, or leave these out of the corpus."
        )
    names = sorted({fold for fold in of_clips if fold is not None}, key=_natural)
    if len(names) < MIN_FOLDS:
        raise RequestError(f"Folds {rule}: there is one fold only ({names[0]}), and nothing is left to train on.")
    index = {name: number for number, name in enumerate(names)}
    of_clip = np.array([index[fold] for fold in of_clips if fold is not None], dtype=np.int64)
    return _Division(of_clip=of_clip, names=tuple(names), rule=f"{len(names)} folds {rule}")


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdecimal() else (1, 0, name)


def _unknown_speakers(clips: TrainingClips) -> list[TrainingFinding]:
    """Say what the score is not where speakers are unknown or there is only one."""
    unknown = clips.speakers.count(None)
    if unknown == len(clips.names):
        sentence = (
            "No clip names its speaker: training and test may share voices, so the score is not what the model is "
            "worth on speakers that it has not heard. Name the speakers to learn that."
        )
    elif unknown:
        sentence = (
            f"{unknown:,} of {len(clips.names):,} clips name no speaker: their voices may be in training and in test, "
            "which raises the score. Name these speakers, or leave the clips out."
        )
    elif len(set(clips.speakers)) == 1:
        sentence = (
            f"All clips are of the speaker {clips.speakers[0]}: the score is what the model is worth on more clips of "
            "this voice, and nothing is known about others."
        )
    else:
        return []
    return [TrainingFinding(kind="no-speakers", sentence=sentence)]


def _shared_speakers(clips: TrainingClips, division: _Division, allow: Collection[str]) -> list[TrainingFinding]:
    """Refuse folds that share a speaker, or report them where that is allowed."""
    folds: dict[str, set[int]] = {}
    for speaker, fold in zip(clips.speakers, division.of_clip.tolist(), strict=True):
        if speaker is not None:
            folds.setdefault(speaker, set()).add(fold)
    shared = sorted(speaker for speaker, own in folds.items() if len(own) > 1)
    if not shared or (len(folds) == 1 and Allowed.ONE_SPEAKER in allow):
        return []
    names = ", ".join(division.names[fold] for fold in sorted(folds[shared[0]]))
    sentence = (
        f"{len(shared)} of {len(folds)} speakers are in several folds ({shared[0]} in {names}), so that the model is "
        "tested on voices that it was trained on"
    )
    if Allowed.SHARED_SPEAKERS in allow:
        return [TrainingFinding(kind="leak", sentence=f"{sentence}: the score is too high for speakers not heard.")]
    raise RequestError(f"{sentence}: give each speaker one fold, or accept it with --allow {Allowed.SHARED_SPEAKERS}.")


def _folds_of(clips: TrainingClips, division: _Division) -> list[Fold]:
    everything = np.arange(len(clips.names))
    return [
        Fold(
            number=number,
            name=name,
            speaker_fold=number,
            train=everything[division.of_clip != fold],
            test=everything[division.of_clip == fold],
        )
        for fold, (number, name) in enumerate(zip(range(1, len(division.names) + 1), division.names, strict=True))
    ]


def _check_training_parts(clips: TrainingClips, folds: Sequence[Fold]) -> None:
    for fold in folds:
        if missing := _classes_without(clips, fold.train):
            own = np.flatnonzero(clips.labels == clips.classes.index(missing[0]))
            speakers = len(clips.speakers_of(own))
            counted = f"{speakers} speaker{'s' * (speakers != 1)}" if speakers else f"{len(own)} in all"
            raise RequestError(
                f"Fold {fold.name} has no clip of {missing[0]} to train on, since all clips of {missing[0]} "
                f"({counted}) are in its test part: take fewer folds, merge "
                f"the emotion into another (--merge {missing[0]}=…), or leave it out."
            )


def _classes_without(clips: TrainingClips, indices: Indices) -> list[str]:
    counts = np.bincount(clips.labels[indices], minlength=len(clips.classes))
    return [clips.classes[index] for index in np.flatnonzero(counts == 0)]


def _untested_classes(clips: TrainingClips, folds: Sequence[Fold]) -> list[TrainingFinding]:
    missing: dict[str, list[str]] = {}
    for fold in folds:
        for emotion in _classes_without(clips, fold.test):
            missing.setdefault(emotion, []).append(fold.name)
    if not missing:
        return []
    listed = "; ".join(f"{emotion} in {len(names)} of {len(folds)} folds" for emotion, names in missing.items())
    return [
        TrainingFinding(
            kind="untested-class",
            sentence=f"Some test parts have no clip of an emotion ({listed}): their own scores do not compare, the "
            "pooled one does.",
        )
    ]


def _text_keys(clips: TrainingClips) -> Indices:
    """Number the texts; a clip without one has its own."""
    return numbered([index if text is None else text for index, text in enumerate(clips.texts)])


def _recurring_texts(clips: TrainingClips, division: _Division) -> int:
    """Count the texts that are spoken in several folds."""
    folds: dict[str, set[int]] = {}
    for text, fold in zip(clips.texts, division.of_clip.tolist(), strict=True):
        if text is not None:
            folds.setdefault(text, set()).add(fold)
    return sum(len(own) > 1 for own in folds.values())


def _without_tested_texts(
    clips: TrainingClips, division: _Division, recurring: int, seed: int
) -> tuple[list[Fold], str]:
    """Leave tested texts out of training; no folds where that is not possible, and a sentence in either case."""
    known = len(set(clips.texts) - {None})
    shared = f"{recurring} of {known} texts are spoken in several folds"
    if known < MIN_TEXTS:
        return [], (
            f"{shared}, and {known} are too few to hold texts out: the score is for new speakers of the same texts."
        )
    texts = _text_keys(clips)
    folds = _text_folds(clips, division, np.zeros_like(texts))
    parts, full = 1, [int((division.of_clip != division.of_clip[fold.test[0]]).sum()) for fold in folds]
    if sum(len(fold.train) for fold in folds) < (1 - _LARGEST_LOSS) * sum(full):
        part_of_clip = balanced_folds(clips.labels, texts, TEXT_PARTS, seed)
        parts, folds = int(part_of_clip.max()) + 1, _text_folds(clips, division, part_of_clip)
    for fold in folds:
        if missing := _classes_without(clips, fold.train):
            return [], (
                f"{shared}, and without those that are tested, fold {fold.name} would have no clip of {missing[0]} to "
                "train on: the score is for new speakers of the same texts."
            )
    in_parts = f", in {parts} parts per fold" if parts > 1 else ""
    return folds, f"texts that are tested are left out of training{in_parts}"


def _text_folds(clips: TrainingClips, division: _Division, part_of_clip: Indices) -> list[Fold]:
    """A fold for each part of the texts in each fold: trained on other speakers, and texts that it does not test."""
    texts, everything, parts = _text_keys(clips), np.arange(len(clips.names)), int(part_of_clip.max()) + 1
    folds: list[Fold] = []
    for number, name in enumerate(division.names):
        for part in range(parts):
            inside = division.of_clip == number
            test = everything[inside & (part_of_clip == part)]
            if not len(test):
                continue
            train = everything[~inside & ~np.isin(texts, texts[test])]
            label = name if parts == 1 else f"{name}, texts {part + 1} of {parts}"
            folds.append(Fold(number=len(folds) + 1, name=label, speaker_fold=number + 1, train=train, test=test))
    return folds
