"""Trains a candidate: cross-validation for the score, then the model that is kept."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.fingerprints import NearCopy, find_near_copies
from benchmark.corpora.audio_reader import AudioReader
from benchmark.errors import RequestError
from benchmark.progress import Progress
from benchmark.results.environment import installed_version
from benchmark.results.files import FileSet
from benchmark.results.training_record import (
    EnrolledScore,
    FoldRecord,
    LearningPoint,
    OutOfFold,
    SplitCount,
    TrainingFinding,
    TrainingScore,
    weights_digest,
)
from benchmark.scoring.out_of_fold import compare_out_of_fold, score_out_of_fold
from benchmark.settings import Settings
from benchmark.temporary import private_folder
from benchmark.training.baselines import functionals_baseline, functionals_of, majority_baseline
from benchmark.training.checks import check_classes, check_encoder, check_leaks, check_size, passed_checks
from benchmark.training.clips_file import ClipsFile, write_clips
from benchmark.training.cross_validation import CrossValidated, CrossValidation
from benchmark.training.diagnosis import diagnose
from benchmark.training.enrolment import check_enrolment, score_enrolled
from benchmark.training.examples import Examples
from benchmark.training.features import EncoderSource, FeatureWriter
from benchmark.training.finished_fits import FinishedFits
from benchmark.training.fitting import FitWorkers, Task
from benchmark.training.folds import Allowed, Folds
from benchmark.training.jobs import FitResult
from benchmark.training.learning_curve import learning_curve
from benchmark.training.recipe import ProbeRecipe, Recipe, parts_of

_LIBRARIES = ("torch", "transformers", "scikit-learn")
_FINAL_MODEL = "model"


@dataclass(frozen=True, eq=False, kw_only=True)
class Training:
    """A training that is ready to begin.

    Attributes:
        test: The clips of another corpus, which the final model answers once; None where there is none.
        encoder: Of recipes that need one.
        allow: Problems that the user accepts (`Allowed`).
        at_once: Fits that run at once.
        threads: Threads of each.
    """

    recipe_name: str
    recipe: Recipe
    examples: Examples
    folds: Folds
    seeds: Sequence[int]
    test: Examples | None
    encoder: EncoderSource | None
    allow: Sequence[str]
    at_once: int
    threads: int

    def run(
        self,
        folder: Path,
        reader: AudioReader,
        progress: Progress,
        *,
        resume: bool,
        with_curve: bool = False,
        enrol: int | None = None,
    ) -> "Trained":
        """Cross-validate, fit the final model, and put its files into `folder`.

        Without finite answers of all folds there is no final model.

        Args:
            folder: Of the candidate.
            resume: Take the fits that are finished there.
            with_curve: Fit all folds with fewer speakers, too.
            enrol: Fit all folds with vectors centred by so many clips of each speaker, too.

        Raises:
            RequestError: A fit cannot be made from what was asked for.
            UnavailableError: The disk is full, or a worker was lost twice.
        """
        if enrol is not None:
            check_enrolment(self.recipe, self.examples.clips)
        temporary = private_folder(reader.settings.temporary)
        try:
            clips = self.write_clips(temporary.path, reader, progress)
            findings = self.check(clips, progress)
            plan, finished = self._plan(clips, temporary.path, folder, reader.settings, progress)
            if resume:
                finished.require_own()
            else:
                finished.remove()
            with self._workers(clips, temporary.path, reader.settings) as workers:
                validated = plan.run(workers, finished, progress)
                trained = Trained(self, validated, finished, findings, self._baselines(clips, progress))
                if not validated.failed:
                    trained.final = self._fit_final(plan, validated, workers, temporary.path, progress)
                    trained.learning_curve = learning_curve(plan, workers, progress) if with_curve else ()
                    trained.enrolled = () if enrol is None else score_enrolled(validated, enrol, workers, progress)
                    trained.weights_sha256 = _take_model(temporary.path / _FINAL_MODEL, folder)
        except KeyboardInterrupt:
            progress.warn("Interrupted: the fits that were finished are kept, and --resume goes on from there.")
            raise
        finally:
            temporary.remove()
        return trained

    def validate(self, clips: ClipsFile, folder: Path, settings: Settings, progress: Progress) -> CrossValidated:
        """Cross-validate only.

        Args:
            clips: What `write_clips` gives.
            folder: A temporary folder; recipes that share it compute spectrograms and features once.
        """
        plan, finished = self._plan(clips, folder, folder, settings, progress)
        with self._workers(clips, folder, settings) as workers:
            return plan.run(workers, finished, progress)

    def _plan(
        self, clips: ClipsFile, temporary: Path, folder: Path, settings: Settings, progress: Progress
    ) -> tuple[CrossValidation, FinishedFits]:
        plan = CrossValidation(
            clips=self.examples.clips,
            folds=self.folds,
            recipe=self.recipe,
            seeds=self.seeds,
            left_out=self._encode(clips, temporary, settings, progress),
        )
        return plan, FinishedFits(folder, plan.key(**self._versions()))

    def write_clips(self, folder: Path, reader: AudioReader, progress: Progress) -> ClipsFile:
        """Decode the clips to train on, and those of `--test` behind them."""
        audio = [*self.examples.audio, *(() if self.test is None else self.test.audio)]
        return write_clips(audio, folder / "clips.float32", reader, progress)

    def check(self, clips: ClipsFile, progress: Progress) -> tuple[TrainingFinding, ...]:
        """Look for recordings on both sides of a split, and for classes that are too small."""
        with progress.stage("Looking for copies", total=None):
            copies = find_near_copies(clips.waveforms())
        findings = [*self.folds.findings, *check_classes(self.examples.clips, self.folds)]
        findings += check_leaks(self.examples.clips, self.folds, copies, self.allow)
        if self.encoder is not None:
            corpora = [part.corpus for part in (self.examples, self.test) if part is not None]
            findings += check_encoder(self.encoder, corpora, self.allow)
        return (*findings, *self._check_test(copies))

    def _baselines(self, clips: ClipsFile, progress: Progress) -> tuple[TrainingScore, ...]:
        """Score the most frequent emotion, and a linear model on functionals, on the same folds."""
        own, seed = self.examples.clips, self.seeds[0]
        with progress.stage("Fitting the baselines", total=None):
            features = functionals_of(islice(clips.waveforms(), len(own.names)))
            linear = functionals_baseline(own, self.folds, features, seed)
        majority = majority_baseline(own, self.folds)
        return score_out_of_fold(majority, "majority"), score_out_of_fold(linear, "functionals of the voice", seed)

    def _check_test(self, copies: Sequence[NearCopy]) -> list[TrainingFinding]:
        """Refuse a test corpus with changed copies of training clips."""
        names, count = self.examples.clips.names, len(self.examples.clips.names)
        shared = [copy for copy in copies if copy.first < count <= copy.second]
        if not shared or self.test is None:
            return []
        first = f"{self.test.clips.names[shared[0].second - count]} of {names[shared[0].first]}"
        sentence = f"{len(shared):,} recordings of --test are changed copies of training clips, such as {first}"
        if Allowed.NEAR_COPIES not in self.allow:
            raise RequestError(f"{sentence}: name another corpus, or accept it with --allow {Allowed.NEAR_COPIES}.")
        return [TrainingFinding(kind="leak", sentence=f"{sentence}: its score is too high.")]

    def _encode(self, clips: ClipsFile, folder: Path, settings: Settings, progress: Progress) -> NDArray[np.int64]:
        """Compute the features of frozen encoders; gives the clips that the encoder can make nothing of."""
        hashes = (*self.examples.clips.hashes, *(() if self.test is None else self.test.clips.hashes))
        failures: dict[str, str] = {}
        for recipe in parts_of(self.recipe):
            if isinstance(recipe, ProbeRecipe) and self.encoder is not None:
                writer = FeatureWriter(
                    encoder=self.encoder,
                    clips=clips,
                    clip_hashes=hashes,
                    settings=settings,
                    progress=progress,
                    threads=self.threads * self.at_once,
                )
                failures |= writer.write(recipe, folder)
        if failures:
            reason = next(iter(failures.values()))
            progress.warn(f"{len(failures):,} clips are left out, since the encoder cannot read them: {reason}")
        return np.array([index for index, clip_hash in enumerate(hashes) if clip_hash in failures], np.int64)

    def _versions(self) -> dict[str, str]:
        """What determines the fits beside clips and recipe."""
        versions = {name: installed_version(name) or "" for name in _LIBRARIES}
        if self.encoder is None:
            return versions
        return {**versions, "encoder": self.encoder.id, "revision": self.encoder.revision}

    def _workers(self, clips: ClipsFile, folder: Path, settings: Settings) -> FitWorkers:
        return FitWorkers(
            clips,
            self.recipe,
            folder,
            settings,
            encoder=None if self.encoder is None else self.encoder.folder,
            at_once=self.at_once,
            threads=self.threads,
        )

    def _fit_final(
        self,
        plan: CrossValidation,
        validated: CrossValidated,
        workers: FitWorkers,
        folder: Path,
        progress: Progress,
    ) -> FitResult:
        count = len(self.examples.clips.names)
        total = count + (0 if self.test is None else len(self.test.clips.names))
        tested = np.setdiff1d(np.arange(count, total), plan.left_out)
        job = plan.final_job(validated, str(folder / _FINAL_MODEL), tested)
        ((_, result),) = workers.fit([Task(name="the model on all clips", job=job)], progress)
        if not result.is_finite:
            raise RequestError(
                "The loss of the model on all clips was not finite, though it was in the folds: lower the "
                "learning_rate of the recipe."
            )
        return result


@dataclass(eq=False)
class Trained:
    """A training that has ended.

    Attributes:
        checked: What the checks before training have found.
        baselines: Scores of simpler answers on the same folds.
        finished: The results of the folds, which are of no use once the reports are written.
        final: The fit of the model that is kept; None where a fold has failed.
        weights_sha256: Of its weights.
    """

    training: Training
    validated: CrossValidated
    finished: FinishedFits
    checked: tuple[TrainingFinding, ...]
    baselines: tuple[TrainingScore, ...]
    final: FitResult | None = None
    weights_sha256: str | None = None
    learning_curve: tuple[LearningPoint, ...] = ()
    enrolled: tuple[EnrolledScore, ...] = ()

    @property
    def folds(self) -> tuple[FoldRecord, ...]:
        """What is recorded of each fit."""
        return self.validated.records()

    @property
    def out_of_fold(self) -> OutOfFold | None:
        """The answers of the first seed; None where there is no model."""
        return None if self.final is None else self.validated.out_of_fold(self.training.seeds[0])

    def scores(self) -> tuple[TrainingScore, ...]:
        """The pooled scores of each seed, and where there are several their mean, with the spread in `folds`."""
        failed = {seed for seed, _ in self.validated.failed}
        name, seeds = self.training.recipe_name, [seed for seed in self.training.seeds if seed not in failed]
        scores = [score_out_of_fold(self.validated.out_of_fold(seed), name, seed) for seed in seeds]
        if len(scores) > 1:
            scores.append(_mean(name, scores))
        return (*scores, *self._members())

    def _members(self) -> tuple[TrainingScore, ...]:
        """The scores of an ensemble's members, of the first seed."""
        if self.final is None:
            return ()
        seed = self.training.seeds[0]
        return tuple(
            score_out_of_fold(self.validated.out_of_fold(seed, name), f"member {name}", seed)
            for name in self.validated.members
        )

    def _gain(self) -> list[TrainingFinding]:
        """Say whether an ensemble is better than its best member, by the paired interval over speakers."""
        answers, seed = self.out_of_fold, self.training.seeds[0]
        members = {name: score.uar or 0.0 for name, score in zip(self.validated.members, self._members(), strict=False)}
        if answers is None or not members:
            return []
        best = max(members, key=lambda name: members[name])
        interval = compare_out_of_fold(answers, self.validated.out_of_fold(seed, best))
        gain = (score_out_of_fold(answers, best).uar or 0.0) - members[best]
        sentence = f"The UAR of the ensemble is {gain:+.3f} from that of its best member, {best}"
        if interval is not None:
            sentence += f" (95 % interval {interval.low:+.3f} to {interval.high:+.3f})"
        is_better = interval is not None and interval.low > 0
        conclusion = "it is better." if is_better else f"these clips do not show that it is better than {best} alone."
        return [TrainingFinding(kind="ensemble", sentence=f"{sentence}: {conclusion}")]

    def test_answers(self) -> OutOfFold | None:
        """The final model's answers to the clips of `--test` whose emotions it knows."""
        test, final = self.training.test, self.final
        if test is None or final is None:
            return None
        own, clips = self.training.examples.clips, test.clips
        tested = np.setdiff1d(np.arange(len(clips.names)), self.validated.plan.left_out - len(own.names))
        is_known = np.array([clips.classes[clips.labels[index]] in own.classes for index in tested], np.bool_)
        folds = [0] * int(is_known.sum())
        return clips.out_of_fold(tested[is_known], folds, final.probabilities[is_known], own.classes)

    def findings(self) -> tuple[TrainingFinding, ...]:
        """What a reader must know before trusting the result: of the clips, of the folds, and of the fits."""
        scores, clips = self.scores(), self.training.examples.clips
        fitted = check_size(clips, None if self.final is None else self.final.head_parameters)
        checks = passed_checks(clips, self.checked)
        diagnosed = diagnose(self.folds, len(clips.classes), uar=scores[0].uar if scores else None, checks=checks)
        return (*self.checked, *fitted, *diagnosed, *self._gain())

    def counts(self) -> tuple[SplitCount, ...]:
        """Clips and speakers of each class."""
        clips = self.training.examples.clips
        return tuple(
            SplitCount(
                emotion=name,
                clips=int((clips.labels == index).sum()),
                speakers=len(clips.speakers_of(np.flatnonzero(clips.labels == index))),
            )
            for index, name in enumerate(clips.classes)
        )


def _mean(name: str, scores: Sequence[TrainingScore]) -> TrainingScore:
    def mean(field_name: str) -> float:
        return float(np.mean([getattr(score, field_name) for score in scores]))

    return TrainingScore(
        name=f"{name}, mean",
        uar=mean("uar"),
        macro_f1=mean("macro_f1"),
        accuracy=mean("accuracy"),
        clips=scores[0].clips,
    )


def _take_model(source: Path, folder: Path) -> str | None:
    """Move a model's files into the candidate's folder; returns the digest of its weights."""
    with FileSet() as files:
        for path in sorted(source.iterdir()):
            if path.is_dir():
                continue
            with path.open("rb") as content, files.open(folder / path.name) as target:
                shutil.copyfileobj(content, target)
    return weights_digest(folder)
