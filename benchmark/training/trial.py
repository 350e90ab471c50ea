"""`--try`: which recipe suits a corpus, by short trainings of all that apply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmark.corpora.audio_reader import AudioReader
from benchmark.progress import Progress
from benchmark.results.training_record import OutOfFold, TriedRecipe
from benchmark.scoring.decisions import SpeakerCounts, count_by_speaker
from benchmark.scoring.intervals import speakers_can_be_left_out
from benchmark.scoring.out_of_fold import decisions_of, score_out_of_fold
from benchmark.scoring.ranking import PairedDifferences
from benchmark.temporary import private_folder
from benchmark.training.jobs import mean_recall
from benchmark.training.recipe import EnsembleRecipe, Recipe, load_recipe, needs_encoder, recipe_names
from benchmark.training.train import Training

BUDGET = 1 / 3
"""The share of a recipe's epochs that is tried."""
_FEWEST_EPOCHS = 3


def applicable_recipes(*, with_encoder: bool) -> dict[str, Recipe]:
    """The recipes of this package that can be tried, with fewer epochs; ensembles only repeat their members."""
    recipes = {name: load_recipe(name) for name in recipe_names()}
    return {
        name: _shortened(recipe)
        for name, recipe in recipes.items()
        if not isinstance(recipe, EnsembleRecipe) and (with_encoder or not needs_encoder(recipe))
    }


def _shortened(recipe: Recipe) -> Recipe:
    fit = getattr(recipe, "fit", None)
    if fit is None:
        return recipe
    epochs = max(min(fit.epochs, _FEWEST_EPOCHS), round(fit.epochs * BUDGET))
    return recipe.model_copy(update={"fit": fit.model_copy(update={"epochs": epochs})})


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The outcome of short trainings.

    Attributes:
        tried: The recipes, the best first.
        chosen_uar: What choosing the best is worth: each fold is answered by the recipe that is best on the others.
        failed: Recipes whose fits came to no answers.
    """

    tried: tuple[TriedRecipe, ...]
    chosen_uar: float | None
    failed: tuple[str, ...]


def try_recipes(training: Training, recipes: Mapping[str, Recipe], reader: AudioReader, progress: Progress) -> Trial:
    """Cross-validate recipes on the same folds, and rank them as a leaderboard ranks candidates."""
    temporary = private_folder(reader.settings.temporary)
    answers: dict[str, OutOfFold] = {}
    seconds: dict[str, float] = {}
    try:
        clips = training.write_clips(temporary.path, reader, progress)
        training.check(clips, progress)
        for name, recipe in recipes.items():
            progress.note(f"Trying {name}.")
            own = replace(training, recipe_name=name, recipe=recipe)
            validated = own.validate(clips, temporary.path, reader.settings, progress)
            seconds[name] = sum(result.seconds for result in validated.results.values())
            if not validated.failed:
                answers[name] = validated.out_of_fold(own.seeds[0])
    finally:
        temporary.remove()
    return Trial(
        tried=_ranked(answers, seconds),
        chosen_uar=uar_of_choice(list(answers.values())),
        failed=tuple(name for name in recipes if name not in answers),
    )


def _ranked(answers: Mapping[str, OutOfFold], seconds: Mapping[str, float]) -> tuple[TriedRecipe, ...]:
    ranks = _ranks(answers)
    rows = []
    for name, own in answers.items():
        score = score_out_of_fold(own, name)
        rows.append(
            TriedRecipe(
                recipe=name,
                rank=ranks.get(name),
                uar=score.uar or 0.0,
                uar_low=score.uar_low,
                uar_high=score.uar_high,
                macro_f1=score.macro_f1 or 0.0,
                seconds=seconds[name],
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.uar, row.recipe)))


def _ranks(answers: Mapping[str, OutOfFold]) -> dict[str, int]:
    """Ranks of recipes that answered the same clips; none where speakers cannot be left out in turn."""
    clips = max((own.clips for own in answers.values()), key=len, default=())
    counts: dict[str, SpeakerCounts] = {}
    for name, own in answers.items():
        of_speakers = count_by_speaker(decisions_of(own), own.speakers) if own.clips == clips else None
        if of_speakers is not None and speakers_can_be_left_out(of_speakers.clips):
            counts[name] = of_speakers
    if not counts:
        return {}
    standings = PairedDifferences.of(list(counts.values())).standings
    return {name: standing.rank for name, standing in zip(counts, standings, strict=True)}


def uar_of_choice(answers: Sequence[OutOfFold]) -> float | None:
    """The UAR where each fold is answered by the recipe that is best on all other folds."""
    if not answers or any(own.clips != answers[0].clips for own in answers):
        return None
    folds, truth = np.array(answers[0].folds), np.array(answers[0].labels)
    labels = np.unique(truth, return_inverse=True)[1].astype(np.int64)
    right = [np.array(own.predicted) == truth for own in answers]
    chosen = np.zeros(truth.size, np.bool_)
    for fold in np.unique(folds):
        others = folds != fold
        best = max(right, key=lambda own: mean_recall(labels[others], np.where(own, labels, -1)[others]))
        chosen[~others] = best[~others]
    return mean_recall(labels, np.where(chosen, labels, -1))
