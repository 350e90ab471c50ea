"""Models that compare audio with prompts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from benchmark.models.load_reports import CheckpointError, LoadOptions, TooShortError
from benchmark.models.zero_shot import ZeroShotModel, load_zero_shot
from tests.support.clap_models import PROMPTS, expected_probabilities, write_clap

TEXTS = [text for texts in PROMPTS.values() for text in texts]
NOISE = np.random.default_rng(3).normal(0, 0.1, 480_000).astype(np.float32)


def load(folder: Path, texts: Sequence[str] = TEXTS) -> ZeroShotModel:
    return load_zero_shot(folder, LoadOptions(prompts={"texts": list(texts), "phrasings": 3}))


@pytest.mark.parametrize(("fused", "width"), [(False, 1), (True, 1), (False, 4)])
def test_probabilities_are_the_mean_over_phrasings_of_those_of_transformers(
    tmp_path: Path, fused: bool, width: int
) -> None:
    folder = write_clap(tmp_path, fused=fused, width=width)
    model = load(folder)
    assert (model.report.window_s, model.report.sampling_rate, model.report.fixed_window) == (10.0, 48_000, True)
    answers = []
    for samples in (NOISE, (np.cumsum(NOISE[:70_000]) / 50).astype(np.float32), NOISE[:2_000]):
        by_prompt = np.exp(model.logits(samples).astype(np.float64))
        assert by_prompt.sum() == pytest.approx(1.0, abs=1e-6)
        answers.append(by_prompt.reshape(3, 3).sum(axis=1))
        assert answers[-1] == pytest.approx(list(expected_probabilities(folder, samples).values()), abs=1e-5)
        assert model.logits(samples).tolist() == model.logits(samples).tolist()
    assert np.abs(answers[0] - answers[1]).max() > 1e-4


def test_too_short_audio_is_refused(tmp_path: Path) -> None:
    model = load(write_clap(tmp_path))
    with pytest.raises(TooShortError, match="needs at least 1024"):
        model.clip_logits(NOISE[:1_000])


def test_a_prompt_of_too_many_words_is_refused(tmp_path: Path) -> None:
    folder = write_clap(tmp_path)
    with pytest.raises(CheckpointError, match=r"has \d+ tokens, and it reads 62: shorten it"):
        load(folder, ["angry voice " * 60, *TEXTS[1:]])


def test_weights_that_would_be_random_are_refused(tmp_path: Path) -> None:
    file = write_clap(tmp_path) / "model.safetensors"
    weights = {name: value for name, value in load_file(file).items() if name != "logit_scale_a"}
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"1 of its weights are not in the checkpoint .*: logit_scale_a"):
        load(tmp_path)
