"""Several recipes, or one with several seeds, whose probabilities are averaged."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark.models.ensemble_network import join_members
from benchmark.models.registration import register_models
from benchmark.training.jobs import FitJob, FitResult, Learner
from benchmark.training.recipe import EnsembleRecipe

_SEED_STEP = 1_000
"""From one repeat of a member to the next."""


class EnsembleLearner:
    """Fits all members on the same part, and averages their probabilities.

    Args:
        members: A learner per member of the recipe.
    """

    def __init__(self, members: Sequence[Learner], recipe: EnsembleRecipe) -> None:
        self._members, self._recipe = members, recipe
        register_models()  # saved members are loaded to be joined

    def fit(self, job: FitJob) -> FitResult:
        """Fit the members one after the other."""
        jobs = list(self._jobs(job))
        results = [member.fit(own) for member, own in jobs]
        if job.folder is not None and all(result.is_finite for result in results):
            join_members([Path(own.folder) for _, own in jobs if own.folder is not None], Path(job.folder))
        return FitResult(
            probabilities=np.mean([result.probabilities for result in results], axis=0, dtype=np.float32),
            chosen={f"member {number}": result.chosen for number, result in enumerate(results, 1) if result.chosen},
            parameters=sum(result.parameters or 0 for result in results),
            seconds=sum(result.seconds for result in results),
            peak_memory_mb=max(result.peak_memory_mb or 0.0 for result in results),
            members=dict(zip(member_names(self._recipe), (result.probabilities for result in results), strict=True)),
        )

    def _jobs(self, job: FitJob) -> Iterator[tuple[Learner, FitJob]]:
        for number in range(self._recipe.repeats * len(self._members)):
            folder = None if job.folder is None else str(Path(job.folder) / f"member-{number + 1}")
            repeat, member = divmod(number, len(self._members))
            yield self._members[member], replace(job, folder=folder, seed=job.seed + _SEED_STEP * repeat)


def member_names(recipe: EnsembleRecipe) -> list[str]:
    """Name the fits of an ensemble: by recipe, with a number where it is fitted several times.

    Examples:
        >>> member_names(EnsembleRecipe(members=("cnn", "mine.toml", "cnn")))
        ['cnn', 'mine', 'cnn 2']
    """
    stems = [Path(member).stem for member in recipe.members] * recipe.repeats
    counts = [stems[:number].count(stem) for number, stem in enumerate(stems, 1)]
    return [stem if count == 1 else f"{stem} {count}" for stem, count in zip(stems, counts, strict=True)]
