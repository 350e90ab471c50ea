"""Candidates that bench has trained: out-of-fold answers instead of inference, and the clips that they have heard.

A corpus all of whose readable clips have an out-of-fold answer, of a model that was not trained on the clip's speaker,
takes these answers. Any other corpus is computed with the final model, and it is counted how many of its clips that
model was trained on. Recordings are compared by their hashes, so that names of corpora and files do not matter.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self, TypeVar

import numpy as np

from benchmark.errors import RequestError
from benchmark.evaluation.context import RunOptions
from benchmark.evaluation.decoding import ClipSet, DecodedCorpus
from benchmark.evaluation.eligibility import Subject
from benchmark.progress import Progress
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import ClipRecord, EvaluationRecord
from benchmark.results.training_record import (
    NO_ROBUSTNESS,
    OUT_OF_FOLD,
    OUT_OF_FOLD_FILE,
    SHORT_HASH,
    TRAINED_HERE,
    TRAINING_FILE,
    OutOfFold,
    TrainingRecord,
    weights_digest,
)

_Content = TypeVar("_Content")
# The logarithm of a probability of zero would not be finite.
_LEAST = np.finfo(np.float32).tiny


@dataclass(frozen=True, eq=False, kw_only=True)
class Training:
    """What is known of the training of a local candidate.

    Attributes:
        heard: Hashes of the clips that the final model was trained on, shortened to `SHORT_HASH` digits.
        answers: Its out-of-fold answers, if they can be relied on.
        problem: Why there are none, as a part of a sentence.
    """

    heard: frozenset[str]
    answers: OutOfFold | None = None
    problem: str = ""

    @classmethod
    def of(cls, subject: Subject) -> Self | None:
        """Read what lies beside the weights of a local candidate; None if bench did not train it."""
        folder = subject.candidate.local_path
        if folder is None:
            return None
        problems: list[str] = []
        record = _read(TrainingRecord.of_folder, folder, problems)
        answers = _read(OutOfFold.read, folder / OUT_OF_FOLD_FILE, problems)
        if record is None and answers is None and not problems:
            return None
        hashes = [*(record.clip_hashes if record else ()), *(answers.clip_hashes if answers else ())]
        problem = "; ".join(problems) or _mismatch(subject, record, answers)
        heard = frozenset(clip_hash[:SHORT_HASH] for clip_hash in hashes)
        return cls(heard=heard, answers=None if problem else answers, problem=problem)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of the answer to each clip."""
        return {} if self.answers is None else {name: row for row, name in enumerate(self.answers.clip_hashes)}

    @cached_property
    def split_speakers(self) -> frozenset[str]:
        """The speakers of the training whose clips were answered by several folds, so that some have heard them."""
        return _in_several_folds(self.answers.speakers, self.answers.folds) if self.answers else frozenset()

    def count_heard(self, corpus: DecodedCorpus) -> int:
        """Count the clips of a corpus that the final model was trained on."""
        return sum((clip.clip_hash or "")[:SHORT_HASH] in self.heard for clip in _readable(corpus))

    def why_not_covered(self, corpus: DecodedCorpus) -> str | None:
        """Why the out-of-fold answers do not stand for a corpus, as a part of a sentence; None if they do."""
        if self.answers is None:
            return self.problem
        clips = _readable(corpus)
        missing = [clip.clip for clip in clips if clip.clip_hash not in self.rows]
        if missing or not clips:
            return f"{len(missing)} of {len(clips)} clips have no out-of-fold answer" + "".join(
                f", such as {name}" for name in missing[:1]
            )
        rows = [self.rows[clip.clip_hash or ""] for clip in clips]
        unknown = sum(self.answers.speakers[row] is None for row in rows)
        if unknown:
            return f"it was not known at its training who speaks in {unknown} of {len(clips)} clips"
        split = self.split_speakers & {self.answers.speakers[row] for row in rows}
        split |= _in_several_folds([clip.speaker for clip in clips], [self.answers.folds[row] for row in rows])
        if split:
            return f"clips of the speaker {min(split)} were answered by several folds, which have heard that speaker"
        return None


@dataclass(frozen=True, eq=False, kw_only=True)
class SubjectCorpora:
    """The corpora of a run as one subject answers them.

    Attributes:
        inferred: Those that its model computes, and `clips` their clips.
        own: The clips that this shard of the run computes; None for all.
        adapted: The evaluations of the others, whose out-of-fold answers are stored.
        heard: By corpus, how many of its clips the model was trained on; 0 if absent.
    """

    inferred: Sequence[DecodedCorpus]
    clips: ClipSet
    own: ClipSet | None = None
    adapted: tuple[EvaluationRecord, ...] = ()
    heard: Mapping[str, int] = field(default_factory=dict)

    @property
    def computed(self) -> ClipSet:
        """The clips that are computed here."""
        return self.clips if self.own is None else self.own

    @property
    def hashes(self) -> dict[str, Set[str]]:
        """The hashes of the clips of each corpus that is inferred, by its name."""
        return {corpus.record.name: corpus.audio.keys() for corpus in self.inferred}

    def records(self, inferred: Sequence[EvaluationRecord]) -> list[EvaluationRecord]:
        """All evaluations of the subject, given those of the corpora that it has computed."""
        heard = [record.model_copy(update={"heard_clips": self.heard.get(record.corpus, 0)}) for record in inferred]
        return [*heard, *self.adapted]


def divide_corpora(
    subject: Subject,
    corpora: Sequence[DecodedCorpus],
    clips: ClipSet,
    *,
    options: RunOptions,
    store: PredictionStore,
    progress: Progress,
) -> SubjectCorpora:
    """Store the out-of-fold answers to the corpora that they cover, and leave the others to inference.

    Args:
        clips: Those of all corpora.

    Raises:
        UnavailableError: The store cannot be written.
    """
    training = Training.of(subject)
    if training is None:
        return SubjectCorpora(inferred=corpora, clips=clips)
    inferred, adapted, heard = [], [], {}
    for corpus in corpora:
        problem, name = training.why_not_covered(corpus), corpus.record.name
        if problem is None and training.answers is not None:
            setup = _setup(subject, training.answers)
            _store_answers(store, setup, training, corpus)
            adapted += _evaluations(subject, name, setup, options)
            continue
        inferred.append(corpus)
        heard[name] = training.count_heard(corpus)
        if heard[name]:
            total = len(_readable(corpus))
            progress.warn(
                f"{subject.name} was trained on {heard[name]} of {total} clips of {name}, which counts as seen, since "
                f"out-of-fold answers do not cover it: {problem}."
            )
    if adapted and options.perturbations:
        progress.note(f"{subject.name}: {NO_ROBUSTNESS}")
    return SubjectCorpora(
        inferred=inferred, clips=ClipSet.of(inferred) if adapted else clips, adapted=tuple(adapted), heard=heard
    )


def _read(read: Callable[[Path], _Content | None], path: Path, problems: list[str]) -> _Content | None:
    try:
        return read(path)
    except RequestError as error:
        problems.append(str(error).removesuffix("."))
        return None


def _mismatch(subject: Subject, record: TrainingRecord | None, answers: OutOfFold | None) -> str:
    """Why answers are not those of this candidate, as a part of a sentence; empty if they are."""
    if answers is None:
        return f"it has no {OUT_OF_FOLD_FILE}"
    if record is None:
        return f"it has no {TRAINING_FILE} beside its {OUT_OF_FOLD_FILE}"
    emotions = subject.verification.emotions
    if set(answers.classes) != set(emotions):
        listed = [", ".join(str(name) for name in names) for names in (answers.classes, emotions)]
        return f"its out-of-fold answers are {listed[0]}, and its labels mean {listed[1]}"
    try:
        digest = weights_digest(subject.folder)
    except OSError as error:
        return f"its weights cannot be read ({error.strerror})"
    if digest is None or digest != record.weights_sha256:
        return "its weights are not those that were trained with its out-of-fold answers; train it again"
    return ""


def _readable(corpus: DecodedCorpus) -> list[ClipRecord]:
    return [clip for clip in corpus.record.clips if clip.clip_hash is not None]


def _in_several_folds(speakers: Sequence[str | None], folds: Sequence[int]) -> frozenset[str]:
    by_speaker: defaultdict[str, set[int]] = defaultdict(set)
    for speaker, fold in zip(speakers, folds, strict=True):
        if speaker is not None:
            by_speaker[speaker].add(fold)
    return frozenset(speaker for speaker, own in by_speaker.items() if len(own) > 1)


def _setup(subject: Subject, answers: OutOfFold) -> InferenceSetup:
    """The setup under which out-of-fold answers are stored."""
    verification = subject.verification
    if verification.revision is None or verification.window_s is None:
        raise ValueError(f"{subject.name} was not loaded when it was verified")
    return InferenceSetup(
        candidate=subject.candidate.id,
        revision=verification.revision,
        labels=answers.classes,
        head=TRAINED_HERE,
        head_parameters={"answers": answers.digest, "folds": len(set(answers.folds))},
        backend=OUT_OF_FOLD,
        device="cpu",
        dtype="float32",
        window_s=verification.window_s,
        preprocessor=subject.preprocessor,
        versions={},
    )


def _store_answers(store: PredictionStore, setup: InferenceSetup, training: Training, corpus: DecodedCorpus) -> None:
    stored = store.read(setup)
    missing = [clip_hash for clip_hash in corpus.audio if clip_hash not in stored]
    if not missing or training.answers is None:
        return
    logits = np.log(np.maximum(training.answers.probabilities, _LEAST))
    store.add(
        setup,
        (
            Prediction(
                clip_hash=clip_hash, logits=logits[training.rows[clip_hash]], windows=1, failure=None, seconds=0.0
            )
            for clip_hash in missing
        ),
    )
    store.compact(setup)


def _evaluations(subject: Subject, corpus: str, setup: InferenceSetup, options: RunOptions) -> list[EvaluationRecord]:
    """The evaluation on a corpus, and one without answers for each perturbation, which no fold has heard."""
    names = (None, *(perturbation.name for perturbation in options.perturbations))
    setups = [setup if name is None else setup.model_copy(update={"perturbation": name}) for name in names]
    return [EvaluationRecord(candidate=subject.name, corpus=corpus, setup=own) for own in setups]
