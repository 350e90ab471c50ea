"""Cross-validation of a recipe: every clip is answered by a model that has not heard its speaker."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from benchmark.progress import Progress
from benchmark.results.training_record import FoldRecord, OutOfFold
from benchmark.training.finished_fits import FinishedFits
from benchmark.training.fitting import FitWorkers, Task
from benchmark.training.folds import Fold, Folds
from benchmark.training.jobs import FitJob, FitResult, mean_recall
from benchmark.training.recipe import Recipe, validation_share
from benchmark.training.training_clips import TrainingClips


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossValidation:
    """A recipe, folds and seeds.

    Attributes:
        seeds: Each gives a whole cross-validation with the same folds.
        left_out: Indices of clips that the encoder can make nothing of.
    """

    clips: TrainingClips
    folds: Folds
    recipe: Recipe
    seeds: Sequence[int]
    left_out: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def key(self, **more: str) -> str:
        """A hash of what determines the fits: recipe, clips, labels, speakers, folds and `more`, such as versions."""
        folds = [[fold.train.tolist(), fold.test.tolist()] for fold in self.folds.folds]
        clips = [self.clips.hashes, self.clips.labels.tolist(), self.clips.classes, self.clips.speakers]
        content = json.dumps([self.recipe.model_dump(mode="json"), clips, folds, more], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def run(self, workers: FitWorkers, finished: FinishedFits, progress: Progress) -> "CrossValidated":
        """Fit what is not finished; each result is kept as soon as there is one."""
        results = {
            (seed, fold.number): result
            for seed in self.seeds
            for fold in self.folds.folds
            if (result := finished.load(seed, fold.number)) is not None
        }
        if results:
            progress.note(f"{len(results)} of {len(self.seeds) * len(self.folds.folds)} fits were finished before.")
        divided = {(seed, fold.number): fold for seed in self.seeds for fold in self._divided(seed)}
        tasks = {
            self._task(fold, seed): (seed, number)
            for (seed, number), fold in divided.items()
            if (seed, number) not in results
        }
        for task, result in workers.fit(list(tasks), progress):
            results[tasks[task]] = result
            if result.is_finite:
                finished.save(*tasks[task], result)
        return CrossValidated(self, divided, results)

    def tasks(self, seed: int) -> list[Task]:
        """The fits of one seed."""
        return [self._task(fold, seed) for fold in self._divided(seed)]

    def final_job(self, validated: "CrossValidated", folder: str, test: NDArray[np.int64]) -> FitJob:
        """The fit of the model that is kept: on all clips, for the median number of epochs over the folds."""
        everything = np.setdiff1d(np.arange(len(self.clips.names)), self.left_out)
        return replace(self._job(everything, test, self.seeds[0]), folder=folder, epochs=validated.final_epochs)

    def _divided(self, seed: int) -> list[Fold]:
        """The folds, with speakers held out for validation where the recipe says so."""
        share = validation_share(self.recipe)
        folds = [self._without_left_out(fold) for fold in self.folds.folds]
        return [fold.with_validation(self.clips, share, seed) if share else fold for fold in folds]

    def _without_left_out(self, fold: Fold) -> Fold:
        train, test = (np.setdiff1d(part, self.left_out) for part in (fold.train, fold.test))
        return replace(fold, train=train, test=test)

    def _task(self, fold: Fold, seed: int) -> Task:
        name = f"fold {fold.number} of {len(self.folds.folds)}"
        if len(self.seeds) > 1:
            name += f", seed {seed}"
        return Task(name=name, job=replace(self._job(fold.train, fold.test, seed), validation=fold.validation))

    def _job(self, train: NDArray[np.int64], test: NDArray[np.int64], seed: int) -> FitJob:
        return FitJob(
            train=train,
            validation=np.empty(0, np.int64),
            test=test,
            labels=self.clips.labels,
            speakers=self.clips.groups,
            classes=self.clips.classes,
            seed=seed,
        )


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """The fits of all folds and seeds, by seed and fold."""

    plan: CrossValidation
    divided: dict[tuple[int, int], Fold]
    results: dict[tuple[int, int], FitResult]

    @property
    def failed(self) -> tuple[tuple[int, int], ...]:
        """The fits whose loss was not finite, or that have no finite answers, as (seed, fold)."""
        return tuple(key for key, result in sorted(self.results.items()) if not result.is_finite)

    @property
    def final_epochs(self) -> int | None:
        """The median of the epochs that the folds have chosen; None where none was chosen."""
        chosen = [result.best_epoch for result in self.results.values() if result.best_epoch is not None]
        return round(float(np.median(chosen))) if chosen else None

    @property
    def members(self) -> tuple[str, ...]:
        """The names of an ensemble's members."""
        return tuple(next(iter(self.results.values())).members)

    def out_of_fold(self, seed: int, member: str | None = None) -> OutOfFold:
        """The answers of one seed, or of a member of an ensemble, in the order of the clips."""
        folds = np.zeros(len(self.plan.clips.names), np.int64)
        for (own, _), fold in self.divided.items():
            if own == seed:
                folds[fold.test] = fold.speaker_fold
        answered = np.flatnonzero(folds)
        return self.plan.clips.out_of_fold(
            answered, folds[answered].tolist(), self.probabilities(seed, member)[answered]
        )

    def probabilities(self, seed: int, member: str | None = None) -> NDArray[np.float32]:
        """The answers of one seed, shape (clips, classes); NaN for clips without one."""
        clips = self.plan.clips
        probabilities = np.full((len(clips.names), len(clips.classes)), np.nan, np.float32)
        for (own, number), result in self.results.items():
            if own == seed:
                answers = result.probabilities if member is None else result.members[member]
                probabilities[self.divided[own, number].test] = answers
        return probabilities

    def records(self) -> tuple[FoldRecord, ...]:
        """What is recorded of each fit."""
        return tuple(self._record(seed, number) for seed, number in sorted(self.results))

    def _record(self, seed: int, number: int) -> FoldRecord:
        clips, fold, result = self.plan.clips, self.divided[seed, number], self.results[seed, number]
        answers = result.probabilities.argmax(axis=1)
        return FoldRecord(
            fold=number,
            seed=seed,
            train_speakers=clips.speakers_of(fold.train),
            validation_speakers=clips.speakers_of(fold.validation),
            test_speakers=clips.speakers_of(fold.test),
            train_clips=fold.train.size,
            validation_clips=fold.validation.size,
            test_clips=fold.test.size,
            chosen=result.chosen,
            monitored=result.monitored,
            epochs=result.epochs,
            best_epoch=result.best_epoch,
            uar=mean_recall(clips.labels[fold.test], answers) if result.is_finite else None,
            seconds=result.seconds,
        )
