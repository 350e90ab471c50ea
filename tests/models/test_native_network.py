from pathlib import Path

import numpy as np
import pytest

from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.load_reports import LoadOptions
from tests.support.native_models import (
    NEWER_WAVLM,
    Logits,
    Odyssey,
    SpeechBrain,
    VoxProfile,
    write_odyssey,
    write_speechbrain,
    write_vox_profile,
)

CLIPS = [np.random.default_rng(length).normal(0.01, 0.1, length).astype(np.float32) for length in (16_000, 23_457)]


def same_as(folder: Path, kind: str, logits: Logits) -> None:
    """Hold that a rebuilt model answers as an independent implementation, and that its answers depend on the clip."""
    checkpoint = load_checkpoint(folder, LoadOptions(head={"kind": kind}))
    assert checkpoint.report.head == kind
    assert checkpoint.report.missing == ()
    answers = [checkpoint.logits(clip) for clip in CLIPS]
    for clip, answer in zip(CLIPS, answers, strict=True):
        assert np.abs(answer - logits(clip)).max() <= 1e-5
    assert np.abs(answers[0] - answers[1]).max() > 1e-3


@pytest.mark.parametrize(
    "variant",
    [
        VoxProfile(),
        VoxProfile(width=64, heads=8, hidden=24),
        VoxProfile(use_conv_output=False),
        VoxProfile(large=False),
    ],
    ids=["large", "wider", "without what goes into the first layer", "base"],
)
def test_a_model_of_vox_profile_is_the_published_one(tmp_path: Path, variant: VoxProfile) -> None:
    same_as(tmp_path, "vox-profile", write_vox_profile(tmp_path, variant))


@pytest.mark.parametrize(
    "variant",
    [Odyssey(), Odyssey(width=48, heads=6), Odyssey(blocks=3), Odyssey(file="pytorch_model.bin")],
    ids=["one block", "wider", "three blocks", "bin"],
)
def test_a_model_of_the_odyssey_baseline_is_the_published_one(tmp_path: Path, variant: Odyssey) -> None:
    same_as(tmp_path, "odyssey", write_odyssey(tmp_path, variant))


@pytest.mark.parametrize(
    "variant",
    [
        SpeechBrain(),
        SpeechBrain(width=128, statistics=("mean", "std"), bias=True),
        SpeechBrain(statistics=("std",)),
        SpeechBrain(large=True, output_norm=None),
        SpeechBrain(output_norm=False),
        SpeechBrain(encoder="hubert", source="facebook/hubert-base-ls960"),
        SpeechBrain(encoder="wavlm", module=NEWER_WAVLM, output_norm=None),
    ],
    ids=["published", "mean and std", "std", "large", "without output norm", "hubert", "wavlm of a newer class"],
)
def test_a_model_of_speechbrain_is_the_published_one(tmp_path: Path, variant: SpeechBrain) -> None:
    same_as(tmp_path, "speechbrain", write_speechbrain(tmp_path, variant))
