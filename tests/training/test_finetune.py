from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from benchmark.demo.files import checkpoints_path
from benchmark.errors import RequestError
from benchmark.models.checkpoint import load_checkpoint
from benchmark.training.finetune import FinetuneLearner
from benchmark.training.recipe import FinetuneRecipe
from tests.support.recordings import Recordings, demo_recordings

ENCODER = checkpoints_path() / "hubert-german"
RECIPE = FinetuneRecipe.model_validate(
    {"unfreeze_from": -1, "crop_s": 0.8, "fit": {"epochs": 2, "batch_size": 4, "validation": 0, "patience": 0}}
)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return demo_recordings(tmp_path_factory.mktemp("recordings"), speakers=2, emotions=("anger", "sadness"))


def test_the_upper_layer_and_the_head_are_trained_and_the_saved_model_gives_the_answers_of_the_fit(
    recordings: Recordings, tmp_path: Path
) -> None:
    learner = FinetuneLearner(recordings.clips, RECIPE, ENCODER, tmp_path)
    job = recordings.job(1, folder=tmp_path / "model")
    result = learner.fit(job)
    saved = load_checkpoint(tmp_path / "model")
    answers = [saved.probabilities(recordings.clips.samples(int(clip))) for clip in job.test]
    np.testing.assert_allclose(answers, result.probabilities, atol=1e-5)
    assert (saved.report.architecture, saved.report.labels) == ("HubertForSequenceClassification", ("anger", "sadness"))
    before, after = (load_file(folder / "model.safetensors") for folder in (ENCODER, tmp_path / "model"))
    changed = {
        name
        for name in before
        if before[name].shape == after[name].shape and not torch.equal(before[name], after[name])
    }
    assert {name.split(".")[0] for name in changed} <= {"hubert", "projector"}
    assert {name.partition("layers.")[2][:1] for name in changed if name.startswith("hubert")} == {"1"}
    assert result.monitored == "training"
    assert len(result.epochs) == 2
    assert np.isfinite(result.probabilities).all()
    assert result.probabilities.tolist() == learner.fit(replace(job, folder=None)).probabilities.tolist()


def test_lower_layers_learn_more_slowly(recordings: Recordings, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"unfreeze_from": 0, "layer_decay": 0.5})
    learner = FinetuneLearner(recordings.clips, recipe, ENCODER, tmp_path)
    rates = [rate for rate, _ in learner._groups(load_checkpoint(ENCODER))]
    assert rates == [1e-3, 5e-5, 2.5e-5]


def test_excerpts_of_a_batch_have_one_length(recordings: Recordings, tmp_path: Path) -> None:
    learner = FinetuneLearner(recordings.clips, RECIPE, ENCODER, tmp_path)
    batch = learner._batch(load_checkpoint(ENCODER), [0, 1, 2], np.random.default_rng(0))
    assert batch["input_values"].shape == (3, 12_800)
    assert bool(batch["attention_mask"].all())


def test_a_layer_that_there_is_not_and_clips_that_are_too_short_are_refused(
    recordings: Recordings, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="unfreeze_from is 2, and the encoder has 2 layers"):
        FinetuneLearner(recordings.clips, RECIPE.model_copy(update={"unfreeze_from": 2}), ENCODER, tmp_path)
    short = replace(recordings.clips, lengths=np.minimum(recordings.clips.lengths, 100))
    with pytest.raises(RequestError, match="8 clips are shorter than the"):
        FinetuneLearner(short, RECIPE, ENCODER, tmp_path)
