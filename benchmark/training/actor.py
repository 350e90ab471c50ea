"""The worker that fits: it opens the audio, learns what a recipe says, and answers the clips of a test part."""

from pathlib import Path
from typing import Any

from benchmark.errors import RequestError
from benchmark.training.clips_file import ClipsFile
from benchmark.training.jobs import FitJob, Learner
from benchmark.training.recipe import (
    AttentionRecipe,
    EnsembleRecipe,
    FunctionalsRecipe,
    NetworkRecipe,
    ProbeRecipe,
    Recipe,
    parse_plain,
)


def make_learner(recipe: Recipe, clips: ClipsFile, folder: Path, encoder: Path | None) -> Learner:
    """Make the learner of a recipe.

    Args:
        folder: For what is computed once, such as spectrograms; several workers may share it.
        encoder: The checkpoint of recipes that need one.
    """
    # Each imports what it needs only.
    if isinstance(recipe, NetworkRecipe):
        from benchmark.training.fit_network import NetworkLearner  # noqa: PLC0415

        return NetworkLearner(clips, recipe, folder)
    if isinstance(recipe, FunctionalsRecipe):
        from benchmark.training.functionals import FunctionalsLearner  # noqa: PLC0415

        return FunctionalsLearner(clips, recipe, folder)
    if isinstance(recipe, EnsembleRecipe):
        from benchmark.training.ensemble import EnsembleLearner  # noqa: PLC0415

        return EnsembleLearner([make_learner(part, clips, folder, encoder) for part in recipe.recipes], recipe)
    if encoder is None:
        raise RequestError(f"A recipe of the kind {recipe.kind} needs an encoder.")
    if isinstance(recipe, ProbeRecipe):
        from benchmark.training.probe import ProbeLearner  # noqa: PLC0415

        return ProbeLearner(clips, recipe, encoder, folder)
    if isinstance(recipe, AttentionRecipe):
        from benchmark.training.attention import AttentionLearner  # noqa: PLC0415

        return AttentionLearner(clips, recipe, encoder, folder)
    from benchmark.training.finetune import FinetuneLearner  # noqa: PLC0415

    return FinetuneLearner(clips, recipe, encoder, folder)


class TrainingActor:
    """Fits in a worker. Start it with `Worker("benchmark.training.actor:TrainingActor", …)`."""

    def __init__(self) -> None:
        self._learner: Learner | None = None

    def open(self, clips: dict[str, Any], recipe: dict[str, Any], folder: str, encoder: str | None) -> None:
        """Open the audio of a training (`ClipsFile.plain`), and prepare what all fits share."""
        checkpoint = None if encoder is None else Path(encoder)
        self._learner = make_learner(parse_plain(recipe), ClipsFile.from_plain(clips), Path(folder), checkpoint)

    def fit(self, job: dict[str, Any]) -> dict[str, Any]:
        """Fit a model; takes the fields of `FitJob`, and gives those of `FitResult`."""
        if self._learner is None:
            raise RuntimeError("nothing is open")
        return self._learner.fit(FitJob(**{**job, "classes": tuple(job["classes"])})).plain()
