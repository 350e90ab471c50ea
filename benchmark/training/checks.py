"""Checks of a corpus and its folds before training: classes that are too small, and recordings on both sides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.fingerprints import NearCopy
from benchmark.errors import RequestError
from benchmark.results.training_record import TrainingFinding
from benchmark.scoring.trained_on import Seen, seen
from benchmark.training.features import EncoderSource
from benchmark.training.folds import Allowed, Folds
from benchmark.training.training_clips import TrainingClips, class_counts

IMBALANCED = 5.0
"""The largest class weight by default: beyond it the weights no longer make up for the sizes."""
_LISTED = 3


def check_classes(clips: TrainingClips, folds: Folds) -> list[TrainingFinding]:
    """Find classes whose scores are uncertain: much rarer than others, or of few speakers."""
    counts = np.bincount(clips.labels, minlength=len(clips.classes))
    smallest, largest = int(counts.argmin()), int(counts.argmax())
    findings = _few_speakers(clips, folds)
    if counts[largest] >= IMBALANCED * counts[smallest]:
        sentence = (
            f"{clips.classes[largest]} has {counts[largest]:,} clips and {clips.classes[smallest]} "
            f"{counts[smallest]:,}: look at the recall of each emotion; collect more of the rare ones, or merge them."
        )
        findings.append(TrainingFinding(kind="imbalance", sentence=sentence))
    return findings


def check_size(clips: TrainingClips, fitted_parameters: int | None) -> list[TrainingFinding]:
    """Report fewer clips than parameters that are fitted; nothing where their number is unknown."""
    if fitted_parameters is None or len(clips.names) >= fitted_parameters:
        return []
    sentence = (
        f"{len(clips.names):,} clips are fewer than the {fitted_parameters:,} parameters that are fitted, so that the "
        "model can learn them by heart: only clips that it has not heard show its worth."
    )
    return [TrainingFinding(kind="few-clips", sentence=sentence)]


def passed_checks(clips: TrainingClips, findings: Sequence[TrainingFinding]) -> tuple[str, ...]:
    """Name what these checks have ruled out, which a suspicious score cannot come from.

    Args:
        findings: Of the folds and of `check_leaks`.
    """
    if any(finding.kind == "leak" for finding in findings):
        return ()
    copies = "no recording is in two folds, nor a changed copy of it"
    return (copies,) if None in clips.speakers else (copies, "no speaker is in two folds")


def _few_speakers(clips: TrainingClips, folds: Folds) -> list[TrainingFinding]:
    """Report classes of fewer speakers than there are parts of speakers, where speakers are known."""
    if None in clips.speakers:
        return []
    parts = {frozenset(clips.speakers_of(fold.test)) for fold in folds.folds}
    speakers = (class_counts(clips.labels, clips.groups, len(clips.classes)) > 0).sum(axis=0)
    rare = [
        f"{name} ({count} speaker{'s' * (count != 1)})"
        for name, count in zip(clips.classes, speakers.tolist(), strict=True)
        if count < len(parts) and count < speakers.max()
    ]
    if not rare:
        return []
    sentence = f"Fewer speakers than folds have {_listed(rare)}: what is measured there rests on few voices."
    return [TrainingFinding(kind="few-speakers", sentence=sentence)]


def check_encoder(encoder: EncoderSource, corpora: Sequence[str], allow: Collection[str]) -> list[TrainingFinding]:
    """Refuse an encoder that was trained on a corpus that it is to be scored on.

    Args:
        corpora: Names of the corpus and of that of `--test`.
        allow: Values of `Allowed`.

    Raises:
        RequestError: It was, and that is not allowed.
    """
    heard = [name for name in corpora if seen(encoder.trained_on, name) is Seen.YES]
    if not heard:
        sentence = (
            f"What {encoder.id} was trained on is not declared: if it has heard these recordings, the score is too "
            "high. `trained_on` in the registry says it."
        )
        return [] if encoder.trained_on is not None else [TrainingFinding(kind="encoder", sentence=sentence)]
    sentence = f"{encoder.id} was trained on {', '.join(heard)}, so that no recording of it is new to the encoder"
    if Allowed.SEEN_ENCODER not in allow:
        raise RequestError(f"{sentence}: name another encoder, or accept it with --allow {Allowed.SEEN_ENCODER}.")
    return [TrainingFinding(kind="leak", sentence=f"{sentence}: the score is too high.")]


@dataclass(frozen=True, eq=False)
class _Sides:
    """Which clips are trained on and tested in each fold, shape (folds, clips)."""

    train: NDArray[np.bool_]
    test: NDArray[np.bool_]

    def separate(self, first: int, second: int) -> bool:
        """Whether a fold tests one of two clips with a model that has heard the other."""
        crossed = self.train[:, first] & self.test[:, second] | self.train[:, second] & self.test[:, first]
        return bool(crossed.any())


def check_leaks(
    clips: TrainingClips, folds: Folds, copies: Sequence[NearCopy] = (), allow: Collection[str] = ()
) -> list[TrainingFinding]:
    """Refuse recordings that occur under several speakers, or in training and in test.

    Answers are stored by recording, so that identical audio can never have two; changed copies may be allowed.

    Args:
        copies: Changed copies, by `find_near_copies`.
        allow: Values of `Allowed`.

    Returns:
        The leaks that are allowed, and copies with different labels.

    Raises:
        RequestError: There is a leak that is not allowed.
    """
    sides, count = _sides(clips, folds), len(clips.names)
    identical = _identical(clips)
    alike = [(copy.first, copy.second) for copy in copies if max(copy.first, copy.second) < count]
    changed = [pair for pair in alike if clips.hashes[pair[0]] != clips.hashes[pair[1]]]
    if leaks := [pair for pair in identical if _is_leak(clips, sides, pair)]:
        raise RequestError(
            f"{_pairs(clips, leaks)} the same recording, so that the model would be tested on what it was trained on: "
            "delete one of them, or give both the same speaker."
        )
    findings = []
    if leaks := [pair for pair in changed if _is_leak(clips, sides, pair)]:
        sentence = (
            f"{_pairs(clips, leaks)} the same recording in another form (gain, encoding, length or speed), so that "
            "the model is tested on what it was trained on"
        )
        if Allowed.NEAR_COPIES not in allow:
            raise RequestError(
                f"{sentence}: delete one of them, give both the same speaker, or accept it with --allow "
                f"{Allowed.NEAR_COPIES}."
            )
        findings.append(TrainingFinding(kind="leak", sentence=f"{sentence}: the score is too high."))
    if pairs := [pair for pair in (*identical, *changed) if clips.labels[pair[0]] != clips.labels[pair[1]]]:
        labels = " and ".join(clips.classes[clips.labels[index]] for index in pairs[0])
        sentence = (
            f"{_pairs(clips, pairs)} the same recording with different labels ({labels}): one of them must be wrong."
        )
        findings.append(TrainingFinding(kind="contradicting-labels", sentence=sentence))
    return findings


def _sides(clips: TrainingClips, folds: Folds) -> _Sides:
    train, test = np.zeros((2, len(folds.folds), len(clips.names)), dtype=np.bool_)
    for row, fold in enumerate(folds.folds):
        train[row, fold.train] = train[row, fold.validation] = test[row, fold.test] = True
    return _Sides(train, test)


def _identical(clips: TrainingClips) -> list[tuple[int, int]]:
    """Each clip with the first one of the same audio."""
    first: dict[str, int] = {}
    pairs = [(first.setdefault(audio, index), index) for index, audio in enumerate(clips.hashes)]
    return [pair for pair in pairs if pair[0] != pair[1]]


def _is_leak(clips: TrainingClips, sides: _Sides, pair: tuple[int, int]) -> bool:
    speakers = {clips.speakers[index] for index in pair} - {None}
    return len(speakers) > 1 or sides.separate(*pair)


def _pairs(clips: TrainingClips, pairs: Sequence[tuple[int, int]]) -> str:
    """The beginning of a sentence about pairs of clips, with their speakers."""
    names = [" and ".join(_named(clips, index) for index in pair) for pair in pairs]
    return f"{names[0]} are" if len(names) == 1 else f"{len(names):,} pairs of clips ({_listed(names)}) are each"


def _named(clips: TrainingClips, index: int) -> str:
    speaker = clips.speakers[index]
    return clips.names[index] + ("" if speaker is None else f" of speaker {speaker}")


def _listed(names: Sequence[str]) -> str:
    return "; ".join(names[:_LISTED]) + ("; …" if len(names) > _LISTED else "")
