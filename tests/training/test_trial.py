from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import benchmark
from benchmark.errors import RequestError
from benchmark.reporting.training import write_trial
from benchmark.results.training_record import TrialRecord
from benchmark.settings import Settings
from benchmark.training import trial
from benchmark.training.recipe import NetworkRecipe, load_recipe
from benchmark.training.trial import applicable_recipes, uar_of_choice
from tests.support.trained_folders import demo_answers


def test_recipes_are_tried_with_fewer_epochs_and_those_with_an_encoder_where_there_is_one() -> None:
    alone, with_encoder = applicable_recipes(with_encoder=False), applicable_recipes(with_encoder=True)
    assert set(alone) == {"cnn", "functionals", "multiscale", "resnet18"}
    assert set(with_encoder) - set(alone) == {"probe", "best-layer", "attention", "finetune"}
    short, whole = alone["cnn"], load_recipe("cnn")
    assert isinstance(short, NetworkRecipe)
    assert isinstance(whole, NetworkRecipe)
    assert short.fit.epochs == whole.fit.epochs / 3


def test_the_choice_is_scored_on_folds_that_had_no_part_in_it() -> None:
    answers = demo_answers(wrong=0.0)
    folds = np.array(answers.folds)
    # Each recipe is always right on two folds and always wrong on the others: what is best elsewhere fails here.
    halves = []
    for right in ((1, 2), (3, 4)):
        shifted = np.where(
            np.isin(folds, right)[:, None], answers.probabilities, np.roll(answers.probabilities, 1, axis=1)
        )
        halves.append(replace(answers, probabilities=shifted))
    assert uar_of_choice(halves) == 0.0
    assert uar_of_choice([answers, halves[0]]) == 1.0
    assert uar_of_choice([]) is None


def test_a_trial_ranks_recipes_on_the_same_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cnn = load_recipe("cnn")
    assert isinstance(cnn, NetworkRecipe)
    small = cnn.model_copy(update={"channels": (4, 4, 6, 6, 8), "fit": cnn.fit.model_copy(update={"epochs": 3})})
    recipes = {"cnn": small, "functionals": load_recipe("functionals")}
    monkeypatch.setattr(trial, "load_recipe", recipes.__getitem__)
    monkeypatch.setattr(trial, "recipe_names", lambda: tuple(recipes))
    settings = Settings(cache=tmp_path / "cache")
    outcome = benchmark.try_recipes("demo:", folds="2", output=tmp_path / "try", settings=settings)
    best, other = outcome.record.tried
    assert (best.recipe, best.rank, other.recipe) == ("functionals", 1, "cnn")
    assert best.uar > other.uar
    assert outcome.record.chosen_uar == pytest.approx(best.uar, abs=0.01)
    assert TrialRecord.read(tmp_path / "try" / "recipes.json") == outcome.record
    assert "bench train --recipe functionals" in (tmp_path / "try" / "recipes.md").read_text()
    assert not list((tmp_path / "cache").rglob("*.float32"))
    nothing = outcome.record.model_copy(update={"tried": (), "failed": ("cnn",)})
    assert "No recipe came to answers." in write_trial(nothing, tmp_path)[0].read_text()


def test_a_trial_without_a_corpus_is_refused() -> None:
    with pytest.raises(RequestError, match="Say what to train on"):
        benchmark.try_recipes()


def test_options_of_a_whole_training_are_refused_in_a_trial(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache")
    with pytest.raises(RequestError, match="leave out --enrol"):
        benchmark.try_recipes("demo:", enrol=4, output=tmp_path, settings=settings)
    with pytest.raises(RequestError, match="leave out --register"):
        benchmark.try_recipes("demo:", register=True, output=tmp_path, settings=settings)
