from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.demo.files import checkpoints_path
from benchmark.errors import RequestError
from benchmark.models.checkpoint import load_checkpoint
from benchmark.training.attention import AttentionLearner
from benchmark.training.recipe import AttentionRecipe
from tests.support.recordings import Recordings, demo_recordings
from tests.support.tiny_models import write_tiny

ENCODER = checkpoints_path() / "hubert-german"
RECIPE = AttentionRecipe.model_validate(
    {
        "hidden": 8,
        "dropout": 0.1,
        "copies": 1,
        "augmentation": {"gain_db": 6},
        "fit": {"epochs": 12, "batch_size": 4, "learning_rate": 0.01, "patience": 3},
    }
)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return demo_recordings(tmp_path_factory.mktemp("recordings"), speakers=3, emotions=("anger", "sadness"))


def test_the_saved_model_gives_the_answers_of_the_fit_and_has_the_encoder_unchanged(
    recordings: Recordings, tmp_path: Path
) -> None:
    learner = AttentionLearner(recordings.clips, RECIPE, ENCODER, tmp_path)
    whole = recordings.job(1, folder=tmp_path / "model")
    job = replace(whole, train=whole.train[:4], validation=whole.train[4:])
    result = learner.fit(job)
    saved = load_checkpoint(tmp_path / "model")
    answers = [saved.probabilities(recordings.clips.samples(int(clip))) for clip in job.test]
    np.testing.assert_allclose(answers, result.probabilities, atol=1e-5)
    assert saved.report.labels == ("anger", "sadness")
    assert result.monitored == "validation"
    assert result.best_epoch is not None
    assert len(result.epochs) in (12, result.best_epoch + 3)
    assert result.head_parameters == 64 * 8 + 8 + 8 + 1 + 64 * 2 + 2
    encoder = load_checkpoint(ENCODER).model.hubert.state_dict()
    assert all((value == encoder[name]).all() for name, value in saved.model.encoder.state_dict().items())
    assert result.probabilities.tolist() == learner.fit(replace(job, folder=None)).probabilities.tolist()
    assert len(learner._frames.clips) == 2 * len(recordings.labels)
    again = AttentionLearner(recordings.clips, RECIPE, ENCODER, tmp_path)  # reads the frames of the first
    assert again.fit(replace(job, folder=None)).probabilities.tolist() == result.probabilities.tolist()


def test_an_encoder_that_reads_no_samples_is_refused(recordings: Recordings, tmp_path: Path) -> None:
    whisper = write_tiny("whisper", tmp_path / "whisper")
    with pytest.raises(RequestError, match="'whisper' does not: take the recipe `probe`"):
        AttentionLearner(recordings.clips, RECIPE, whisper, tmp_path)
