"""Every recipe is fitted for real on the demo's voices: one fold, one epoch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.demo.files import checkpoints_path
from benchmark.models.checkpoint import load_checkpoint
from benchmark.progress import Silent
from benchmark.settings import Settings
from benchmark.training.actor import make_learner
from benchmark.training.clips_file import ClipsFile, write_clips
from benchmark.training.features import EncoderSource, FeatureWriter
from benchmark.training.jobs import FitJob
from benchmark.training.recipe import (
    ProbeRecipe,
    Recipe,
    load_recipe,
    needs_encoder,
    parse_plain,
    parts_of,
    recipe_names,
)
from tests.support.audio import shared_reader
from tests.support.training import demo_examples

ENCODER = checkpoints_path() / "wavlm-encoder"
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipsFile:
    folder = tmp_path_factory.mktemp("clips")
    return write_clips(demo_examples().audio, folder / "clips.float32", shared_reader(), Silent())


def shortened(recipe: Recipe) -> Recipe:
    """The recipe with one epoch."""

    def change(part: dict[str, Any]) -> dict[str, Any]:
        fit = {"fit": {**part["fit"], "epochs": 1}} if "fit" in part else {}
        return {**part, **fit}

    plain = change(recipe.model_dump(mode="json"))
    if "recipes" in plain:
        plain["recipes"] = [change(part) for part in plain["recipes"]]
    return parse_plain(plain)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_fitted_and_saved_as_a_model_with_the_same_answers(
    name: str, clips: ClipsFile, tmp_path: Path
) -> None:
    recipe, examples = shortened(load_recipe(name)), demo_examples().clips
    features, saved = tmp_path / "features", tmp_path / "saved"
    features.mkdir()
    for part in parts_of(recipe):
        if isinstance(part, ProbeRecipe):
            encoder = EncoderSource(id="wavlm-encoder", revision="1", folder=ENCODER)
            writer = FeatureWriter(
                encoder=encoder,
                clips=clips,
                clip_hashes=examples.hashes,
                settings=Settings(cache=tmp_path / "cache"),
                progress=Silent(),
            )
            assert writer.write(part, features) == {}
    learner = make_learner(recipe, clips, features, ENCODER if needs_encoder(recipe) else None)
    is_tested = np.isin([str(speaker) for speaker in examples.speakers], ["f1", "m1"])
    job = FitJob(
        train=np.flatnonzero(~is_tested),
        validation=np.empty(0, np.int64),
        test=np.flatnonzero(is_tested)[:4],
        labels=examples.labels,
        speakers=examples.groups,
        classes=examples.classes,
        seed=1,
        folder=str(saved),
    )
    result = learner.fit(job)
    assert result.is_finite
    assert not [path for path in saved.iterdir() if path.suffix in {".bin", ".pt", ".pkl"}]
    checkpoint = load_checkpoint(saved)
    assert checkpoint.report.labels == examples.classes
    for row, clip in enumerate(job.test):
        (window,) = clips.windows_of(int(clip))
        probabilities = checkpoint.probabilities(clips.samples(int(window)))
        np.testing.assert_allclose(probabilities, result.probabilities[row], atol=TOLERANCE)
