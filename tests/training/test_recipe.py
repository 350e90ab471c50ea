from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.training.recipe import (
    EnsembleRecipe,
    NetworkRecipe,
    load_recipe,
    parse_plain,
    recipe_names,
    recipe_text,
    validation_share,
)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_that_is_shown_can_be_copied_edited_and_sent_to_a_worker(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    copy.write_text(recipe_text(name))
    recipe = load_recipe(copy)
    assert recipe == load_recipe(name)
    assert parse_plain(recipe.model_dump(mode="json")) == recipe
    assert recipe_text(name).startswith("# ")


def test_an_ensemble_takes_recipes_and_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "held.toml").write_text('kind = "network"\nnetwork = "cnn"\n[fit]\nvalidation = 0.2\n')
    (tmp_path / "both.toml").write_text('kind = "ensemble"\nmembers = ["cnn", "held.toml"]\n')
    both = load_recipe(tmp_path / "both.toml")
    assert isinstance(both, EnsembleRecipe)
    assert both.recipes[0] == load_recipe("cnn")
    assert isinstance(both.recipes[1], NetworkRecipe)
    assert validation_share(both) == 0.2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kind = ", "is not TOML"),
        ('kind = "probe"\nmixup = 1', "this kind of recipe has no mixup"),
        ('kind = "forest"', "kind: input tag 'forest'"),
        ("", "kind: "),
        ('kind = "network"\nnetwork = "cnn"\n[fit]\nepochs = 0', "fit.epochs: input should be greater"),
        ('kind = "network"\nnetwork = "cnn"\n[fit]\nlearning_rate = inf', "learning_rate: input should be a finite"),
        ('kind = "network"\nnetwork = "cnn"\n[augmentation]\nspeed = []', "augmentation.speed: "),
        ('kind = "ensemble"\nmembers = ["mine.toml"]', "mine.toml is an ensemble itself"),
        ('kind = "ensemble"\nmembers = ["gone.toml"]', "cannot be read"),
        ("a = " + "[" * 5000, "nested too deeply|is not TOML"),
        ("# " + "x" * 200_000, "too large for a recipe"),
    ],
)
def test_what_is_no_recipe_is_refused_in_a_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RequestError, match=sentence):
        load_recipe(path)
