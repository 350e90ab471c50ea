"""Trains a candidate: cross-validation for the score, then the model that is kept."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.corpora.audio_reader import AudioReader
from benchmark.errors import RequestError
from benchmark.progress import Progress
from benchmark.results.environment import installed_version
from benchmark.results.files import FileSet
from benchmark.results.training_record import (
    FoldRecord,
    OutOfFold,
    SplitCount,
    TrainingFinding,
    TrainingScore,
    weights_digest,
)
from benchmark.scoring.out_of_fold import score_out_of_fold
from benchmark.settings import Settings
from benchmark.temporary import private_folder
from benchmark.training.clips_file import ClipsFile, write_clips
from benchmark.training.cross_validation import CrossValidated, CrossValidation
from benchmark.training.examples import Examples
from benchmark.training.features import EncoderSource, FeatureWriter
from benchmark.training.finished_fits import FinishedFits
from benchmark.training.fitting import FitWorkers, Task
from benchmark.training.folds import Folds
from benchmark.training.jobs import FitResult
from benchmark.training.recipe import ProbeRecipe, Recipe, encoder_recipes

_LIBRARIES = ("torch", "transformers", "scikit-learn")
_FINAL_MODEL = "model"


@dataclass(frozen=True, eq=False, kw_only=True)
class Training:
    """A training that is ready to begin.

    Attributes:
        test: The clips of another corpus, which the final model answers once; None where there is none.
        encoder: The checkpoint of recipes that need one.
        at_once: Fits that run at once.
        threads: Threads of each.
    """

    recipe_name: str
    recipe: Recipe
    examples: Examples
    folds: Folds
    seeds: Sequence[int]
    test: Examples | None
    at_once: int
    threads: int
    encoder: EncoderSource | None = None

    def run(self, folder: Path, reader: AudioReader, progress: Progress, *, resume: bool) -> "Trained":
        """Cross-validate, fit the final model, and put its files into `folder`.

        Without finite answers of all folds there is no final model.

        Raises:
            RequestError: A fit cannot be made from what was asked for.
            UnavailableError: The disk is full, or a worker was lost twice.
        """
        plan = CrossValidation(clips=self.examples.clips, folds=self.folds, recipe=self.recipe, seeds=self.seeds)
        versions = {name: installed_version(name) or "" for name in _LIBRARIES}
        revision = "" if self.encoder is None else f"{self.encoder.id}@{self.encoder.revision}"
        finished = FinishedFits(folder, plan.key(encoder=revision, **versions))
        if not resume:
            finished.remove()
        temporary = private_folder(reader.settings.temporary)
        try:
            clips = self._write_clips(temporary.path, reader, progress)
            self._encode(clips, temporary.path, reader.settings, progress)
            with self._workers(clips, temporary.path, reader.settings) as workers:
                validated = plan.run(workers, finished, progress)
                trained = Trained(self, validated, finished)
                if not validated.failed:
                    trained.final = self._fit_final(plan, validated, workers, temporary.path, progress)
                    trained.weights_sha256 = _take_model(temporary.path / _FINAL_MODEL, folder)
        finally:
            temporary.remove()
        return trained

    def _write_clips(self, folder: Path, reader: AudioReader, progress: Progress) -> ClipsFile:
        audio = [*self.examples.audio, *(() if self.test is None else self.test.audio)]
        return write_clips(audio, folder / "clips.float32", reader, progress)

    def _encode(self, clips: ClipsFile, folder: Path, settings: Settings, progress: Progress) -> None:
        """Write the features that frozen encoders make of the clips.

        Raises:
            RequestError: The encoder can make nothing of some clips.
        """
        if self.encoder is None:
            return
        parts = [self.examples.clips, *([] if self.test is None else [self.test.clips])]
        names = {clip_hash: name for part in parts for clip_hash, name in zip(part.hashes, part.names, strict=True)}
        writer = FeatureWriter(
            encoder=self.encoder,
            clips=clips,
            clip_hashes=[clip_hash for part in parts for clip_hash in part.hashes],
            settings=settings,
            progress=progress,
            threads=self.at_once * self.threads,
        )
        for recipe in encoder_recipes(self.recipe):
            failures = writer.write(recipe, folder) if isinstance(recipe, ProbeRecipe) else {}
            for clip_hash, reason in failures.items():
                raise RequestError(
                    f"{self.encoder.id} can make nothing of {len(failures):,} clips, such as {names[clip_hash]} "
                    f"({reason}): leave them out."
                )

    def _workers(self, clips: ClipsFile, folder: Path, settings: Settings) -> FitWorkers:
        encoder = None if self.encoder is None else self.encoder.folder
        return FitWorkers(
            clips, self.recipe, folder, settings, at_once=self.at_once, threads=self.threads, encoder=encoder
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
        tested = 0 if self.test is None else len(self.test.clips.names)
        job = plan.final_job(validated, str(folder / _FINAL_MODEL), np.arange(count, count + tested))
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
        finished: The results of the folds, which are of no use once the reports are written.
        final: The fit of the model that is kept; None where a fold has failed.
        weights_sha256: Of its weights.
    """

    training: Training
    validated: CrossValidated
    finished: FinishedFits
    final: FitResult | None = None
    weights_sha256: str | None = None

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
        return tuple(scores)

    def test_answers(self) -> OutOfFold | None:
        """The final model's answers to the clips of `--test` whose emotions it knows."""
        test, final = self.training.test, self.final
        if test is None or final is None:
            return None
        classes, clips = self.training.examples.clips.classes, test.clips
        known = [index for index, label in enumerate(clips.labels) if clips.classes[label] in classes]
        return OutOfFold(
            clips=tuple(clips.names[index] for index in known),
            clip_hashes=tuple(clips.hashes[index] for index in known),
            speakers=tuple(clips.speakers[index] for index in known),
            folds=(0,) * len(known),
            labels=tuple(clips.classes[clips.labels[index]] for index in known),
            classes=classes,
            probabilities=final.probabilities[known],
        )

    def findings(self) -> tuple[TrainingFinding, ...]:
        """What a reader must know before trusting the result."""
        return self.training.folds.findings

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
        name=name, uar=mean("uar"), macro_f1=mean("macro_f1"), accuracy=mean("accuracy"), clips=scores[0].clips
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
